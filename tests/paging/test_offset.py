"""Paging: whatever a server does, all rows come, or the sync fails and says why."""

from __future__ import annotations

import itertools
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import Run, api, sync
from tests.server import Asked, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = list[dict[str, Any]]


def rows(count: int, first: int = 0) -> Rows:
    """Rows with ids from `first` on."""
    return [{"id": f"r{number}", "feedback_text": f"text {number}"} for number in range(first, first + count)]


def expected(count: int) -> list[str]:
    """The ids of that many rows."""
    return [row["id"] for row in rows(count)]


def offset_server(
    table: Rows,
    *,
    cap: int = 100,
    change: Callable[[Rows, int], None] = lambda table, request: None,
    place: Callable[[int], int] = lambda offset: offset,
) -> Server:
    """A server of an offset API.

    Args:
        table: Its rows; `change` may alter them before each request is answered.
        cap: The most rows that a page has.
        change: Is given the rows and the number of the request, from 1.
        place: Makes the offset that is served from the one that is asked for.
    """

    def answer(asked: Asked) -> Any:
        change(table, len(server.asked))
        start = place(int(asked.query["offset"]))
        return {"data": table[start : start + min(cap, int(asked.query["limit"]))], "total": len(table)}

    server = Server(answer)
    return server


def feedback(server: Server, **settings: Any) -> Run:
    """Sync the feedback stream of a server."""
    return sync({"feedback": api(server.url, **settings)})


def offsets(server: Server) -> list[int]:
    """The offsets that were asked for."""
    return [int(asked.query["offset"]) for asked in server.asked]


@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 199, 230])
@pytest.mark.parametrize("cap", [1, 7, 50, 100])
@pytest.mark.parametrize("overlap", [0, 1, 3])
def test_every_row_comes_however_the_server_caps_its_pages(count: int, cap: int, overlap: int) -> None:
    """A server that gives fewer rows than asked for is read to its end, each row once."""
    with offset_server(rows(count), cap=cap) as server:
        run = feedback(server, paginator={"overlap": overlap})
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


def test_a_page_larger_than_asked_for_is_taken_whole() -> None:
    """A server that gives more rows than the limit moves the offset on by what it gave."""
    table = rows(230)

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"data": table[start : start + 120]}

    with Server(answer) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(230)


def test_one_page_costs_its_request_and_the_proof_of_its_end() -> None:
    """The proof is a page with the last row alone, so that nothing moved, and an empty one behind it."""
    with offset_server(rows(30)) as server:
        assert feedback(server).ids("feedback_data") == expected(30)
    assert offsets(server) == [0, 29, 30]


def test_a_total_that_is_reached_ends_the_sync() -> None:
    """With `total_path` the request that proves the end is spared."""
    with offset_server(rows(250)) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.ids("feedback_data") == expected(250)
    assert offsets(server) == [0, 99, 198]


@pytest.mark.parametrize("sizes", [[10, 1], [10, 1, 1, 3], [1, 2, 3], [7, 1, 9, 2], [10, 10, 3]])
@pytest.mark.parametrize("overlap", [0, 1, 5])
def test_every_row_comes_however_the_sizes_of_pages_change(sizes: list[int], overlap: int) -> None:
    """A server that cuts pages by their bytes, say, may give as few rows as are shared, with more behind them."""
    table = rows(60)

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"data": table[start : start + sizes[len(server.asked) % len(sizes)]]}

    with Server(answer) as server:
        run = feedback(server, paginator={"overlap": overlap}, max_connections=1)
    assert run.error is None
    assert run.ids("feedback_data") == expected(60)


@pytest.mark.parametrize("overlap", [1, 2, 5])
@pytest.mark.parametrize("large", [{20, 21}, {0, 1}, {9, 10, 11, 12}, {58, 59}])
def test_every_row_comes_where_large_rows_have_pages_of_their_own(large: set[int], overlap: int) -> None:
    """A server that cuts pages by their bytes gives two large rows that stand side by side one by one."""
    table = rows(60)

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        end = next((number for number in sorted(large) if number > start), start + 10)
        return {"data": table[start : start + 1 if start in large else min(end, start + 10)]}

    with Server(answer) as server:
        run = feedback(server, paginator={"overlap": overlap})
    assert run.error is None
    assert run.ids("feedback_data") == expected(60)


@pytest.mark.parametrize("total", [-1, 0, 50, 349])
def test_a_total_that_was_passed_is_none(total: int) -> None:
    """Some APIs give 0 or -1 for what they did not count; that is no end."""
    table = rows(350)

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"data": table[start : start + 100], "total": total}

    with Server(answer) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.error is None
    assert run.ids("feedback_data") == expected(350)


def test_an_api_that_counts_pages_fails_and_names_the_offset() -> None:
    """Where the parameter is the number of a page, the first page is not taken for all there is."""
    table = rows(350)

    def answer(asked: Asked) -> Any:
        start = int(asked.query["page"]) * 100
        return {"data": table[start : start + 100]}

    with Server(answer) as server:
        run = feedback(server, paginator={"offset_param": "page"})
    assert "paginator.offset_param" in run.failures["feedback_data"]


def test_an_ignored_offset_fails_and_is_named() -> None:
    """A server that gives the first page again, whatever is asked for, is not read for ever, nor believed."""
    with offset_server(rows(300), place=lambda offset: 0) as server:
        run = feedback(server)
    assert "paginator.offset_param" in run.failures["feedback_data"]
    assert len(server.asked) == 4


def test_an_offset_that_stops_counting_fails_and_is_named() -> None:
    """A server that clamps large offsets gives the same rows for ever: that is no end."""
    with offset_server(rows(900), place=lambda offset: min(offset, 400)) as server:
        run = feedback(server)
    assert "paginator.offset_param" in run.failures["feedback_data"]
    assert len(server.asked) < 30


@pytest.mark.parametrize(
    ("place", "count"),
    [
        *((lambda offset: offset // 100 * 100, count) for count in (99, 100, 101, 230, 300)),
        *((lambda offset: -(-offset // 100) * 100, count) for count in (101, 230, 300)),
    ],
)
def test_an_api_of_whole_pages_is_read_without_overlap(
    place: Callable[[int], int], count: int, caplog: pytest.LogCaptureFixture
) -> None:
    """An API that moves offsets down or up to whole pages is noticed on the second page, and read."""
    with offset_server(rows(count), place=place) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)
    if count > 100:
        assert "whole pages" in caplog.text


def test_a_row_that_is_never_served_at_its_offset_is_no_end() -> None:
    """An API that moves offsets up to whole pages has nothing at the last row's: it might as well hold rows back."""
    with offset_server(rows(100), place=lambda offset: -(-offset // 100) * 100) as server:
        run = feedback(server)
        without = feedback(server, paginator={"overlap": 0})
    assert "set `paginator.overlap` to 0" in run.failures["feedback_data"]
    assert without.ids("feedback_data") == expected(100)


@pytest.mark.parametrize("count", [1, 30, 99])
def test_a_short_page_that_is_served_at_offset_0_alone_is_the_only_one(count: int) -> None:
    """The API had room for more rows in it."""
    with offset_server(rows(count), place=lambda offset: offset and 1000) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


def test_an_api_that_refuses_odd_offsets_is_read_without_overlap() -> None:
    """An API that answers 400 to the overlapping request is asked at the plain offset."""
    table = rows(230)

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return Reply(status=400) if start % 100 else {"data": table[start : start + 100]}

    with Server(answer) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(230)


@pytest.mark.parametrize("deleted", [1, 5, 60, 99, 100, 150])
@pytest.mark.parametrize("at", [2, 3, 4])
@pytest.mark.parametrize("where", [0, 40])
def test_no_row_is_missed_when_others_are_deleted(deleted: int, at: int, where: int) -> None:
    """Rows deleted in front of the offset shift the rest to the left; those that stood all along still come."""
    table = rows(430)
    gone: Rows = []

    def change(table: Rows, request: int) -> None:
        if request == at:
            gone.extend(table[where : where + deleted])
            del table[where : where + deleted]

    with offset_server(table, change=change) as server:
        run = feedback(server)
    assert run.error is None
    assert {row["id"] for row in table} <= set(run.ids("feedback_data"))


@pytest.mark.parametrize("inserted", [1, 99, 100, 150])
@pytest.mark.parametrize("at", [2, 3, 4])
def test_no_row_is_missed_when_others_come_first(inserted: int, at: int) -> None:
    """Rows inserted at the front, as in an API that sorts newest first, shift the rest to the right."""

    def change(table: Rows, request: int) -> None:
        if request == at:
            table[:0] = [{"id": f"new{number}"} for number in range(inserted)]

    with offset_server(rows(430), change=change) as server:
        run = feedback(server)
    assert run.error is None
    assert set(expected(430)) <= set(run.ids("feedback_data"))


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("cap", [10, 35])
def test_no_row_is_missed_while_rows_come_and_go_all_the_time(newest_first: bool, cap: int) -> None:  # noqa: FBT001
    """Before each request a row is deleted and one inserted; every row that stood all along comes."""
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
@pytest.mark.parametrize("seed", range(8))
def test_no_row_is_missed_whatever_changes_between_pages_of_any_size(overlap: int, smallest: int, seed: int) -> None:
    """Rows come and go anywhere on a server that cuts pages as it likes: none that stood all along is missed."""
    chance, lock = random.Random(seed), threading.Lock()  # noqa: S311 - made-up changes
    table = rows(chance.randint(20, 400))
    stood = set(expected(len(table)))

    def answer(asked: Asked) -> Any:
        with lock:
            for change in range(chance.randint(1, 4) if chance.random() < 0.4 else 0):
                if table and chance.random() < 0.5:
                    stood.discard(table.pop(chance.randrange(len(table)))["id"])
                else:
                    new = {"id": f"new{len(server.asked)}-{change}-{chance.random()}"}
                    table.insert(chance.randrange(len(table) + 1), new)
            start = int(asked.query["offset"])
            return {"data": table[start : start + chance.randint(smallest, 20)]}

    with Server(answer) as server:
        run = feedback(server, paginator={"limit": 20, "overlap": overlap})
    assert run.error is None
    assert stood <= set(run.ids("feedback_data"))


def test_a_row_that_moved_to_the_end_comes_with_its_newest_value() -> None:
    """Where an API sorts by update, a row updated behind the offset is met again, and written again."""

    def change(table: Rows, request: int) -> None:
        if request == 3:
            table.append({**table.pop(90), "feedback_text": "newest"})

    with offset_server(rows(230), change=change) as server:
        run = feedback(server)
    newest = {record["id"]: record["feedback_text"] for record in run.records("feedback_data")}
    assert newest["r90"] == "newest"
    assert set(newest) == set(expected(230))


def test_an_order_that_changes_with_each_request_fails() -> None:
    """Rows in no order at all cannot be joined, which is said in place of rows missed."""
    table = rows(5000)

    def change(table: Rows, request: int) -> None:
        table[:] = [table[(number * 2741 + request * 911) % len(table)] for number in range(len(table))]

    with offset_server(table, change=change) as server:
        run = feedback(server)
    assert "no stable order" in run.failures["feedback_data"]


def test_a_total_that_is_not_reached_fails() -> None:
    """Fewer rows than the API counts are no complete sync; and no version is activated."""

    def answer(asked: Asked) -> Any:
        return {"data": rows(30)[int(asked.query["offset"]) :], "total": 45}

    with Server(answer) as server:
        config = {
            "feedback": api(server.url, paginator={"total_path": "total"}),
            "emit_activate_version_messages": True,
        }
        run = sync(config)
    assert "the API reports a total of 45 rows but returned 30" in run.failures["feedback_data"]
    assert run.ids("feedback_data") == expected(30)
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}


def test_an_empty_first_page_with_a_total_fails() -> None:
    """The API counts rows that it does not return."""
    with Server(lambda asked: {"data": [], "total": 3000}) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert "a total of 3,000 rows but returned 0" in run.failures["feedback_data"]


def test_the_last_total_counts() -> None:
    """Rows that are deleted during the sync are missing from no total that comes after."""

    def change(table: Rows, request: int) -> None:
        if request == 2:
            del table[10:40]

    with offset_server(rows(230), change=change) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.error is None


def test_a_server_that_gives_the_last_row_for_any_offset_behind_it_has_an_end() -> None:
    """Nothing new behind the last row is the end, be it an empty page or the last row again."""
    table = rows(230)

    def answer(asked: Asked) -> Any:
        start = min(int(asked.query["offset"]), len(table) - 1)
        return {"data": table[start : start + 100]}

    with Server(answer) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(230)


def refusing_server(table: Rows, status: int, *, window: int = 1_000_000, step: int = 1) -> Server:
    """A server that refuses offsets behind its rows, outside a window of its first rows, or between its pages."""

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        if start >= min(len(table), window) or start % step:
            return Reply(status=status)
        return {"data": table[start : min(start + 100, window)], "total": len(table)}

    return Server(answer)


@pytest.mark.parametrize("count", [1, 99, 200, 230])
@pytest.mark.parametrize("status", [404, 416])
def test_an_api_that_refuses_offsets_behind_its_rows_has_an_end(status: int, count: int) -> None:
    """Where nothing but the last row came, an offset behind it at which nothing stands is the end."""
    with refusing_server(rows(count), status) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_offset_may_be_the_limit_of_the_api(status: int) -> None:
    """An API that serves its first rows only, and refuses what lies behind them, is not complete."""
    with refusing_server(rows(500), status, window=200) as server:
        run = feedback(server)
        counting = feedback(server, paginator={"total_path": "total"})
    assert f"answered {status}" in run.failures["feedback_data"]
    assert f"answered {status}" in counting.failures["feedback_data"]


@pytest.mark.parametrize("status", [400, 404, 416, 422])
@pytest.mark.parametrize(("count", "step"), [(99, 1), (99, 100), (200, 1), (230, 1), (230, 100)])
def test_a_refused_offset_behind_the_total_is_the_end(status: int, step: int, count: int) -> None:
    """If all rows that the API counts are read, what it answers to an offset behind them says nothing else."""
    with refusing_server(rows(count), status, step=step) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_a_capped_total_that_a_full_page_meets_is_no_end(status: int, overlap: int, whole: bool) -> None:  # noqa: FBT001
    """A search engine counts and serves its first 1,000 rows, and refuses what lies behind them."""

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        start = start // 100 * 100 if whole else start
        if start + 100 > 1000:
            return Reply(status=status)
        return {"data": rows(1500)[start : start + 100], "total": 1000}

    with Server(answer) as server:
        run = feedback(server, paginator={"total_path": "total", "overlap": overlap})
    assert f"answered {status}" in run.failures["feedback_data"]


@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("count", [50, 100, 200, 230, 300])
@pytest.mark.parametrize("status", [404, 416])
@pytest.mark.parametrize("step", [1, 100])
def test_a_refused_offset_behind_the_last_page_is_the_end(overlap: int, count: int, status: int, step: int) -> None:
    """Full or not, the last page is the last one if the API has nothing further on either."""
    with refusing_server(rows(count), status, step=step) as server:
        run = feedback(server, paginator={"overlap": overlap})
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


def test_a_refused_page_in_the_middle_is_no_end() -> None:
    """A gateway that answers 404 for one page has not reached the end: the page behind it shows that."""

    def answer(asked: Asked) -> Any:
        page = int(asked.query["offset"]) // 100
        return Reply(status=404) if page == 5 else {"data": rows(1000)[page * 100 : page * 100 + (97 if page else 100)]}

    with Server(answer) as server:
        run = feedback(server)
    assert "answered 404 at offset 500, but has rows further on" in run.failures["feedback_data"]


# Rows that are gone


@pytest.mark.parametrize(
    "blank",
    [
        lambda request, offset, limit: request > 6,
        lambda request, offset, limit: offset > 0,
        lambda request, offset, limit: offset + limit > 1000,
    ],
)
@pytest.mark.parametrize("total", [None, 3000])
def test_an_empty_page_where_rows_stood_never_ends_a_sync(
    blank: Callable[[int, int, int], bool], total: int | None
) -> None:
    """A soft quota, an API of one page, a limit of depth: the row that was read a moment ago is not at its offset."""

    def answer(asked: Asked) -> Any:
        start, limit = int(asked.query["offset"]), int(asked.query["limit"])
        found = [] if blank(len(server.asked), start, limit) else rows(3000)[start : start + limit]
        return {"data": found, "total": total}

    with Server(answer) as server:
        run = sync(
            {
                "feedback": api(server.url, max_connections=1, paginator={"total_path": "total"}),
                "emit_activate_version_messages": True,
            }
        )
    assert "but rows stood there a moment ago" in run.failures["feedback_data"]
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}


def test_an_empty_page_where_rows_stood_may_pass() -> None:
    """It is a transient failure, and the request is worth a retry."""

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"data": [] if 4 <= len(server.asked) <= 8 else rows(430)[start : start + 100]}

    with Server(answer) as server:
        run = feedback(server, max_connections=1, retry={"backoff_factor": 0, "max_retries": 5})
    assert run.error is None
    assert run.ids("feedback_data") == expected(430)


def test_an_empty_page_in_the_middle_is_no_end_if_the_total_says_more() -> None:
    """An API that hides rows after it cut its pages may have a page without any."""
    hidden = {f"r{number}" for number in range(300, 450)}

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"data": [row for row in rows(1000)[start : start + 100] if row["id"] not in hidden], "total": 850}

    with Server(answer) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.error is None
    assert set(run.ids("feedback_data")) == set(expected(1000)) - hidden


# Order


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
    assert len(server.asked) < 20


def test_a_key_that_most_rows_share_fails_and_is_named() -> None:
    """Rows that cannot be told apart cannot be proven complete, and a target would keep one of them."""
    table = [{"id": number // 5, "feedback_text": f"text {number}"} for number in range(300)]
    with Server(lambda asked: {"data": table[int(asked.query["offset"]) :][:100]}) as server:
        run = feedback(server)
    assert "check `primary_key`" in run.failures["feedback_data"]


# Rows that change, come and go all the time


@pytest.mark.parametrize("count", [1, 50, 100, 250, 450])
@pytest.mark.parametrize("whole", [False, True])
def test_rows_whose_content_changes_with_every_request_are_read_once(count: int, whole: bool) -> None:  # noqa: FBT001
    """Signed links and counters change at each request; the rows are the same."""
    signature = itertools.count()

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        start = start // 100 * 100 if whole else start
        found = rows(count)[start : start + 100]
        return {"data": [{**row, "link": f"https://files.example/{next(signature)}"} for row in found]}

    with Server(answer) as server:
        run = feedback(server)
    assert run.error is None
    ids = run.ids("feedback_data")
    assert set(ids) == set(expected(count))
    assert max(map(ids.count, ids)) <= 3
    assert len(server.asked) <= 12


@pytest.mark.parametrize("inserts", [1, 5])
@pytest.mark.parametrize("total", [False, True])
def test_a_list_that_grows_at_its_front_is_read_whole(inserts: int, total: bool) -> None:  # noqa: FBT001
    """Newest first, with new rows before every request: those that stood at the start come, and the new ones too."""

    def change(table: Rows, request: int) -> None:
        table[:0] = [{"id": f"new{request}-{number}"} for number in range(inserts)]

    with offset_server(rows(800), change=change) as server:
        run = feedback(server, paginator={"total_path": "total" if total else None})
    assert run.error is None
    assert set(expected(800)) <= set(run.ids("feedback_data"))
    assert len(server.asked) < 40


@pytest.mark.parametrize("count", [50, 600])
def test_a_list_that_grows_at_its_end_has_an_end(count: int) -> None:
    """Oldest first, with a new row before every request: the sync ends with what stood at some moment."""
    with offset_server(rows(count), change=lambda table, request: table.append({"id": f"new{request}"})) as server:
        run = feedback(server)
    assert run.error is None
    assert set(expected(count)) <= set(run.ids("feedback_data"))
    assert len(server.asked) < 80


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
    assert len(server.asked) < 60


def test_rows_that_move_to_the_front_are_found_among_those_of_the_first_page() -> None:
    """A row of the first page that was itself updated stands in front too, and is no sign of the old beginning."""
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
    assert len(server.asked) < 70
    assert len(run.ids("feedback_data")) < 5100


@pytest.mark.parametrize("count", [50, 150, 1000])
def test_a_row_that_goes_before_the_end_and_others_that_come_then_do_not_matter(count: int) -> None:
    """Nothing stood at the last row's offset for a moment."""
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


def test_an_empty_page_that_says_that_more_follows_is_no_end() -> None:
    """The API contradicts itself, so it may hold rows back."""

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"data": rows(230)[start : start + 100], "has_more": True}

    with Server(answer) as server:
        run = feedback(server)
    assert "`has_more` says that more rows follow" in run.failures["feedback_data"]


@pytest.mark.parametrize("total", ["3000", 3000.0])
def test_a_total_may_be_written_in_another_way(total: Any) -> None:
    """Some APIs send all numbers as text."""
    with Server(lambda asked: {"data": rows(250)[int(asked.query["offset"]) :][:100], "total": total}) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert "a total of 3,000 rows but returned 250" in run.failures["feedback_data"]


def test_a_total_that_is_never_there_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong `total_path` proves nothing."""
    with offset_server(rows(30)) as server:
        assert feedback(server, paginator={"total_path": "meta.total"}).error is None
    assert "no response has a number at `meta.total`; check `paginator.total_path`" in caplog.text


def test_a_total_that_nobody_named_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The API counts more rows than it returned; it may count those of another range."""
    table = rows(230)
    with Server(lambda asked: {"data": table[int(asked.query["offset"]) :][:100], "meta": {"total": 900}}) as server:
        assert feedback(server).error is None
    assert "`meta.total` counts more rows than the 230 that the API returned" in caplog.text


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("count", [1, 50, 150, 230])
def test_an_api_that_refuses_all_but_whole_pages_has_an_end(status: int, overlap: int, count: int) -> None:
    """Behind a short page, the next one would begin at the next multiple of the limit."""

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return Reply(status=status) if start % 100 else {"data": rows(count)[start : start + 100]}

    with Server(answer) as server:
        run = feedback(server, paginator={"overlap": overlap})
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


def test_rows_that_come_twice_each_are_no_wrong_key() -> None:
    """A join on the API's side repeats them as they are."""
    table = [row for row in rows(60) for _ in range(2)]
    with Server(lambda asked: {"data": table[int(asked.query["offset"]) :][:100]}) as server:
        run = feedback(server)
    assert run.error is None
    assert set(run.ids("feedback_data")) == set(expected(60))


# Offsets that are not heeded behind the end


@pytest.mark.parametrize("count", [50, 100, 150, 250, 300])
@pytest.mark.parametrize("total", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_an_api_that_repeats_its_last_page_has_an_end(count: int, total: bool, whole: bool) -> None:  # noqa: FBT001
    """Some APIs serve the last page for any offset behind it."""

    def answer(asked: Asked) -> Any:
        start, limit = int(asked.query["offset"]), int(asked.query["limit"])
        start = min(start // limit, (count - 1) // limit) * limit if whole else max(0, min(start, count - limit))
        return {"data": rows(count)[start : start + limit], "total": count}

    with Server(answer) as server:
        run = feedback(server, paginator={"total_path": "total" if total else None})
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


# Rows that move while the end is proven


def moving_server(table: Rows, size: Callable[[int], int], request: int, *, inserts: bool, end: int | None) -> Server:
    """A server whose rows move by one before a request, and whose pages have a size of their own at each offset."""
    count = [0]

    def answer(asked: Asked) -> Any:
        count[0] += 1
        if count[0] == request:
            if inserts:
                table.insert(0, {"id": "new"})
            else:
                del table[0]
        start = int(asked.query["offset"])
        if start >= len(table) and end is not None:
            return Reply(status=end)
        return {"data": table[start : start + size(start)]}

    return Server(answer)


@pytest.mark.parametrize("inserts", [True, False])
@pytest.mark.parametrize("end", [None, 404])
@pytest.mark.parametrize("request_number", range(2, 14))
@pytest.mark.parametrize(
    "size",
    [
        lambda start: 1,
        lambda start: 1 if 9 <= start <= 10 else 10,
        lambda start: (4, 1, 2)[start % 3],
        lambda start: 1 if start % 4 == 0 and start else 5,
    ],
)
def test_a_row_that_moves_while_the_end_is_proven_is_not_missed(
    size: Callable[[int], int], request_number: int, *, inserts: bool, end: int | None
) -> None:
    """Pages that are cut down to the rows they share look like the end: it is looked for again where rows moved."""
    table = rows(20)
    with moving_server(table, size, request_number, inserts=inserts, end=end) as server:
        run = feedback(server, max_connections=1)
    assert run.error is None
    assert {row["id"] for row in table} - {"new"} <= set(run.ids("feedback_data"))


# Totals


@pytest.mark.parametrize("count", [99, 100, 200, 230])
def test_a_total_that_is_that_of_the_page_is_no_end(count: int) -> None:
    """Some APIs tell, under such a name, how many rows the page has."""

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        found = rows(count)[start : start + 50]
        return {"data": found, "total": len(found)}

    with Server(answer) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.ids("feedback_data") == expected(count)


@pytest.mark.parametrize("count", [1000, 1050])
def test_a_total_that_is_the_most_that_is_counted_is_no_end(count: int) -> None:
    """Some APIs count up to a round number."""

    def answer(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"data": rows(count)[start : start + 100], "total": 991}

    with Server(answer) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.ids("feedback_data") == expected(count)


@pytest.mark.parametrize(("count", "requests"), [(5, 2), (100, 2), (150, 2), (199, 3)])
def test_a_total_spares_the_proof(count: int, requests: int) -> None:
    """The last row alone, or a page that is short, is the end where the total says so too."""
    with refusing_server(rows(count), 500) as server:
        run = feedback(server, paginator={"total_path": "total"}, max_connections=1)
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)
    assert len(server.asked) == requests


def test_a_first_page_may_be_as_large_as_it_likes() -> None:
    """Many rows in one page are no sign of a bad order, nor of pages that are cut."""
    table = rows(12_000)
    with Server(lambda asked: {"data": table[int(asked.query["offset"]) :]}) as server:
        run = feedback(server)
    assert run.error is None
    assert offsets(server) == [0, 11_999, 12_000]
    assert run.ids("feedback_data") == expected(12_000)
