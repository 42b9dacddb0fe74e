"""The flag at `has_more_path`: it decides, and a response without it is not the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.paging.cursor import CursorPaging
from tap_feedback.paging.header_link import HeaderLinkPaging
from tap_feedback.paging.json_link import JsonLinkPaging
from tap_feedback.paging.offset import OffsetPaging
from tap_feedback.paging.page_number import PageNumberPaging
from tap_feedback.paging.single_page import SinglePage
from tests.paging.driver import Response, drive, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.paging import PageRequest, Paging

TYPES = [OffsetPaging, PageNumberPaging, CursorPaging, JsonLinkPaging, HeaderLinkPaging]


def place(paging: Paging, request: PageRequest) -> int:
    """The number of rows before the page that is requested."""
    if isinstance(paging, OffsetPaging):
        return int(request.params["offset"])
    if isinstance(paging, PageNumberPaging):
        return 10 * (int(request.params["page"]) - 1)
    return int(request.params.get("cursor") or (request.url or "=0").rpartition("=")[2])


def server(paging: Paging, count: int, flag: Callable[[int], Any]) -> Callable[[PageRequest], Response]:
    """A server of so many rows in pages of ten that always has a way to go on; `flag` makes what is beside the rows."""

    def respond(request: PageRequest) -> Response:
        first = place(paging, request)
        behind = first + 10
        found = rows(*range(first, min(behind, count)))
        body: dict[str, Any] = {"data": found, **flag(behind)}
        if isinstance(paging, CursorPaging):
            body["pagination"] = {"cursor": str(behind)}
        if isinstance(paging, JsonLinkPaging):
            body["links"] = {"next": f"?from={behind}"}
        return Response(body, {"Link": f'<?from={behind}>; rel="next"'} if isinstance(paging, HeaderLinkPaging) else {})

    return respond


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    ("yes", "no", "path"), [(True, False, "m.more"), (False, True, "!m.more"), ("true", 0, "m.more")]
)
@pytest.mark.parametrize("count", [10, 25, 30])
def test_the_flag_ends_a_sync(kind: type[Paging], yes: Any, no: Any, path: str, count: int) -> None:
    """It decides over a cursor or a link beside it, and saves the request that would prove the end."""
    paging = kind(limit=10, has_more_path=path)
    found = drive(paging, server(paging, count, lambda behind: {"m": {"more": yes if behind < count else no}}))
    assert found.error is None
    assert found.keys == list(range(count))
    assert len(found.requests) == -(-count // 10) + (count == 30 and kind is OffsetPaging)


@pytest.mark.parametrize("kind", TYPES)
def test_a_flag_that_says_more_where_nothing_follows_fails(kind: type[Paging]) -> None:
    """The rows that it promises are missing."""
    paging = kind(limit=10, has_more_path="more")
    found = drive(paging, server(paging, 15, lambda behind: {"more": True}))
    assert found.error is not None


@pytest.mark.parametrize("paging", [CursorPaging(has_more_path="more"), JsonLinkPaging(has_more_path="more")])
def test_a_flag_that_says_more_without_a_way_to_continue_fails(paging: Paging) -> None:
    """The path of the cursor or URL is wrong."""
    found = drive(paging, lambda _: {"data": rows(1), "more": True})
    assert "but `more` says that more rows follow; check `paginator.type`" in str(found.error)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("later", [{}, {"more": None}])
def test_a_flag_that_a_later_page_drops_is_no_end(kind: type[Paging], later: dict[str, Any]) -> None:
    """The response is unlike the others: it is requested again, then the stream fails."""
    paging = kind(limit=10, has_more_path="more")
    found = drive(paging, server(paging, 30, lambda behind: {"more": True} if behind <= 10 else later))
    assert found.error == "the response has no `more`, unlike those before it; check `paginator.has_more_path`"
    assert len(found.requests) == 5


@pytest.mark.parametrize("kind", [*TYPES, SinglePage])
@pytest.mark.parametrize("flag", [{}, {"more": "maybe"}, {"more": 17}, {"more": [1]}])
def test_a_flag_that_is_none_fails_and_is_named(kind: type[Paging], flag: dict[str, Any]) -> None:
    """A wrong path would have no end, or one too soon."""
    paging = kind(has_more_path="more")
    found = drive(paging, lambda _: {"data": rows(1), **flag})
    assert "check `paginator.has_more_path`" in str(found.error)
    assert len(found.requests) == 1


@pytest.mark.parametrize("kind", [*TYPES, SinglePage])
@pytest.mark.parametrize("response", [None, {"data": []}, {"data": [], "more": False}])
def test_no_rows_need_no_flag(kind: type[Paging], response: Any) -> None:
    """Some APIs leave everything out that is not there."""
    found = drive(kind(has_more_path="more"), lambda _: response)
    assert found.error is None
    assert found.keys == []


def test_a_single_page_heeds_the_flag() -> None:
    """It fails if more rows follow, and believes that none do."""
    paging = SinglePage(has_more_path="more")
    assert "`more` says that more rows follow" in str(drive(paging, lambda _: {"data": rows(1), "more": True}).error)
    assert drive(paging, lambda _: {"data": rows(1), "more": False, "cursor": "c"}).error is None


def test_the_flag_must_have_a_path() -> None:
    """An exclamation mark alone is not a path."""
    assert list(OffsetPaging(has_more_path="!").faults()) == [
        ("has_more_path", "must have a dotted path after the `!`")
    ]
    assert list(CursorPaging(has_more_path="!end").faults()) == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("meta.isLast", "must be with a `!` before it, as it is false while more rows follow"),
        ("end_of_stream", "must be with a `!` before it, as it is false while more rows follow"),
        ("!meta.has_more", "must be without a `!`, as it is true while more rows follow"),
        ("!meta.isLast", None),
        ("has_more", None),
        ("!done", None),
        ("done", None),
    ],
)
def test_a_flag_that_would_be_read_the_wrong_way_round(path: str, words: str | None) -> None:
    """A name that says what it means is believed: after the first page the stream would be complete."""
    assert list(JsonLinkPaging(has_more_path=path).faults()) == ([] if words is None else [("has_more_path", words)])
