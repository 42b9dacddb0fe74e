"""Places that the state of a running sync follows: windows that are complete. Other streams have none."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tap_feedback import checkpoint
from tap_feedback.records.timestamps import parse_instant
from tests.resume import (
    DAY,
    EPOCH,
    STREAM,
    Case,
    Model,
    assert_no_state_passes_a_row,
    covered,
    cut,
    days,
    has_place,
    rows_at,
    states,
    text,
    year,
)
from tests.server import Server


@pytest.fixture(autouse=True)
def _every_place_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A STATE message for each place, however much time it takes."""
    monkeypatch.setattr(checkpoint, "AT_FIRST", 3600)
    monkeypatch.setattr(checkpoint, "FILES_AT_FIRST", 3600)


# Windows


@pytest.mark.parametrize("connections", [1, 4])
def test_the_state_follows_the_windows(connections: int) -> None:
    """After each window, it moves to its end; the bookmark to the newest row before it."""
    case = Case(days(10), incremental={"window": 1}, connections=connections, top=year())
    with Server(case.model) as server:
        run = case.sync(server.url)
    assert run.error is None
    assert_no_state_passes_a_row(run, case.model, set())
    ends = [covered(state) for state in states(run) if has_place(state)]
    assert ends == [EPOCH + number * DAY for number in range(1, 11)]
    assert "progress" not in states(run)[-1]
    assert states(run)[-1]["replication_key_value"] == case.model.table[-1]["at"]


@pytest.mark.parametrize("connections", [1, 3])
def test_a_window_that_was_complete_is_not_requested_again(connections: int) -> None:
    """Wherever the output is cut, a run with the last state requests only what that state does not cover."""
    case = Case(days(8), incremental={"window": 1, "lookback": 86400}, connections=connections, top=year(8))
    with Server(case.model) as server:
        first = case.sync(server.url)
        for at in range(len(first.lines) + 1):
            loaded, state = cut(first, at)
            case.model.requests.clear()
            second = case.sync(server.url, state)
            assert second.error is None
            assert loaded | set(second.ids(STREAM)) == {row["id"] for row in case.model.table}
            bookmarks = (state or {}).get("bookmarks", {}).get(STREAM, {})
            if has_place(bookmarks):
                start = covered(bookmarks)
                assert all(parse_instant(query["since"]) >= start for query in case.requests)  # type: ignore[operator]
            assert second.state["bookmarks"][STREAM] == first.state["bookmarks"][STREAM]


def test_empty_windows_count(caplog: pytest.LogCaptureFixture) -> None:
    """A year without rows is not requested again; the bookmark still ends at the newest row, as without a stop."""
    caplog.set_level("INFO")
    case = Case(Model(rows_at(0, 5)), incremental={"window": 1}, connections=1, top=year(40))
    case.model.down_from = 30
    with Server(case.model) as server:
        first = case.sync(server.url)
        assert "403" in first.failures[STREAM]
        newest = case.model.table[1]["at"]
        state = first.state["bookmarks"][STREAM]
        assert state["progress"] == {
            "bookmark": newest,
            "before": None,
            "began": states(first)[1]["progress"]["began"],
            "until": [text(EPOCH + 30 * DAY)],
            "newest": newest,
            "query": state["progress"]["query"],
        }
        assert state["replication_key_value"] == newest
        case.model.down_from = None
        case.model.requests.clear()
        second = case.sync(server.url, first.state)
    assert "events: continues a sync that was stopped" in caplog.text
    assert second.error is None
    assert min(query["since"] for query in case.requests) == text(EPOCH + 30 * DAY)
    assert second.state["bookmarks"][STREAM] == {
        "replication_key": "at",
        "replication_key_value": newest,
    }


def test_a_bookmark_of_another_key_does_not_remain() -> None:
    """It would count as one of the new key if the sync is stopped before the first row."""
    case = Case(Model(rows_at(5 * 24 * 60 + 60)), incremental={"window": 1}, connections=1, top=year())
    case.model.down_from = 3
    other = {"replication_key": "created", "replication_key_value": text(EPOCH + 8 * DAY)}
    with Server(case.model) as server:
        first = case.sync(server.url, {"bookmarks": {STREAM: other}})
        assert first.state["bookmarks"][STREAM]["progress"]["until"] == [text(EPOCH + 3 * DAY)]
        assert first.state["bookmarks"][STREAM]["replication_key_value"] is None
        case.model.down_from = None
        second = case.sync(server.url, first.state)
    assert second.ids(STREAM) == ["0"]


def test_passes_that_swap_their_places_are_read_from_the_bookmark_on() -> None:
    """Each pass has come to another place, and a place is of the pass that has come there."""
    case = Case(days(20, kinds=2), incremental={"window": 1}, connections=1, top=year(20))
    case.model.down_from = 23
    with Server(case.model) as server:
        first = case.sync(server.url)
        case.model.down_from = None
        case.stream = {"passes": [{"kind": "1"}, {"kind": "0"}]}
        second = case.sync(server.url, first.state)
    assert len(set(first.state["bookmarks"][STREAM]["progress"]["until"])) == 2
    assert {*first.ids(STREAM), *second.ids(STREAM)} == {row["id"] for row in case.model.table}


def test_an_earlier_start_date_counts_as_long_as_there_is_no_bookmark() -> None:
    """Windows without rows are not in its place."""
    case = Case(days(10), incremental={"window": 1}, connections=1, top={**year(), "start_date": text(EPOCH + 3 * DAY)})
    late = case.model.table[15:]
    del case.model.table[9:]
    case.model.down_from = 3
    with Server(case.model) as server:
        first = case.sync(server.url)
        case.model.down_from = None
        case.model.table += late
        case.top = year()
        second = case.sync(server.url, first.state)
    assert has_place(first.state["bookmarks"][STREAM])
    assert set(second.ids(STREAM)) == {row["id"] for row in case.model.table}


def test_windows_do_not_pass_the_moment_that_the_sync_began() -> None:
    """The last window ends there, and rows may still come to it."""
    start = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=3)
    table = [{"id": str(n), "at": text(start + timedelta(minutes=n * 10)), "kind": "0"} for n in range(18)]
    case = Case(Model(table), incremental={"window": 0.05}, top={"start_date": text(start)})
    with Server(case.model) as server:
        run = case.sync(server.url)
    began = parse_instant(states(run)[1]["progress"]["began"])
    assert began is not None
    ends = [covered(state) for state in states(run) if has_place(state)]
    assert len(ends) >= 3
    assert all(end is not None and end <= began for end in ends)


def test_what_changes_between_the_stop_and_the_next_run_is_read_by_the_one_after() -> None:
    """A row may come late into a window that is not read again: the bookmark does not pass the stopped sync's begin."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    start = now - timedelta(days=5)
    model = Model([{"id": "old", "at": text(start), "kind": "0"}])
    case = Case(model, incremental={"window": 1, "lookback": 7200}, connections=1, top={"start_date": text(start)})
    model.down_from = 4
    with Server(model) as server:
        first = case.sync(server.url)
        model.down_from = None
        began = parse_instant(first.state["bookmarks"][STREAM]["progress"]["began"])
        assert began is not None
        model.table.append({"id": "late", "at": text(began - timedelta(hours=1)), "kind": "0"})
        model.table.append({"id": "new", "at": text(now + timedelta(seconds=1)), "kind": "0"})
        second = case.sync(server.url, first.state)
        bookmark = parse_instant(second.state["bookmarks"][STREAM]["replication_key_value"])
        assert bookmark is not None
        assert bookmark <= began
        third = case.sync(server.url, second.state)
    assert {*first.ids(STREAM), *second.ids(STREAM), *third.ids(STREAM)} == {"old", "late", "new"}
    assert "late" in third.ids(STREAM)


# What saves no place


@pytest.mark.parametrize(
    ("incremental", "stream"),
    [
        ({}, {}),
        ({"row_order": "desc"}, {}),
        ({"row_order": "asc", "trust_filter": True}, {}),
        ({"window": 1, "row_order": "asc"}, {"replication_key": None}),
    ],
)
def test_other_streams_write_no_state_before_their_end(incremental: dict[str, Any], stream: dict[str, Any]) -> None:
    """Nor do those that are read whole."""
    table = rows_at(*range(20))
    model = Model(table[::-1] if incremental.get("row_order") == "desc" else table)
    if stream:
        incremental = {**incremental, "row_order": None}
    case = Case(model, "cursor", incremental, stream=stream)
    with Server(model) as server:
        run = case.sync(server.url)
    assert run.error is None
    kinds = [message["type"] for message in run.messages]
    assert "STATE" not in kinds[1 : len(kinds) - 1 - kinds[::-1].index("RECORD")]
