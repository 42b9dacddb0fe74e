"""Cursors: followed to their end, and no end is believed that the response itself denies."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = list[dict[str, Any]]


def cursor_server(pages: dict[str | None, tuple[Rows, Any]], **more: Any) -> Server:
    """A server that returns for each cursor some rows and a value of `pagination`."""

    def respond(request: RecordedRequest) -> Any:
        found, pagination = pages[request.query.get("cursor")]
        return {"forums": found, **({} if pagination is ... else {"pagination": pagination}), **more}

    return Server(respond)


def forums(*numbers: int) -> Rows:
    """Rows of the forums stream."""
    return [{"id": number, "updated_at": "2024-01-01T00:00:00Z"} for number in numbers]


def analytics(server: Server, **settings: Any) -> Run:
    """Sync the forums of a server."""
    config = {"analytics": api(server.url, **settings)}
    return sync(config, catalog=catalog_of(config, "forums"))


@pytest.mark.parametrize("path", [{}, {"cursor_row_path": "id"}])
def test_a_number_stays_one_in_a_body(path: dict[str, str]) -> None:
    """An API may take no text for a number in JSON; in a query there is no difference."""

    def respond(request: RecordedRequest) -> Any:
        cursor = request.json.get("after", 0)
        found = [{"id": 7}] if cursor == 0 else [] if cursor == 7 else [{"id": 0}]
        return {"data": found, "pagination": {"cursor": 7} if cursor == 0 else {}}

    with Server(respond) as server:
        paginator = {"type": "cursor", "cursor_param": "after", "location": "body", **path}
        own = {"method": "POST", "paginator": paginator, "schema": {"id": {"type": "integer"}}}
        run = sync({"feedback": api(server.url, streams={"feedback_data": own})})
    assert (run.error, run.ids("feedback_data")) == (None, [7])
    assert [asked.json for asked in server.requests] == [{}, {"after": 7}]


@pytest.mark.parametrize(
    "last",
    [{}, {"cursor": None}, {"cursor": ""}, {"cursor": False}, {"cursor": {}}, {"cursor": []}, {"cursor": 0}, None, ...],
)
def test_a_cursor_is_followed_until_there_is_none(last: Any) -> None:
    """No cursor, null, an empty one, false, 0, or no parent of it: that was the last page."""
    pages = {None: (forums(1, 2), {"cursor": "b"}), "b": (forums(3), {"cursor": "c"}), "c": (forums(4), last)}
    with cursor_server(pages) as server:
        run = analytics(server)
    assert run.error is None
    assert run.ids("forums") == [1, 2, 3, 4]


def test_an_empty_page_with_a_fresh_cursor_is_not_the_end() -> None:
    """Some APIs filter after they cut pages."""
    pages = {None: (forums(1), {"cursor": "b"}), "b": ([], {"cursor": "c"}), "c": (forums(2), {})}
    with cursor_server(pages) as server:
        assert analytics(server).ids("forums") == [1, 2]


@pytest.mark.parametrize("circle", [["a", "b"], ["a", "b", "c", "d", "e"]])
def test_a_cursor_that_comes_again_fails_and_is_named(circle: list[str]) -> None:
    """A circle is noticed within three rounds."""
    following = dict(zip([None, *circle], [*circle, circle[0]], strict=True))
    with Server(
        lambda request: {"forums": [], "pagination": {"cursor": following[request.query.get("cursor")]}}
    ) as server:
        run = analytics(server)
    assert "paginator.cursor_path" in run.failures["forums"]
    assert len(server.requests) <= 3 * len(circle) + 2


@pytest.mark.parametrize("cursor", [lambda n: "scroll", lambda n: f"c{n}"])
def test_rows_that_come_again_fail_and_name_the_cursor(cursor: Callable[[int], str]) -> None:
    """Pages may go round in a circle under one cursor for all, or under a new one each time."""

    def respond(_: RecordedRequest) -> Any:
        page = (len(server.requests) - 1) % 4
        return {
            "forums": forums(*range(3 * page, 3 * page + 3)),
            "pagination": {"cursor": cursor(len(server.requests))},
        }

    with Server(respond) as server:
        run = analytics(server)
    assert "returned the same rows" in run.failures["forums"]
    assert "paginator.cursor_param" in run.failures["forums"]
    assert len(server.requests) <= 20


def test_one_cursor_for_all_pages_is_followed_as_long_as_rows_differ() -> None:
    """A scroll id is the same for all pages; the end is an empty page."""

    def respond(_: RecordedRequest) -> Any:
        page = len(server.requests) - 1
        return {"forums": forums(*range(10 * page, 10 * page + 10)) if page < 3 else [], "pagination": {"cursor": "s"}}

    with Server(respond) as server:
        run = analytics(server)
    assert run.error is None
    assert run.ids("forums") == list(range(30))


def test_the_same_cursor_with_an_empty_page_is_the_end() -> None:
    """Some APIs return the cursor from which the next sync may go on."""
    pages = {None: (forums(1, 2), {"cursor": "end"}), "end": ([], {"cursor": "end"})}
    with cursor_server(pages) as server:
        run = analytics(server)
    assert run.error is None
    assert run.ids("forums") == [1, 2]


def test_the_last_row_with_its_own_cursor_is_the_end() -> None:
    """A cursor that includes the row it names brings that row forever."""

    def respond(request: RecordedRequest) -> Any:
        first = int(request.query.get("cursor", 1))
        found = forums(*range(first, min(first + 3, 8)))
        return {"forums": found, "pagination": {"cursor": str(found[-1]["id"])}}

    with Server(respond) as server:
        run = analytics(server)
    assert run.error is None
    assert set(run.ids("forums")) == set(range(1, 8))


@pytest.mark.parametrize("last", [{"is_last": True}, {"count": 1}, {"meta": {}}])
def test_a_last_page_may_have_other_members(last: dict[str, Any]) -> None:
    """Some APIs leave the paging out on the last page, and say so in another way."""
    pages = [{"forums": forums(1), "pagination": {"cursor": "b"}}, {"forums": forums(2), **last}]
    with Server(lambda _: pages[len(server.requests) - 1]) as server:
        run = analytics(server)
    assert run.error is None
    assert run.ids("forums") == [1, 2]


def test_rows_that_change_with_every_request_are_told_apart_by_their_keys() -> None:
    """A cursor that the API ignores brings the same rows, even if each has a newly signed link."""
    signature = itertools.count()

    def respond(_: RecordedRequest) -> Any:
        rows = [{**row, "link": f"https://files.example/{next(signature)}"} for row in forums(*range(10))]
        return {"forums": rows, "pagination": {"cursor": f"c{len(server.requests)}"}}

    with Server(respond) as server:
        run = analytics(server)
    assert "paginator.cursor_param" in run.failures["forums"]
    assert len(server.requests) == 2
    assert len(run.records("forums")) == 10


def test_a_cursor_that_is_not_heeded_is_noticed_although_rows_come_in_front() -> None:
    """Then no two pages are alike, but most rows of each are known."""

    def respond(_: RecordedRequest) -> Any:
        first = -len(server.requests)
        return {"forums": forums(*range(first, first + 20)), "pagination": {"cursor": f"c{len(server.requests)}"}}

    with Server(respond) as server:
        run = analytics(server)
    assert "paginator.cursor_param" in run.failures["forums"]
    assert len(server.requests) < 20


def test_empty_pages_with_fresh_cursors_end_in_a_failure() -> None:
    """An API that always has a cursor to come back with is not polled forever."""

    def respond(request: RecordedRequest) -> Any:
        rows = forums(1, 2) if "cursor" not in request.query else []
        return {"forums": rows, "pagination": {"cursor": f"c{len(server.requests)}"}}

    with Server(respond) as server:
        run = analytics(server)
    assert "100 empty pages in a row" in run.failures["forums"]
    assert len(server.requests) <= 102


@pytest.mark.parametrize(
    ("beside", "named"),
    [
        ({"meta": {"next_cursor": "b", "has_more": True}}, "`meta.has_more`"),
        ({"meta": {"next_cursor": "b"}}, "`meta.next_cursor`"),
        ({"next cursor key": "100"}, "`next cursor key`"),
        ({"links": {"next": "https://api.example/forums?cursor=b"}}, "`links.next`"),
        ({"_links": {"next": {"href": "/v1/forums?page=2"}}}, "`_links.next.href`"),
        ({"pages": {"next": {"starting_after": "b"}}}, "`pages.next.starting_after`"),
        ({"paging": {"after": 17}}, "`paging.after`"),
        ({"nextPageToken": "b"}, "`nextPageToken`"),
        ({"hasNextPage": True}, "`hasNextPage`"),
        ({"last": False}, "`last`"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_cursor_in_another_place_fails_and_is_named(beside: dict[str, Any], named: str, first: bool) -> None:  # noqa: FBT001
    """A wrong `cursor_path` must not look like the end, on the first page or a later one: the bookmark would move."""

    def respond(request: RecordedRequest) -> Any:
        if "cursor" not in request.query and not first:
            return {"forums": forums(1), "pagination": {"cursor": "a"}, **dict.fromkeys(beside)}
        return {"forums": forums(*range(2, 102)), "pagination": {}, **beside}

    with Server(respond) as server:
        run = analytics(server)
    assert named in run.failures["forums"]
    assert "paginator.cursor_path" in run.failures["forums"]
    assert run.state.get("bookmarks", {}).get("forums", {}) == {}


def test_a_link_header_to_a_next_page_is_no_end() -> None:
    """Many APIs page by the `Link` header alone."""
    headers = {"Link": '<http://127.0.0.1/forums?page=9>; rel="last", <http://127.0.0.1/forums?page=2>; rel="next"'}
    with Server(lambda request: Reply({"forums": forums(1)}, headers=headers)) as server:
        run = analytics(server)
    assert "`Link` header" in run.failures["forums"]


@pytest.mark.parametrize(
    "beside",
    [
        {"links": {"next": None, "prev": "https://api.example/forums?cursor=a"}},
        {"pageInfo": {"hasNextPage": False, "endCursor": "b"}},
        {"meta": {"has_more": False, "after_cursor": "b"}},
        {"links": {"forums.updated_by": {"type": "users"}}},
        {"meta": {"previous_cursor": "a", "prev": "a", "self": "x", "first": "x"}},
        {"query": {"updated_after": "2024-01-01T00:00:00Z"}, "next_offset": 0},
        {"isLast": True, "included": [{"next": "row"}]},
        {"total": 1, "count": 1, "paging": {"next": None}},
    ],
)
def test_what_does_not_say_that_more_rows_follow_is_an_end(beside: dict[str, Any]) -> None:
    """A flag decides over a cursor; links back, empty links and links of rows say nothing."""
    pages = {None: (forums(1), {"cursor": "b"}), "b": (forums(2), {})}
    with cursor_server(pages, **beside) as server:
        run = analytics(server)
    assert run.error is None
    assert run.ids("forums") == [1, 2]


def test_a_cursor_that_a_response_repeats_is_no_next_one() -> None:
    """Some APIs say which cursor they were sent."""

    def respond(request: RecordedRequest) -> Any:
        sent = request.query.get("cursor")
        return {"forums": forums(2 if sent else 1), "pagination": {"cursor": None if sent else "b"}, "cursor": sent}

    with Server(respond) as server:
        run = analytics(server)
    assert run.error is None
    assert run.ids("forums") == [1, 2]


def test_no_content_for_a_cursor_is_tried_again_and_fails() -> None:
    """The response before said that there is more."""

    def respond(request: RecordedRequest) -> Any:
        if "cursor" in request.query:
            return Reply(status=204)
        return {"forums": forums(1), "pagination": {"cursor": "b"}}

    with Server(respond) as server:
        run = analytics(server)
    assert "returned 204 No Content for the cursor" in run.failures["forums"]
    assert len(server.requests) == 5
    assert run.state.get("bookmarks", {}).get("forums", {}) == {}


def test_a_response_unlike_those_before_is_tried_again_and_fails() -> None:
    """It has no paging, but something that the others have not; the rows beside it may be a part."""

    def respond(request: RecordedRequest) -> Any:
        if "cursor" in request.query:
            return {"forums": forums(2), "warning": "partial result"}
        return {"forums": forums(1), "pagination": {"cursor": "b"}}

    with Server(respond) as server:
        run = analytics(server)
    assert "unlike those before it" in run.failures["forums"]
    assert "warning" in run.failures["forums"]


def test_a_total_above_the_rows_received_fails() -> None:
    """The bookmark does not move, so the next sync reads them."""
    with Server(lambda request: {"forums": forums(1), "total": 5000, "pagination": {}}) as server:
        run = analytics(server, paginator={"total_path": "total"})
    assert "a total of 5,000 rows but returned 1" in run.failures["forums"]
    assert run.state.get("bookmarks", {}).get("forums", {}) == {}


def test_rows_that_come_twice_do_not_count_for_the_total() -> None:
    """Duplicates would hide the rows that are missing."""
    pages = {None: (forums(1, 2, 3), {"cursor": "b"}), "b": (forums(3, 4), {})}
    with cursor_server(pages, total=5) as server:
        run = analytics(server, paginator={"total_path": "total"})
    assert "a total of 5 rows but returned 4" in run.failures["forums"]


def test_a_cursor_that_is_no_text_fails_and_is_named() -> None:
    """An object at the cursor's path means that the path is wrong."""
    with cursor_server({None: (forums(1), {"cursor": {"next": 1}})}) as server:
        assert "paginator.cursor_path" in analytics(server).failures["forums"]


@pytest.mark.parametrize(("count", "level"), [(1, "INFO"), (20, "WARNING"), (100, "WARNING")])
def test_a_first_page_without_a_cursor_is_told(count: int, level: str, caplog: pytest.LogCaptureFixture) -> None:
    """A cursor that is looked for in the wrong place looks like an API with one page; a full page is suspicious."""
    caplog.set_level("INFO")
    with Server(lambda request: {"forums": forums(*range(count))}) as server:
        assert len(analytics(server).ids("forums")) == count
    told = [record for record in caplog.records if "the first page has no `pagination.cursor`" in record.getMessage()]
    assert [record.levelname for record in told] == [level]


def test_a_full_first_page_without_a_cursor_fails_if_more_rows_are_counted() -> None:
    """The response itself says that it is not all."""
    with Server(lambda request: {"forums": forums(*range(100)), "meta": {"total": 236}}) as server:
        run = analytics(server)
    assert "`meta.total` counts more rows than the 100" in run.failures["forums"]
    assert "paginator.cursor_path" in run.failures["forums"]


def test_one_page_of_several_fails() -> None:
    """The response has no cursor, but says of how many pages it is one."""
    with Server(lambda _: {"forums": forums(1, 2, 3), "page": 1, "total_pages": 5}) as server:
        run = analytics(server)
    assert "`total_pages` is 5" in run.failures["forums"]


@pytest.mark.parametrize("cursor", [17, 1.5, 12345678901234567.25])
def test_a_number_as_cursor_is_followed(cursor: float) -> None:
    """A cursor may be a number."""
    pages = {None: (forums(1), {"cursor": cursor}), str(cursor): (forums(2), {})}
    with cursor_server(pages) as server:
        assert analytics(server).ids("forums") == [1, 2]
