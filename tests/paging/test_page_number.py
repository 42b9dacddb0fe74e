"""Numbered pages: all rows come, or the sync fails and says why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.page import Page
from tap_feedback.paging import keys_by
from tap_feedback.paging.page_number import PageNumberPaging
from tests.paging.driver import Response, drive, refuse, rows
from tests.paging.page_simulator import make, read
from tests.paging.simulator import ADDRESS, ENDLESS, NOW
from tests.runs import api, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.paging import PageRequest

SERVERS = 8_000
PARTS = 4


def numbered(count: int, size: int = 10, **beside: Any) -> Callable[[PageRequest], Any]:
    """A server of so many rows in pages of one size."""

    def respond(request: PageRequest) -> Any:
        first = (request.params["page"] - 1) * size
        return {"data": rows(*range(first, min(first + size, count))), **beside}

    return respond


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))])
def test_no_server_makes_the_paginator_lose_rows_unnoticed(part: int) -> None:
    """If the responses can show that rows are missing, the sync is complete or fails; and it always ends."""
    outcomes: Counter[str] = Counter()
    for seed in range(part * SERVERS // PARTS, (part + 1) * SERVERS // PARTS):
        case = make(seed)
        outcome = read(case.world, case.paging)
        where = f"seed {seed}: {case.what}, {outcome}"
        assert outcome.requests < ENDLESS or case.blind, where
        missing = case.world.stood - set(outcome.keys)
        if outcome.error is not None:
            outcomes["failed"] += 1
        else:
            assert case.blind or not missing, f"{where} lacks {sorted(missing)}"
            outcomes["no response shows it" if missing else "complete"] += 1
    # Failing is no way out: most servers are read whole.
    assert outcomes["complete"] > 0.6 * SERVERS / PARTS
    assert outcomes["no response shows it"] < 0.1 * SERVERS / PARTS


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 35])
@pytest.mark.parametrize("size", [5, 10, 12])
def test_pages_are_read_up_to_an_empty_one(count: int, size: int) -> None:
    """The size of a page is the server's: no number is skipped."""
    found = drive(PageNumberPaging(limit=10), numbered(count, size))
    assert found.error is None
    assert found.keys == list(range(count))
    assert found.sent("page") == list(range(1, -(-count // size) + 2))
    assert [request.is_first for request in found.requests] == [True, *[False] * (len(found.requests) - 1)]


@pytest.mark.parametrize(("base", "pages"), [(0, [0, 1, 2]), (1, [1, 2, 3])])
def test_the_first_page_has_a_number(base: int, pages: list[int]) -> None:
    """Some APIs count from 0."""

    def respond(request: PageRequest) -> Any:
        first = (request.params["p"] - base) * 10
        return {"data": rows(*range(first, min(first + 10, 20)))}

    found = drive(PageNumberPaging(page_param="p", base_page=base, limit_param="size", limit=10), respond)
    assert found.keys == list(range(20))
    assert found.sent("p") == pages
    assert found.sent("size") == [10, 10, 10]


@pytest.mark.parametrize("count", [10, 20])
@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"first": False}, "`first` says that rows come before it"),
        ({"meta": {"has_previous": True}}, "`meta.has_previous` says that rows come before it"),
        ({"links": {"prev": "/rows?size=10&page=0"}}, "`links.prev` leads to page 0"),
    ],
)
def test_a_first_page_that_is_not_the_first_fails(count: int, beside: dict[str, Any], words: str) -> None:
    """The API counts from 0, so that a page of rows would be missing, or all of them."""

    def respond(request: PageRequest) -> Any:
        first = request.params["page"] * 10
        return {"data": rows(*range(first, min(first + 10, count))), **beside}

    found = drive(PageNumberPaging(), respond)
    assert (found.keys, found.error) == ([], f"page 1 is not the first one: {words}; check `paginator.base_page`")


@pytest.mark.parametrize(
    "beside",
    [
        {"first": True},
        {"has_previous": False},
        {"prev": None},
        {"prev": "/rows?page=1"},
        {"prev": "/rows?page=01"},
        {"prev": 0},
    ],
)
def test_a_first_page_may_name_itself_as_the_one_before(beside: dict[str, Any]) -> None:
    """Some APIs keep to the first page when they name the one before it."""

    def respond(request: PageRequest) -> Any:
        first = (request.params["page"] - 1) * 10
        return {"data": rows(*range(first, min(first + 10, 15))), **(beside if first == 0 else {})}

    found = drive(PageNumberPaging(), respond)
    assert (found.error, found.keys) == (None, list(range(15)))


@pytest.mark.parametrize("total", [3, "3"])
def test_a_total_of_pages_saves_the_last_request(total: Any) -> None:
    """`total_path` counts pages."""
    found = drive(PageNumberPaging(total_path="meta.pages"), numbered(30, meta={"pages": total}))
    assert found.error is None
    assert found.keys == list(range(30))
    assert found.sent("page") == [1, 2, 3]
    assert drive(PageNumberPaging(total_path="pages"), numbered(7, pages=1)).sent("page") == [1]


def test_a_total_that_is_not_there_is_logged() -> None:
    """A wrong path costs a request, and the proof."""
    found = drive(PageNumberPaging(total_path="meta.pages"), numbered(5))
    assert found.error is None
    assert "no response has a number at `meta.pages`; check `paginator.total_path`" in found.notices


@pytest.mark.parametrize("beside", [{"has_more": True}, {"total_pages": 4}])
def test_a_total_that_the_response_denies_is_no_end(beside: dict[str, Any]) -> None:
    """A wrong path that has a number must not look like the end."""
    found = drive(PageNumberPaging(total_path="page"), numbered(30, page=1, **beside))
    assert found.error is not None
    assert found.error.startswith("page 1 is the last one, but `")
    link = Response({"data": rows(1), "page": 1}, {"Link": '</x?page=2>; rel="next"'})
    assert "`Link` header" in str(drive(PageNumberPaging(total_path="page"), lambda _: link).error)


@pytest.mark.parametrize("limit_param", ["limit", None])
@pytest.mark.parametrize("size", [10, 7, 100])
def test_a_number_that_is_ignored_fails_and_is_named(limit_param: str | None, size: int) -> None:
    """The same page comes for every request."""
    found = drive(PageNumberPaging(limit_param=limit_param), lambda _: {"data": rows(*range(size))})
    assert "paginator.page_param" in str(found.error)
    assert len(found.requests) <= 3


def test_a_number_that_is_ignored_is_noticed_though_rows_come_in_front() -> None:
    """No two pages are equal then, but most rows of each are known."""
    requests = iter(range(10_000))

    def respond(_: PageRequest) -> Any:
        first = -next(requests)
        return {"data": rows(*range(first, first + 20))}

    assert drive(PageNumberPaging(), respond).error is not None


@pytest.mark.parametrize("count", [1, 5, 25])
def test_the_last_page_for_ever_is_the_end_if_it_was_not_full(count: int) -> None:
    """With one page, a page of one row shows whether the API heeds the number."""

    def respond(request: PageRequest) -> Any:
        size = request.params["limit"]
        page = min(request.params["page"], -(-count // size))
        return {"data": rows(*range((page - 1) * size, min(page * size, count)))}

    found = drive(PageNumberPaging(limit=10, limit_param="limit"), respond)
    assert found.error is None
    assert found.keys == list(range(count))


def test_the_last_page_for_ever_fails_if_it_was_full() -> None:
    """An API that ignores the number from some page on looks the same, but a count of the rows differs."""

    def respond(request: PageRequest) -> Any:
        return numbered(30)(request._replace(params={"page": min(request.params["page"], 3)}))

    assert "paginator.page_param" in str(drive(PageNumberPaging(), respond).error)
    counted = drive(PageNumberPaging(), lambda request: {**respond(request), "total": 30})
    assert counted.error is None
    assert counted.keys == list(range(30))


@pytest.mark.parametrize("status", [404, 416])
def test_a_refusal_behind_the_last_page_is_confirmed(status: int) -> None:
    """A second look further on is refused, too."""
    whole = numbered(20)
    found = drive(PageNumberPaging(), lambda request: whole(request) if request.params["page"] < 3 else refuse(status))
    assert found.error is None
    assert found.keys == list(range(20))
    assert found.sent("page") == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({}, "returned 404 for page 2, but has rows on the next"),
        ({"has_more": True}, "returned 404 for page 2, but `has_more` says that more rows follow"),
        ({"total_pages": 4}, "returned 404 for page 2, but `total_pages` counts 4 pages"),
    ],
)
def test_a_refusal_in_the_middle_fails(beside: dict[str, Any], words: str) -> None:
    """The API must confirm the end."""
    whole = numbered(40, **beside)
    found = drive(PageNumberPaging(), lambda request: whole(request) if request.params["page"] != 2 else refuse(404))
    assert words in str(found.error)


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_refusal_of_the_first_page_fails(status: int) -> None:
    """Nothing was read, so nothing can be at its end."""
    assert drive(PageNumberPaging(), lambda _: refuse(status)).error == f"returned {status}"


def test_an_empty_page_that_says_that_more_follow_is_looked_at_twice_and_passed() -> None:
    """Some APIs filter after they cut pages."""
    whole = numbered(50, total_pages=5)

    def respond(request: PageRequest) -> Any:
        return {**whole(request), **({"data": []} if request.params["page"] == 3 else {})}

    found = drive(PageNumberPaging(), respond)
    assert found.error is None
    assert found.keys == [*range(20), *range(30, 50)]
    assert found.sent("page") == [1, 2, 3, 3, 4, 5, 6]


@pytest.mark.parametrize("beside", [{"total_pages": 5}, {"has_more": True}, {"links": {"next": "/x?page=9"}}])
def test_empty_pages_to_the_end_fail_if_more_should_follow(beside: dict[str, Any]) -> None:
    """Rows are missing, by what the responses say."""
    found = drive(PageNumberPaging(), numbered(20, **beside))
    assert "is empty, but `" in str(found.error)
    assert len(found.requests) < 30


def test_an_empty_page_that_is_a_fault_passes() -> None:
    """It is requested again, and its rows come."""
    requests = iter(range(100))
    whole = numbered(50, total_pages=5)
    found = drive(
        PageNumberPaging(), lambda request: {**whole(request), **({"data": []} if next(requests) == 2 else {})}
    )
    assert found.keys == list(range(50))


def changing(
    table: list[int], change: Callable[[list[int], int], None], **counts: bool
) -> Callable[[PageRequest], Any]:
    """A server whose rows change before a request; `total` says whether it counts them."""
    requests = iter(range(1, 10_000))

    def respond(request: PageRequest) -> Any:
        change(table, next(requests))
        first = (request.params["page"] - 1) * 10
        return {"data": rows(*table[first : first + 10]), **({"total": len(table)} if counts else {})}

    return respond


def test_a_row_that_goes_shifts_none_out_of_sight_if_rows_are_counted() -> None:
    """The page before is read again if the count has changed."""
    table = list(range(35))
    found = drive(PageNumberPaging(), changing(table, lambda table, n: table.remove(3) if n == 3 else None, total=True))
    assert found.error is None
    assert set(found.keys) == set(range(35))
    assert found.sent("page") == [1, 2, 3, 2, 4, 5]
    assert found.notices == []


def test_more_rows_than_a_page_may_go() -> None:
    """Then it goes back until it meets rows it knows, and reads on from there."""
    table = list(range(95))

    def change(table: list[int], request: int) -> None:
        if request == 5:
            del table[:25]

    found = drive(PageNumberPaging(), changing(table, change, total=True))
    assert found.error is None
    assert set(found.keys) >= set(range(25, 95))


def test_without_a_count_it_is_logged_once_that_shifts_go_unnoticed() -> None:
    """A page more to read for each is the user's choice."""
    found = drive(PageNumberPaging(), changing(list(range(95)), lambda table, n: None))
    assert [text for text in found.notices if "set `paginator.overlap` to 1" in text] == found.notices
    assert len(found.notices) == 1
    assert drive(PageNumberPaging(), changing(list(range(9)), lambda table, n: None)).notices == []


@pytest.mark.parametrize(
    ("overlap", "pages"), [(1, [1, 2, 1, 3, 2, 4, 3, 5, 4]), (2, [1, 2, 1, 3, 2, 1, 4, 3, 2, 5, 4, 3])]
)
def test_an_overlap_requests_pages_again(overlap: int, pages: list[int]) -> None:
    """Each page comes again after the next."""
    found = drive(PageNumberPaging(overlap=overlap), changing(list(range(40)), lambda table, n: None))
    assert found.sent("page") == pages
    assert found.keys == list(range(40))
    moving = drive(
        PageNumberPaging(overlap=overlap),
        changing(list(range(60)), lambda table, n: table.remove(table[n % 4]) if n % 2 else None),
    )
    assert moving.error is None
    assert set(range(10, 60)) <= set(moving.keys)


def test_rows_that_come_in_front_come_again_and_cost_nothing() -> None:
    """A page that begins with the last rows of the one before lost none."""
    table = list(range(45))
    found = drive(
        PageNumberPaging(), changing(table, lambda table, n: table.insert(0, 1000 + n) if n in {2, 4} else None)
    )
    assert found.error is None
    assert set(range(45)) <= set(found.keys)
    assert len(found.keys) == len(set(found.keys))
    assert found.sent("page") == [1, 2, 3, 4, 5, 6]


def test_a_row_that_has_moved_is_read_from_where_it_was() -> None:
    """An update moves a row to the end of a list that is sorted by it, and shifts those behind it."""
    table = list(range(35))

    def change(table: list[int], request: int) -> None:
        if request == 3:
            table.append(table.pop(12))

    found = drive(PageNumberPaging(), changing(table, change))
    assert found.error is None
    assert set(found.keys) == set(range(35))
    assert found.sent("page") == [1, 2, 3, 4, 2, 3, 4, 5]


def test_a_long_way_back_is_read_to_its_end() -> None:
    """Pages in which nothing is new are no reason to stop, on the way to the furthest one."""
    table = list(range(900))

    def change(table: list[int], request: int) -> None:
        if request == 88:
            table.append(table.pop(31))

    found = drive(PageNumberPaging(), changing(table, change))
    assert found.error is None
    assert set(found.keys) == set(range(900))
    assert len(found.requests) > 170


def test_rows_in_another_order_fail() -> None:
    """There is no order in which pages could be joined."""

    def shuffle(table: list[int], request: int) -> None:
        table[:] = table[1:10] + table[:1] + table[10:] if request == 3 else table

    found = drive(PageNumberPaging(overlap=1), changing(list(range(40)), shuffle))
    assert "no stable order" in str(found.error)


def test_rows_whose_content_changes_are_told_apart_by_their_keys() -> None:
    """A signed link differs with every request."""
    requests = iter(range(10_000))

    def respond(request: PageRequest) -> Any:
        first = (request.params["page"] - 1) * 10
        return {"data": [{"id": key, "link": next(requests)} for key in range(first, min(first + 10, 35))], "total": 35}

    found = drive(PageNumberPaging(overlap=1), respond)
    assert found.error is None
    assert set(found.keys) == set(range(35))


@pytest.mark.parametrize(
    ("beside", "overlap", "ahead"),
    [({}, 0, [3, 4, 5, 6]), ({"total_pages": 4}, 0, [3, 4]), ({"meta": {"all": 3}}, 0, [3]), ({}, 1, [1])],
)
def test_pages_are_fetched_ahead_after_the_second(beside: dict[str, Any], overlap: int, ahead: list[int]) -> None:
    """As many as are wanted, up to the last that is known; not if each is checked."""
    paging = PageNumberPaging(overlap=overlap, total_path="meta.all" if "meta" in beside else None)
    paginator = paging.start(keys=keys_by(["id"]), notice=lambda level, text: None, address=ADDRESS)
    assert [request.params["page"] for request in paginator.upcoming(4)] == [1]
    for number in (1, 2):
        assert len(paginator.upcoming(4)) == 1
        found = rows(*range(number * 10, number * 10 + 10))
        paginator.take(Page(found, {"data": found, **beside}, NOW))
    assert [request.params["page"] for request in paginator.upcoming(4)] == ahead


def test_pages_are_read_over_http() -> None:
    """Pages are fetched ahead, and the end is the first page that is refused."""

    def respond(request: RecordedRequest) -> Any:
        first = (int(request.query["page"]) - 1) * 20
        found = [{"id": f"r{number}"} for number in range(first, min(first + int(request.query["size"]), 410))]
        return {"data": found} if found else Reply(status=404)

    with Server(respond) as server:
        paginator = {"type": "page_number", "limit": 20, "limit_param": "size"}
        run = sync({"feedback": api(server.url, paginator=paginator)})
    assert run.error is None
    assert run.ids("feedback_data") == [f"r{number}" for number in range(410)]
    assert len(server.requests) < 30


def test_one_page_costs_its_request_and_the_proof_of_its_end() -> None:
    """With a total it costs one."""
    with Server(lambda request: {"data": rows("a") if request.query["page"] == "1" else [], "pages": 1}) as server:
        assert sync({"feedback": api(server.url, paginator={"type": "page_number"})}).ids("feedback_data") == ["a"]
        assert [request.query["page"] for request in server.requests] == ["1", "2"]
        sync({"feedback": api(server.url, paginator={"type": "page_number", "total_path": "pages"})})
        assert [request.query["page"] for request in server.requests] == ["1", "2", "1"]
