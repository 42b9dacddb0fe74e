"""A backfill and the regular sync after it load each row once."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from feedback_loads.handover import BackfillIncompleteError
from feedback_loads.loads import Loader, LoadError
from feedback_loads.ranges import ranges
from feedback_loads.states import FolderStore
from feedback_loads.tenants import SettingsError, settings_of
from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.process

#: A target: appends the records to a file, notes its environment, and writes the states. `FAILS` makes it fail once.
TARGET = """
import json, os, sys
config = json.load(open(sys.argv[-1]))
out = open(config["path"], "a")
print(json.dumps({"type": "ENVIRONMENT", "names": sorted(os.environ)}), file=out)
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "STATE":
        out.flush()
        print(json.dumps(message["value"]), flush=True)
    else:
        print(line.strip(), file=out)
    if message["type"] == "RECORD" and os.path.exists(config["fails"]):
        os.remove(config["fails"])
        sys.exit(3)
"""
STREAMS = ("forums", "suggestions")
#: Three hours apart from 2020 on: 728 in the first quarter, 728 in the second.
ROWS = 1_500


class Case:
    """A tenant with two streams that have ranges and one that has none."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.store = FolderStore(folder / "states")
        self.rows, self.fails = folder / "rows.jsonl", folder / "fails"
        self.log: list[str] = []
        self.settings = settings_of(
            {
                "backfill": {"start": "2020-01-01", "end": "2020-07-01"},
                "tap": [str(Path(sys.executable).with_name("tap-feedback"))],
                "target": {
                    "command": [sys.executable, "-c", TARGET],
                    "config": {"path": str(self.rows), "fails": str(self.fails), "schema": "{tenant}"},
                    "environment": {"ZONE": "UTC"},
                },
                "tenants": {
                    "acme": {
                        "config": {"analytics": {"base_url": sandbox.url}, "feedback": {"base_url": sandbox.url}},
                        "keys": {"analytics": "ACME_ANALYTICS", "feedback": "ACME_FEEDBACK"},
                        "streams": [*STREAMS, "feedback_data"],
                    }
                },
            },
            folder,
        )

    @property
    def loader(self) -> Loader:
        """The loads of the tenant."""
        tenant = self.settings.tenants["acme"]
        return Loader(self.settings, tenant, self.store, processes=None, echo=self.log.append)

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """The messages of a type that the target has taken."""
        messages = [json.loads(line) for line in self.rows.read_text("utf-8").splitlines()]
        return [message for message in messages if message["type"] == kind]

    @property
    def counts(self) -> dict[str, Counter[Any]]:
        """How often each id of each stream has arrived."""
        counts: dict[str, Counter[Any]] = {}
        for message in self.messages("RECORD"):
            counts.setdefault(message["stream"], Counter())[message["record"]["id"]] += 1
        return counts


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The vendor."""
    with Sandbox(rows=ROWS, rows_of={"feedback_data": 20}) as sandbox:
        yield sandbox


@pytest.fixture
def case(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A tenant at the vendor."""
    monkeypatch.setenv("ACME_ANALYTICS", sandbox.keys["analytics"])
    monkeypatch.setenv("ACME_FEEDBACK", sandbox.keys["feedback"])
    return Case(tmp_path, sandbox)


def test_each_row_comes_once(case: Case, sandbox: Sandbox) -> None:
    """Each range has its rows, and the regular sync the rest; only a row that has changed comes again."""
    first = case.loader.backfill("2020-01")
    assert first.log.rows == dict.fromkeys(STREAMS, 728)
    assert "complete" in first.log.summary
    with pytest.raises(BackfillIncompleteError, match="2020-04"):
        case.loader.sync()
    sandbox.update("forums", 3)
    case.loader.backfill("2020-04")
    assert case.loader.sync().log.rows == {
        "forums": 1_500 - 2 * 728 + 1,
        "suggestions": 1_500 - 2 * 728,
        "feedback_data": 20,
    }
    assert {name: len(counts) for name, counts in case.counts.items()} == {
        **dict.fromkeys(STREAMS, ROWS),
        "feedback_data": 20,
    }
    again = {(stream, key) for stream, counts in case.counts.items() for key, times in counts.items() if times > 1}
    assert len(again) == 1
    assert case.loader.sync().log.rows == {"forums": 1, "suggestions": 1, "feedback_data": 20}


def test_a_range_that_fails(case: Case) -> None:
    """There is no receipt, so no handover; the next attempt completes the range."""
    case.loader.backfill("2020-04")
    case.fails.touch()
    with pytest.raises(LoadError, match=r"acme/backfill/2020-01: .*the target ended with exit code 3"):
        case.loader.backfill("2020-01")
    assert not case.store.read("acme/backfill/2020-01.complete")
    assert case.loader.backfill("2020-01").attempt == 2
    assert {len(counts) for counts in case.counts.values()} == {2 * 728}


def test_a_range_that_is_loaded_again(case: Case) -> None:
    """Who starts a complete range again wants all of its rows again."""
    assert [case.loader.backfill("2020-01").log.rows.total() for _ in range(2)] == [2 * 728] * 2


def test_tables_are_created_first(case: Case) -> None:
    """The target gets the schemas of the ranges alone, once, so that concurrent ranges find the tables."""
    case.loader.backfill("2020-01")
    assert [message["stream"] for message in case.messages("SCHEMA")[:2]] == list(STREAMS)
    case.loader.backfill("2020-04")
    assert len(case.messages("ENVIRONMENT")) == 3


def test_tables_that_cannot_be_created(case: Case) -> None:
    """No range is read."""
    case.settings = replace(case.settings, target=[sys.executable, "-c", "import sys; sys.exit(1)"])
    with pytest.raises(LoadError, match="could not create the tables"):
        case.loader.backfill("2020-01")


def test_a_failed_stream_names_its_cause(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of the load has the last error of the tap."""
    case.loader.backfill("2020-01")
    monkeypatch.setenv("ACME_ANALYTICS", "wrong")
    with pytest.raises(LoadError, match=r"the tap ended with exit code 1; .*401 Unauthorized"):
        case.loader.backfill("2020-04")


def test_keys_stay_with_the_tap(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target gets no key, neither in its environment nor in a file; the tap gets no setting from outside."""
    monkeypatch.setenv("TAP_FEEDBACK_START_DATE", "2030-01-01")
    assert case.loader.backfill("2020-01").log.rows.total() == 2 * 728
    names = set(case.messages("ENVIRONMENT")[0]["names"])
    assert "ZONE" in names
    assert not names & {"ACME_ANALYTICS", "ACME_FEEDBACK"}
    written = "".join(path.read_text("utf-8") for path in case.rows.parent.rglob("*.json*"))
    assert os.environ["ACME_ANALYTICS"] not in written


def test_a_range_that_is_not_over(case: Case) -> None:
    """Rows would still come into it, behind the handover."""
    endless = ranges(date(2020, 1, 1), date(2100, 1, 1), 960)
    case.settings = replace(case.settings, ranges=tuple(endless))
    with pytest.raises(SettingsError, match="2020-01 ends on 2100-01-01; run it after that day"):
        case.loader.backfill("2020-01")


def test_a_tenant_with_a_start(case: Case) -> None:
    """A range before its `start_date` has no rows, and a range around it has those from there on."""
    config = {**case.settings.tenants["acme"].config, "start_date": "2020-04-02"}
    tenant = replace(case.settings.tenants["acme"], config=config)
    case.settings = replace(case.settings, tenants={"acme": tenant})
    assert [case.loader.backfill(name).log.rows.total() for name in ("2020-01", "2020-04")] == [0, 2 * 720]
    assert case.loader.sync().log.rows["forums"] == ROWS - 2 * 728


def test_a_key_that_is_missing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable."""
    monkeypatch.delenv("ACME_FEEDBACK")
    with pytest.raises(SettingsError, match=r"`tenants\.acme\.keys\.feedback`: the variable ACME_FEEDBACK is not set"):
        case.loader.backfill("2020-01")
