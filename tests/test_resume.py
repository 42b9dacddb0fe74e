"""Syncs that are stopped at any moment and run again: no row is missing, and little is read twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback import checkpoint
from tap_feedback.records.timestamps import parse_instant
from tests.resume import (
    DAY,
    EPOCH,
    NO_PLACE,
    PAGINATORS,
    STREAM,
    Case,
    Model,
    assert_no_state_passes_a_row,
    cut,
    days,
    has_place,
    ids_in,
    rows_at,
    text,
    year,
)
from tests.runs import TAP, catalog_of
from tests.server import Server

if TYPE_CHECKING:
    from pathlib import Path

ASC = {"row_order": "asc"}


@pytest.fixture
def _every_place_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A STATE message for each place, however much time it takes."""
    monkeypatch.setattr(checkpoint, "AT_FIRST", 3600)
    monkeypatch.setattr(checkpoint, "FILES_AT_FIRST", 3600)


def case_of(chance: random.Random, folder: Path) -> Case:
    """Any stream that saves its place, over 20 days."""
    kinds = chance.choice([1, 1, 1, 3])
    window = chance.choice([None, 1, 2.5, 7])
    is_sorted = window is None or chance.random() < 0.5
    minutes = [chance.randrange(20 * 24 * 60) // 30 * 30 for _ in range(chance.randrange(90))]
    model = Model(rows_at(*minutes, kinds=kinds), kinds, is_sorted, excludes=chance.random() < 0.3)
    incremental = {
        "window": window,
        "row_order": "asc" if is_sorted else None,
        "lookback": chance.choice([0, 0, 3600, 200000]),
        "trust_filter": window is not None and not is_sorted and chance.random() < 0.3,
    }
    top: dict[str, Any] = {"start_date": text(EPOCH - timedelta(minutes=1)), "end_date": text(EPOCH + 21 * DAY)}
    if chance.random() < 0.25:
        encoding = {"format": "jsonl", "compression": "none"}
        top["batch_config"] = {"encoding": encoding, "storage": {"root": str(folder)}, "batch_size": 7}
    paginator = chance.choice([*PAGINATORS])
    most = 3 if window is None and chance.random() < 0.4 else None
    stream = {"paginator": {**PAGINATORS[paginator], "max_pages": most}}
    return Case(model, paginator, incremental, chance.choice([1, 2, 4]), top, stream)


@pytest.mark.usefixtures("_every_place_is_written")
@pytest.mark.parametrize("seed", range(50))
def test_runs_that_are_cut_off_one_after_the_other(seed: int, tmp_path: Path) -> None:
    """Any stream, any number of kills: the union is complete, no state passes a row, nothing covered comes again."""
    chance = random.Random(seed)  # noqa: S311 - a test
    case = case_of(chance, tmp_path)
    model, loaded = case.model, set[str]()
    state: dict[str, Any] | None = None
    with Server(model) as server:
        for attempt in range(8):
            model.requests.clear()
            model.down_from = chance.choice([None, chance.randrange(1, 30)])
            run = case.sync(server.url, state)
            assert_no_state_passes_a_row(run, model, loaded)
            place = (state or {}).get("bookmarks", {}).get(STREAM, {}).get("progress", NO_PLACE)
            if place != NO_PLACE:
                for query in case.requests:
                    start = parse_instant(place["until"][int(query.get("kind", 0))])
                    asked = parse_instant(query["since"])
                    assert asked is not None
                    assert start is None or asked >= start - timedelta(seconds=2), (place, query)
            ends = run.error is None and attempt > 3
            new, last = cut(run, len(run.lines) if ends else chance.randrange(len(run.lines) + 1))
            loaded |= new
            state = last or state
            if ends:
                break
        else:
            model.down_from = None
            run = case.sync(server.url, state)
            assert run.error is None
            loaded |= cut(run, len(run.lines))[0]
            state = run.state
        assert loaded == {row["id"] for row in model.table}
        model.down_from = None
        whole = case.sync(server.url)
    assert state is not None
    assert not has_place(state["bookmarks"][STREAM])
    assert state["bookmarks"][STREAM] == whole.state["bookmarks"][STREAM]


@pytest.mark.parametrize("incremental", [{"window": 1}, ASC, {"window": 4, **ASC}])
def test_kill_9(tmp_path: Path, incremental: dict[str, Any]) -> None:
    """A process that dies at any request leaves what the next one needs."""
    chance = random.Random(1)  # noqa: S311 - a test
    model = days(20, 8, is_sorted=True)
    case = Case(model, "cursor", incremental, top=year(20))
    loaded, state, kills = set[str](), None, 0
    running: list[subprocess.Popen[bytes]] = []

    def respond(asked: Any) -> Any:
        if len(model.requests) == fatal:
            os.kill(running[-1].pid, signal.SIGKILL)
        return model(asked)

    with Server(respond) as server:
        config, catalog, given = (tmp_path / name for name in ("config.json", "catalog.json", "state.json"))
        config.write_text(json.dumps(case.config(server.url)))
        catalog.write_text(json.dumps(catalog_of(case.config(server.url), STREAM)))
        for _ in range(8):
            fatal = chance.randrange(3, 25)
            model.requests.clear()
            given.write_text(json.dumps(state or {}))
            command = [TAP, "--config", str(config), "--catalog", str(catalog), "--state", str(given)]
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            out, _ = running[-1].communicate(timeout=60)
            kills += running[-1].returncode == -signal.SIGKILL
            for line in out.decode().split("\n")[:-1]:
                message = json.loads(line)
                loaded |= ids_in(message)
                state = message["value"] if message["type"] == "STATE" else state
            if running[-1].returncode == 0:
                break
        else:
            run = case.sync(server.url, state)
            assert run.error is None
            loaded |= set(run.ids(STREAM))
    assert kills > 0
    assert loaded == {row["id"] for row in model.table}
