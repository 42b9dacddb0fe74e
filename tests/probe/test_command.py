"""`--probe` prints settings that work, and its exit code says whether each stream has them."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from sandbox.apis import Options
from sandbox.paging import STYLES
from tap_feedback import declarations
from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS
from tests.probe.players import MOST, Player, by_offset, by_page, rows
from tests.runs import api, catalog_of, errors_of, run_tap, sync, written_by
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_output_works_as_a_second_config(write: Callable[..., str]) -> None:
    """The block goes over the config that was probed, and the secret is printed nowhere."""
    players = {"/v2/reviews": Player(rows(70), by_offset), "/v2/feedback": Player(rows(130), by_page(1))}
    with Server(lambda asked: players[asked.path](asked)) as server:
        streams = {"reviews": {"path": "/reviews"}, "feedback_data": {}}
        config = {"feedback": api(server.url, path_prefix="/v2", api_key="a-very-secret-key", streams=streams)}
        first = write("a.json", config)
        found = run_tap("--config", first, "--probe")
        assert found.returncode == 0, found.stderr
        assert len(server.requests) <= 2 * MOST
        block = json.loads(found.stdout)
        second = write("b.json", found.stdout)
        merged = declarations.merge(config, block)
        catalog = write("catalog.json", catalog_of(merged, "reviews", "feedback_data"))
        run = run_tap("--config", first, "--config", second, "--catalog", catalog)
    assert "a-very-secret-key" not in found.stdout + found.stderr
    assert len(re.findall(r"INFO .*reviews: the rows are at", found.stderr)) == 1
    assert run.returncode == 0, run.stderr
    written = written_by(run)
    assert (len(written.ids("reviews")), len(written.ids("feedback_data"))) == (70, 130)


def test_what_is_missing_is_said(write: Callable[..., str]) -> None:
    """A stream without settings makes the exit code 1; the others are printed all the same."""
    players = {"/v1/reviews": Player(rows(70), by_offset), "/v1/notes": Player([], by_offset)}
    with Server(lambda asked: players[asked.path](asked)) as server:
        streams = {"reviews": {"path": "/reviews"}, "notes": {"path": "/notes"}}
        config = write("config.json", {"support": api(server.url, streams=streams)})
        found = run_tap("--config", config, "--probe")
    assert found.returncode == 1
    assert list(json.loads(found.stdout)["support"]["streams"]) == ["reviews"]
    (error,) = errors_of(found)
    assert error.partition("| ")[2].startswith("notes: undecided after 1 request: `data.list` (0 objects) has no rows")


def test_no_api(write: Callable[..., str]) -> None:
    """Without an API there is nothing to probe."""
    found = run_tap("--config", write("config.json", {}), "--probe")
    assert (found.returncode, found.stdout) == (1, "")
    assert "| no API is set" in errors_of(found)[0]


def test_the_pace_of_the_settings_is_kept() -> None:
    """No more requests are sent than `requests_per_minute` says, also after another auth was tried."""
    times: list[float] = []

    def respond(asked: RecordedRequest) -> Any:
        times.append(time.monotonic())
        return Player(rows(23), by_offset)(asked) if "X-API-Key" in asked.headers else Reply({}, status=401)

    with Server(respond) as server:
        config = {"feedback": api(server.url, streams={"reviews": {"path": "/reviews"}}, requests_per_minute=1200)}
        began = time.monotonic()
        assert TapFeedback(config=config, setup_mapper=False).probe().missing == {}
    assert times[-1] - began >= 0.05 * (len(times) - 1)


@pytest.mark.parametrize("name", ["feedback", "analytics"])
@pytest.mark.parametrize("style", STYLES)
def test_the_sandbox_is_found(name: str, style: str) -> None:
    """Every style of the sandbox is found, with its filter, and read whole."""
    stream = "feedback_data" if name == "feedback" else "suggestions"
    assert stream in STREAMS[name]
    with Sandbox(rows=250, apis={name: Options(paging=STYLES[style])}) as sandbox:
        method = STYLES[style].method
        config = {name: api(sandbox.url, api_key=sandbox.keys[name], streams={stream: {"method": method}})}
        found = TapFeedback(config=config, setup_mapper=False).probe()
        assert len(sandbox.requests) <= MOST
        assert found.missing == {}
        merged = declarations.merge(config, found.block)
        run = sync(merged, catalog=catalog_of(merged, stream))
        assert (run.error, run.failures) == (None, {})
        assert sorted(map(str, run.ids(stream))) == sorted(str(row["id"]) for row in sandbox.rows(stream))
    assert found.block[name]["streams"][stream]["paginator"]["type"] == STYLES[style].settings["type"]
    if name == "analytics":
        assert found.block[name]["streams"][stream]["incremental"] == {
            "start_param": "updated_after",
            "end_param": "updated_before",
            "format": "%Y-%m-%dT%H:%M:%SZ",
        }
