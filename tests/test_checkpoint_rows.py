"""Places that the state of a running sync follows: rows that come in the order of the replication key."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from tap_feedback import checkpoint
from tests.resume import (
    EPOCH,
    NO_PLACE,
    PAGINATORS,
    SIZE,
    STREAM,
    Case,
    Model,
    assert_no_state_passes_a_row,
    cut,
    has_place,
    merge,
    rows_at,
    states,
    text,
)
from tests.server import Server

ASC = {"row_order": "asc"}
#: The state of a stream that was taken back to its beginning.
NOWHERE = {"replication_key": "at", "replication_key_value": None, "progress": NO_PLACE}


@pytest.fixture(autouse=True)
def _every_place_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A STATE message for each place, however much time it takes."""
    monkeypatch.setattr(checkpoint, "AT_FIRST", 3600)
    monkeypatch.setattr(checkpoint, "FILES_AT_FIRST", 3600)


@pytest.mark.parametrize("paginator", PAGINATORS)
@pytest.mark.parametrize("excludes", [False, True])
def test_the_state_follows_rows_in_order(paginator: str, *, excludes: bool) -> None:
    """Wherever the output is cut, a run with the last state has the rest, and repeats about a page.

    Many rows share their time, over the ends of pages, and the API may leave out the very start of a range.
    """
    minutes = [number // 3 for number in range(40)]
    model = Model(rows_at(*minutes), is_sorted=True, excludes=excludes)
    case = Case(model, paginator, ASC, connections=1)
    with Server(model) as server:
        first = case.sync(server.url)
        assert first.error is None
        assert assert_no_state_passes_a_row(first, model, set()) > 8
        for at in range(0, len(first.lines), 3):
            loaded, state = cut(first, at)
            second = case.sync(server.url, state)
            assert second.error is None
            assert loaded | set(second.ids(STREAM)) == {row["id"] for row in model.table}
            if state and has_place(state["bookmarks"].get(STREAM, {})):
                assert len(loaded & set(second.ids(STREAM))) <= 2 * SIZE + 3
            assert second.state["bookmarks"][STREAM] == first.state["bookmarks"][STREAM]


@pytest.mark.parametrize("paginator", ["cursor", "offset"])
def test_rows_out_of_order_take_the_state_back(paginator: str) -> None:
    """A page with an older row shows that the promise does not hold, so that none of the places counts."""
    model = Model(rows_at(*range(20), 15, *range(21, 30)))
    case = Case(model, paginator, ASC)
    before = {"replication_key": "at", "replication_key_value": text(EPOCH)}
    with Server(model) as server:
        model.down_from = 3
        stopped = case.sync(server.url, {"bookmarks": {STREAM: dict(before)}})
        assert has_place(stopped.state["bookmarks"][STREAM])
        model.down_from = None
        run = case.sync(server.url, stopped.state)
    assert "`incremental.row_order`" in run.failures[STREAM]
    assert any(has_place(state) for state in states(run))
    assert run.state["bookmarks"][STREAM] == {**before, "progress": NO_PLACE}


def test_without_a_bookmark_the_state_is_taken_back_to_nothing() -> None:
    """Another sync reads everything."""
    model = Model(rows_at(*range(20), 3))
    case = Case(model, "cursor", ASC)
    with Server(model) as server:
        run = case.sync(server.url)
        assert run.failures
        assert run.state["bookmarks"][STREAM] == NOWHERE
        model.table.pop()
        again = case.sync(server.url, run.state)
    assert len(again.ids(STREAM)) == 20
    assert "progress" not in again.state["bookmarks"][STREAM]


@pytest.mark.parametrize("start", [None, "2024-01-01"])
def test_a_first_sync_that_is_continued_warns_of_rows_without_the_key(
    start: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Its first part requested all rows, and its second one can only request a range. With a start, both do."""
    case = Case(Model(rows_at(*range(20))), "cursor", ASC, top={"start_date": start} if start else {})
    with Server(case.model) as server:
        case.model.down_from = 3
        stopped = case.sync(server.url)
        case.model.down_from = None
        case.sync(server.url, stopped.state)
    assert ("rows without `at` that the stopped sync had not read are left out" in caplog.text) == (start is None)


def test_states_may_be_merged() -> None:
    """Neither a place that was taken back nor that of a complete sync comes back, and the lookback is read again."""
    model = Model(rows_at(*range(20), 3), is_sorted=False)
    case = Case(model, "cursor", {**ASC, "lookback": 600})
    merged: dict[str, Any] = {}
    with Server(model) as server:
        for rows in (21, 20, 20):
            del model.table[rows:]
            run = case.sync(server.url, copy.deepcopy(merged))
            for state in states(run):
                merge({"bookmarks": {STREAM: state}}, merged)
            assert not has_place(merged["bookmarks"][STREAM])
    assert run.error is None
    assert case.requests[0]["since"] == text(EPOCH + timedelta(minutes=9))


def test_a_row_that_the_api_counts_but_does_not_return_takes_the_state_back() -> None:
    """The total shows only at the end that a row is missing, which may be before any place."""
    model = Model(rows_at(*range(20)), is_sorted=True)
    case = Case(model, "cursor", ASC, stream={"paginator": {**PAGINATORS["cursor"], "total_path": "total"}})
    with Server(lambda asked: {**model(asked), "total": 21}) as server:
        run = case.sync(server.url)
    assert "total of 21 rows" in run.failures[STREAM]
    assert run.state["bookmarks"][STREAM] == NOWHERE


@pytest.mark.parametrize("paginator", ["offset", "page_number"])
@pytest.mark.parametrize("at", range(2, 9))
def test_rows_that_shift_are_not_passed(paginator: str, at: int) -> None:
    """Rows that go shift others to a page that was read. Until they are found, the state stays where it was."""
    model = Model(rows_at(*range(40)), is_sorted=True)
    case = Case(model, paginator, ASC, connections=1)
    table = list(model.table)

    def respond(asked: Any) -> Any:
        if len(model.requests) == at:
            del model.table[:6]
        return model(asked)

    with Server(respond) as server:
        run = case.sync(server.url)
    assert run.error is None
    model.table = [row for row in table if row["id"] in run.ids(STREAM)]
    assert len(model.table) >= 34
    assert assert_no_state_passes_a_row(run, model, set()) > 5


def test_rows_of_the_first_moment() -> None:
    """Some APIs write the year 1 for rows without a time. Nothing is earlier."""
    model = Model(rows_at(*range(20)), is_sorted=True)
    for row in model.table[:9]:
        row["at"] = "0001-01-01T00:00:00Z"
    case = Case(model, "cursor", ASC)
    with Server(model) as server:
        model.down_from = 2
        first = case.sync(server.url)
        assert first.state["bookmarks"][STREAM]["progress"]["until"] == ["0001-01-01T00:00:00Z"]
        model.down_from = None
        second = case.sync(server.url, first.state)
    assert second.error is None
    assert len(second.ids(STREAM)) == 20


def test_numbers_in_order(caplog: pytest.LogCaptureFixture) -> None:
    """A sequence is a bookmark, too; the tap leaves out the rows before it, as the API cannot.

    So all rows are requested again, also those without a number.
    """
    stream = {"schema": {"seq": {"type": "integer"}}, "replication_key": "seq", "paginator": PAGINATORS["cursor"]}
    caplog.set_level("INFO")
    case = Case(Model([]), "cursor", ASC, stream=stream)
    table = [{"id": str(number), "seq": number} for number in range(20)]

    def respond(asked: Any) -> Any:
        first = int(asked.query.get("cursor", 0))
        return {"data": table[first : first + SIZE], "next": str(first + SIZE) if first + SIZE < 20 else None}

    with Server(respond) as server:
        first = case.sync(server.url)
        places = [state["progress"]["until"] for state in states(first) if has_place(state)]
        assert places == [[3], [7], [11], [15], [19]]
        for at in range(len(first.lines)):
            loaded, state = cut(first, at)
            second = case.sync(server.url, state)
            assert loaded | set(second.ids(STREAM)) == {row["id"] for row in table}
            assert second.state["bookmarks"][STREAM]["replication_key_value"] == 19
    assert "continues a sync that was stopped" in caplog.text
    assert "are left out" not in caplog.text
