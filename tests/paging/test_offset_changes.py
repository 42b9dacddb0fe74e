"""Offset paging over HTTP, while rows come, go, move and change."""

from __future__ import annotations

import itertools
import random
import threading
from typing import Any

import pytest

from tests.paging.offsets import Rows, expected, feedback, offset_server, rows
from tests.server import RecordedRequest, Server


@pytest.mark.parametrize(("deleted", "at", "first"), [(5, 2, 0), (150, 4, 40)])
def test_no_row_is_missed_when_others_are_deleted(deleted: int, at: int, first: int) -> None:
    """Rows deleted in front of the offset shift the rest to the left; those that are there all along still come."""
    table = rows(430)
    gone: Rows = []

    def change(table: Rows, request: int) -> None:
        if request == at:
            gone.extend(table[first : first + deleted])
            del table[first : first + deleted]

    with offset_server(table, change=change) as server:
        run = feedback(server)
    assert run.error is None
    assert {row["id"] for row in table} <= set(run.ids("feedback_data"))


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("cap", [10, 35])
def test_no_row_is_missed_while_rows_come_and_go_all_the_time(newest_first: bool, cap: int) -> None:  # noqa: FBT001
    """Before each request a row is deleted and one inserted; every row that is there all along comes."""
    table = rows(200)
    stood = set(expected(200))

    def change(table: Rows, request: int) -> None:
        if request > 60:
            return
        stood.discard(table.pop((request * 37) % len(table))["id"])
        table.insert(0 if newest_first else len(table), {"id": f"new{request}"})

    with offset_server(table, cap=cap, change=change) as server:
        run = feedback(server)
    assert run.error is None
    assert stood <= set(run.ids("feedback_data"))


@pytest.mark.parametrize(("overlap", "smallest"), [(1, 20), (1, 2), (1, 1), (5, 20), (5, 3)])
def test_no_row_is_missed_whatever_changes_between_pages_of_any_size(overlap: int, smallest: int) -> None:
    """Rows come and go anywhere on a server that cuts pages as it likes: none that is there all along is missed."""
    chance, lock = random.Random(1), threading.Lock()  # noqa: S311 - made-up changes
    table = rows(chance.randint(20, 400))
    stood = set(expected(len(table)))

    def respond(request: RecordedRequest) -> Any:
        with lock:
            for change in range(chance.randint(1, 4) if chance.random() < 0.4 else 0):
                if table and chance.random() < 0.5:
                    stood.discard(table.pop(chance.randrange(len(table)))["id"])
                else:
                    new = {"id": f"new{len(server.requests)}-{change}-{chance.random()}"}
                    table.insert(chance.randrange(len(table) + 1), new)
            start = int(request.query["offset"])
            return {"data": table[start : start + chance.randint(smallest, 20)]}

    with Server(respond) as server:
        run = feedback(server, paginator={"limit": 20, "overlap": overlap})
    assert run.error is None
    assert stood <= set(run.ids("feedback_data"))


def test_a_row_that_moved_to_the_end_comes_with_its_newest_value() -> None:
    """If an API sorts by update, a row that was updated comes again, and is written again."""

    def change(table: Rows, request: int) -> None:
        if request == 3:
            table.append({**table.pop(90), "feedback_text": "newest"})

    with offset_server(rows(230), change=change) as server:
        run = feedback(server)
    newest = {record["id"]: record["feedback_text"] for record in run.records("feedback_data")}
    assert newest["r90"] == "newest"
    assert set(newest) == set(expected(230))


def test_an_order_that_changes_with_each_request_fails() -> None:
    """Pages of rows in random order cannot be joined, so the stream fails."""
    table = rows(5000)

    def change(table: Rows, request: int) -> None:
        table[:] = [table[(number * 2741 + request * 911) % len(table)] for number in range(len(table))]

    with offset_server(table, change=change) as server:
        run = feedback(server)
    assert "no stable order" in run.failures["feedback_data"]


@pytest.mark.parametrize("size", [2, 3, 5, 10, 50])
@pytest.mark.parametrize("total", [False, True])
def test_rows_of_equal_rank_that_change_places_fail(size: int, total: bool) -> None:  # noqa: FBT001
    """An order by a date of whole seconds leaves the order of some rows open: pages lack some, and repeat others."""
    chance = random.Random(1)  # noqa: S311 - made-up changes

    def change(table: Rows, _: int) -> None:
        for first in range(0, len(table), size):
            group = table[first : first + size]
            chance.shuffle(group)
            table[first : first + size] = group

    with offset_server(rows(1000), change=change) as server:
        run = feedback(server, max_connections=1, paginator={"total_path": "total" if total else None})
    assert "no stable order" in run.failures["feedback_data"]
    assert len(server.requests) < 20


@pytest.mark.parametrize("count", [1, 50, 100, 250, 450])
@pytest.mark.parametrize("whole", [False, True])
def test_rows_whose_content_changes_with_every_request_are_read_once(count: int, whole: bool) -> None:  # noqa: FBT001
    """Signed links and counters change at each request; the rows are the same."""
    signature = itertools.count()

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        start = start // 100 * 100 if whole else start
        found = rows(count)[start : start + 100]
        return {"data": [{**row, "link": f"https://files.example/{next(signature)}"} for row in found]}

    with Server(respond) as server:
        run = feedback(server)
    assert run.error is None
    ids = run.ids("feedback_data")
    assert set(ids) == set(expected(count))
    assert max(map(ids.count, ids)) <= 3
    assert len(server.requests) <= 12


@pytest.mark.parametrize("inserts", [1, 5])
@pytest.mark.parametrize("total", [False, True])
def test_a_list_that_grows_at_its_front_is_read_whole(inserts: int, total: bool) -> None:  # noqa: FBT001
    """Newest first, with new rows before every request: those of the start come, and the new ones too."""

    def change(table: Rows, request: int) -> None:
        table[:0] = [{"id": f"new{request}-{number}"} for number in range(inserts)]

    with offset_server(rows(800), change=change) as server:
        run = feedback(server, paginator={"total_path": "total" if total else None})
    assert run.error is None
    assert set(expected(800)) <= set(run.ids("feedback_data"))
    assert len(server.requests) < 40


@pytest.mark.parametrize("count", [50, 600])
def test_a_list_that_grows_at_its_end_has_an_end(count: int) -> None:
    """Oldest first, with a new row before every request: the sync ends with the rows of some moment."""
    with offset_server(rows(count), change=lambda table, request: table.append({"id": f"new{request}"})) as server:
        run = feedback(server)
    assert run.error is None
    assert set(expected(count)) <= set(run.ids("feedback_data"))
    assert len(server.requests) < 80


def test_a_row_that_moves_to_the_front_is_not_missed() -> None:
    """An API sorted by the last change, newest first, takes a row away from before the reader."""

    def change(table: Rows, request: int) -> None:
        if request == 3:
            table.insert(0, {**table.pop(700), "feedback_text": "changed"})

    with offset_server(rows(800), change=change) as server:
        run = feedback(server)
    assert run.error is None
    assert set(expected(800)) == set(run.ids("feedback_data"))


@pytest.mark.parametrize("rate", [1, 3])
def test_rows_that_move_to_the_end_all_the_time_are_read(rate: int) -> None:
    """An API sorted by the last change, oldest first, moves each row that changes behind the reader."""
    chance = random.Random(2)  # noqa: S311 - made-up changes

    def change(table: Rows, request: int) -> None:
        for _ in range(rate):
            table.append({**table.pop(chance.randrange(len(table))), "feedback_text": f"version {request}"})

    with offset_server(rows(600), change=change) as server:
        run = feedback(server)
    assert run.error is None
    assert set(expected(600)) == set(run.ids("feedback_data"))
    assert len(server.requests) < 60


def test_rows_that_move_to_the_front_are_found_among_those_of_the_first_page() -> None:
    """A row of the first page that was itself updated is in front too, and does not mark the old beginning."""
    chance = random.Random(4)  # noqa: S311 - made-up changes

    def change(table: Rows, request: int) -> None:
        for _ in range(6 if request < 40 else 0):
            number = chance.randrange(len(table))
            table.insert(0, {**table.pop(number), "feedback_text": f"version {request}"})

    with offset_server(rows(1500), cap=30, change=change) as server:
        run = feedback(server, max_connections=1)
    assert run.error is None
    assert set(expected(1500)) == set(run.ids("feedback_data"))


def test_a_look_at_the_front_does_not_read_the_list_again() -> None:
    """Rows of the first page may be deleted meanwhile; those behind them are not new, though they are forgotten."""

    def change(table: Rows, request: int) -> None:
        if request == 3:
            table.insert(0, {"id": "new"})
        if request == 20:
            del table[5:7]

    with offset_server(rows(5000), change=change) as server:
        run = feedback(server, max_connections=1)
    assert run.error is None
    assert set(expected(5000)) - {"r4", "r5"} <= set(run.ids("feedback_data"))
    assert len(server.requests) < 70
    assert len(run.ids("feedback_data")) < 5100


@pytest.mark.parametrize("count", [50, 150, 1000])
def test_a_row_that_goes_before_the_end_and_others_that_come_then_do_not_matter(count: int) -> None:
    """Nothing was at the last row's offset for a moment."""
    requests = -(-count // 99) + 1

    def change(table: Rows, request: int) -> None:
        if request == requests:
            del table[0]
        if request == requests + 1:
            table += [{"id": "new1"}, {"id": "new2"}]

    with offset_server(rows(count), change=change) as server:
        run = feedback(server, max_connections=1)
    assert run.error is None
    assert set(expected(count)) <= {"r0", *run.ids("feedback_data")}
