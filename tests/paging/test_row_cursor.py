"""Cursors of the last row: followed while they lead to new rows, and doubted if rows share them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.paging.cursor import CursorPaging
from tests.paging.driver import drive

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.paging import PageRequest

Row = dict[str, Any]


def paging(**settings: Any) -> CursorPaging:
    """Cursors at `meta.at` of the last row, in pages of ten."""
    return CursorPaging(
        **{"limit": 10, "limit_param": "limit", "cursor_param": "after", "cursor_row_path": "meta.at", **settings}
    )


def table(*cursors: Any) -> list[Row]:
    """Rows with these cursors."""
    return [{"id": number, "meta": {"at": cursor}} for number, cursor in enumerate(cursors)]


def server(rows: list[Row], *, inclusive: bool, size: int = 10, **beside: Any) -> Callable[[PageRequest], Any]:
    """A server that lists rows behind a cursor, or from it on."""

    def respond(request: PageRequest) -> Any:
        after = request.params.get("after")
        kept = [
            row
            for row in rows
            if after is None or row["meta"]["at"] > int(after) or (inclusive and row["meta"]["at"] == int(after))
        ]
        return {"data": kept[: min(size, request.params.get("limit", size))], **beside}

    return respond


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 35])
def test_the_cursor_of_the_last_row_leads_to_the_end(inclusive: bool, count: int) -> None:  # noqa: FBT001
    """The end is an empty page, or one that repeats only the last row, which is emitted once."""
    found = drive(paging(), server(table(*range(count)), inclusive=inclusive))
    assert found.error is None
    assert found.keys == list(range(count))
    assert found.notices == []
    assert found.requests[0].is_first
    assert found.sent("after")[:2] == [None, *(["9"] if count > 9 else [str(count - 1)] if count else [])]


def test_a_flag_saves_the_last_request() -> None:
    """It decides, as for other paginators."""
    responses = iter([{"data": table(1, 2), "more": True}, {"data": [{"id": 7, "meta": {"at": 7}}], "more": False}])
    found = drive(paging(has_more_path="more"), lambda _: next(responses))
    assert found.error is None
    assert len(found.requests) == 2
    denied = drive(paging(has_more_path="more"), lambda _: {"data": [], "more": True})
    assert "`more` says that more rows follow" in str(denied.error)


def test_rows_that_share_a_cursor_come_all_if_the_api_repeats_them() -> None:
    """A page that begins with the rows of the cursor loses none."""
    cursors = [0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 9, 10, 10]
    found = drive(paging(), server(table(*cursors), inclusive=True))
    assert found.error is None
    assert found.keys == list(range(15))


def test_rows_that_share_a_cursor_at_the_end_of_a_page_fail_if_the_api_repeats_none() -> None:
    """Others with this cursor may have been behind the page."""
    cursors = [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 9, 10]
    found = drive(paging(), server(table(*cursors), inclusive=False))
    assert "share one `meta.at`, and the next page repeats none of them" in str(found.error)
    assert "paginator.cursor_row_path" in str(found.error)
    at_end = drive(paging(), server(table(*[0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8]), inclusive=False))
    assert "share one `meta.at`" in str(at_end.error)


def test_rows_that_share_a_cursor_elsewhere_are_a_warning() -> None:
    """The edge of a page may lie among such rows the next time."""
    cursors = [0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    found = drive(paging(), server(table(*cursors), inclusive=False))
    assert found.error is None
    assert len(found.keys) == 12
    assert [text for text in found.notices if "some rows share one `meta.at`" in text] == found.notices
    assert len(found.notices) == 1


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("before", [0, 5])
def test_a_full_page_of_rows_that_share_a_cursor_fails(inclusive: bool, before: int) -> None:  # noqa: FBT001
    """The tap cannot get past them."""
    cursors = [*range(before), *[7] * 30]
    found = drive(paging(), server(table(*cursors), inclusive=inclusive))
    assert "share one `meta.at`" in str(found.error)


@pytest.mark.parametrize("count", [2, 4])
def test_few_rows_that_share_a_cursor_are_all(count: int) -> None:
    """The page was not full."""
    for inclusive in (True, False):
        found = drive(paging(), server(table(*[7] * count), inclusive=inclusive))
        assert found.error is None
        assert found.keys == list(range(count))


@pytest.mark.parametrize("cursor", [None, "", {}, True, ...])
def test_a_row_without_a_cursor_fails_and_is_named(cursor: Any) -> None:
    """The path is wrong, or the row cannot be passed."""
    row = {"id": 1, "meta": {} if cursor is ... else {"at": cursor}}
    found = drive(paging(), lambda _: {"data": [row]})
    assert "check `paginator.cursor_row_path`" in str(found.error)


@pytest.mark.parametrize("count", [2, 10, 25])
def test_a_cursor_that_is_not_heeded_fails(count: int) -> None:
    """The first page comes again, with rows that do not have the cursor."""
    found = drive(paging(), lambda _: {"data": table(*range(count))})
    assert "returned the same rows for another cursor; check `paginator.cursor_row_path`" in str(found.error)


def test_an_empty_page_beside_a_message_is_requested_again() -> None:
    """It is unlike those before, and may be an error."""
    found = drive(
        paging(), lambda request: {"data": [], "message": "x"} if request.params.get("after") else {"data": table(1)}
    )
    assert found.error == "the response lacks rows and has `message`, unlike those before it"


def test_a_row_that_was_updated_is_emitted_again() -> None:
    """What is repeated is left out only if it is the same."""
    responses = iter([{"data": table(1, 2)}, {"data": [{"id": 1, "meta": {"at": 2}, "new": 1}]}])
    assert drive(paging(), lambda _: next(responses)).keys == [0, 1, 1]


def test_a_stop_condition_goes_with_a_cursor_path() -> None:
    """It has no meaning for a cursor of the row."""
    wrong = paging(stop_condition="pagination.cursor is not defined")
    assert list(wrong.faults()) == [("stop_condition", "must be left out if `cursor_row_path` is set")]
    assert list(paging().faults()) == []


@pytest.mark.parametrize("seed", range(600))
def test_no_table_loses_rows_unnoticed(seed: int) -> None:
    """Whatever rows share: complete, failed, or warned of rows at an edge that shows nothing."""
    chance = random.Random(seed)  # noqa: S311 - made-up rows
    count, spread = chance.randint(0, 60), chance.choice([3, 20, 60, 1000])
    rows = table(*sorted(chance.randint(0, spread) for _ in range(count)))
    inclusive, size = chance.random() < 0.5, chance.choice([3, 5, 10])
    limit, limit_param = chance.choice([size, 10]), chance.choice(["limit", None])
    respond, pages = server(rows, inclusive=inclusive, size=size), []

    def note(request: PageRequest) -> Any:
        response = respond(request)
        pages.append([row["meta"]["at"] for row in response["data"]])
        return response

    found = drive(paging(limit=limit, limit_param=limit_param), note)
    shared = any(len(set(page)) < len(page) for page in pages)
    capped = size < limit and len(set(pages[0])) < 2  # a page of less than ten may be the whole table
    noticed = found.error is not None or any("some rows share" in text for text in found.notices)
    assert set(found.keys) == set(range(count)) or noticed or not (shared or inclusive) or capped
