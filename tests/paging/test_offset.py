"""Offset paging over HTTP: pages, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.paging.offsets import expected, feedback, offset_server, offsets, refusing_server, rows
from tests.runs import api, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("cap", [7, 100])
@pytest.mark.parametrize(("count", "overlap"), [(0, 1), (100, 0), (230, 3)])
def test_every_row_comes_however_the_server_caps_its_pages(count: int, cap: int, overlap: int) -> None:
    """A server that returns fewer rows than the limit is read to its end, each row once."""
    with offset_server(rows(count), cap=cap) as server:
        run = feedback(server, paginator={"overlap": overlap})
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)


def test_a_page_larger_than_asked_for_is_taken_whole() -> None:
    """If a server returns more rows than the limit, the offset advances by all of them."""
    table = rows(230)

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return {"data": table[start : start + 120]}

    with Server(respond) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(230)


def test_one_page_costs_its_request_and_the_proof_of_its_end() -> None:
    """The proof is a page with the last row alone, so that nothing moved, and an empty one behind it."""
    with offset_server(rows(30)) as server:
        assert feedback(server).ids("feedback_data") == expected(30)
    assert offsets(server) == [0, 29, 30]


def test_an_api_that_counts_pages_fails_and_names_the_offset() -> None:
    """If the parameter is the number of a page, the first page is not taken for all there is."""
    table = rows(350)

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["page"]) * 100
        return {"data": table[start : start + 100]}

    with Server(respond) as server:
        run = feedback(server, paginator={"offset_param": "page"})
    assert "paginator.offset_param" in run.failures["feedback_data"]


def test_an_ignored_offset_fails_and_is_named() -> None:
    """A server that returns the first page for any offset is neither read forever nor believed."""
    with offset_server(rows(300), place=lambda offset: 0) as server:
        run = feedback(server)
    assert "paginator.offset_param" in run.failures["feedback_data"]
    assert len(server.requests) == 4


def test_an_offset_that_stops_counting_fails_and_is_named() -> None:
    """A server that clamps large offsets returns the same rows forever: that is not the end."""
    with offset_server(rows(900), place=lambda offset: min(offset, 400)) as server:
        run = feedback(server)
    assert "paginator.offset_param" in run.failures["feedback_data"]
    assert len(server.requests) < 30


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
    """If an API responds to the overlapping request with 400, the tap requests the plain offset."""
    table = rows(230)

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return Reply(status=400) if start % 100 else {"data": table[start : start + 100]}

    with Server(respond) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(230)


def test_a_server_that_gives_the_last_row_for_any_offset_behind_it_has_an_end() -> None:
    """No new rows behind the last one are the end: an empty page, or the last row again."""
    table = rows(230)

    def respond(request: RecordedRequest) -> Any:
        start = min(int(request.query["offset"]), len(table) - 1)
        return {"data": table[start : start + 100]}

    with Server(respond) as server:
        run = feedback(server)
    assert run.error is None
    assert run.ids("feedback_data") == expected(230)


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_offset_may_be_the_limit_of_the_api(status: int) -> None:
    """A stream fails if the API serves only its first rows, and refuses the others."""
    with refusing_server(rows(500), status, window=200) as server:
        run = feedback(server)
        counting = feedback(server, paginator={"total_path": "total"})
    assert f"returned {status}" in run.failures["feedback_data"]
    assert f"returned {status}" in counting.failures["feedback_data"]


def test_a_refused_page_in_the_middle_is_no_end() -> None:
    """A 404 for one page is not the end, as the page behind it shows."""

    def respond(request: RecordedRequest) -> Any:
        page = int(request.query["offset"]) // 100
        return Reply(status=404) if page == 5 else {"data": rows(1000)[page * 100 : page * 100 + (97 if page else 100)]}

    with Server(respond) as server:
        run = feedback(server)
    assert "returned 404 at offset 500, but has rows further on" in run.failures["feedback_data"]


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

    def respond(request: RecordedRequest) -> Any:
        start, limit = int(request.query["offset"]), int(request.query["limit"])
        found = [] if blank(len(server.requests), start, limit) else rows(3000)[start : start + limit]
        return {"data": found, "total": total}

    with Server(respond) as server:
        run = sync(
            {
                "feedback": api(server.url, max_connections=1, paginator={"total_path": "total"}),
                "emit_activate_version_messages": True,
            }
        )
    assert "but it had some a moment ago" in run.failures["feedback_data"]
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}


def test_an_empty_page_where_rows_stood_may_pass() -> None:
    """It is a transient failure, and the request is worth a retry."""

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return {"data": [] if 4 <= len(server.requests) <= 8 else rows(430)[start : start + 100]}

    with Server(respond) as server:
        run = feedback(server, max_connections=1, retry={"backoff_factor": 0, "max_retries": 5})
    assert run.error is None
    assert run.ids("feedback_data") == expected(430)


def test_a_key_that_most_rows_share_fails_and_is_named() -> None:
    """Rows with one key cannot be proven complete, and a target would keep only one of them."""
    table = [{"id": number // 5, "feedback_text": f"text {number}"} for number in range(300)]
    with Server(lambda request: {"data": table[int(request.query["offset"]) :][:100]}) as server:
        run = feedback(server)
    assert "check `primary_key`" in run.failures["feedback_data"]


def test_an_empty_page_that_says_that_more_follows_is_no_end() -> None:
    """The API contradicts itself, so it may hold rows back."""

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return {"data": rows(230)[start : start + 100], "has_more": True}

    with Server(respond) as server:
        run = feedback(server)
    assert "`has_more` says that more rows follow" in run.failures["feedback_data"]


def test_rows_that_come_twice_each_are_no_wrong_key() -> None:
    """A join on the API's side repeats them as they are."""
    table = [row for row in rows(60) for _ in range(2)]
    with Server(lambda request: {"data": table[int(request.query["offset"]) :][:100]}) as server:
        run = feedback(server)
    assert run.error is None
    assert set(run.ids("feedback_data")) == set(expected(60))


def test_a_first_page_may_be_as_large_as_it_likes() -> None:
    """Many rows in one page do not mean a bad order or pages that are cut."""
    table = rows(12_000)
    with Server(lambda request: {"data": table[int(request.query["offset"]) :]}) as server:
        run = feedback(server)
    assert run.error is None
    assert offsets(server) == [0, 11_999, 12_000]
    assert run.ids("feedback_data") == expected(12_000)
