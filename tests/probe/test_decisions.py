"""The decisions of the probe that need no request."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from tap_feedback.page import Page
from tap_feedback.paging import CursorPaging, OffsetPaging, Paging, SinglePage
from tap_feedback.probe.block import columns, paginator_block
from tap_feedback.probe.keys import find_key
from tap_feedback.probe.numbering import (
    Numbered,
    heeded_offsets,
    heeded_pages,
    heeded_sizes,
    is_usual_size,
    try_offsets,
    try_pages,
    try_sizes,
)
from tap_feedback.probe.rows import places, words_of
from tap_feedback.probe.signs import cursor_params, cursors, link_paths
from tap_feedback.probe.times import Clock, find_clock, is_ended, is_filtered, thresholds

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
NAMELESS = [{"label": "a"}, {"label": "b"}]


@pytest.mark.parametrize(
    ("response", "path"),
    [
        ([], "$"),
        (ROWS, "$"),
        ({"data": ROWS, "included": ROWS * 9}, "data"),
        ({"users": ROWS * 9, "tickets": ROWS}, "tickets"),
        ({"response": {"payload": {"tickets": ROWS}}}, "response.payload.tickets"),
        ({"_embedded": {"things": ROWS}, "_links": {"self": {"href": "/"}}}, "_embedded.things"),
        ({"id": "request-1", "items": ROWS}, "items"),
        ({"id": 4, "name": "Acme", "tags": NAMELESS}, "$"),
        ({"data": {"id": 4, "name": "Acme"}}, "data"),
        ({"data": [], "links": ROWS}, "data"),
        ({"a.b": ROWS, "tickets": []}, "tickets"),
        ({"errors": ROWS, "things": NAMELESS}, "things"),
    ],
)
def test_the_place_of_the_rows(response: Any, path: str) -> None:
    """The name of a list counts most, then keys in its rows; a path must be able to lead there."""
    assert places(response, words_of("my_tickets", "/v2/tickets.json"))[0].path == path


@pytest.mark.parametrize("response", [{}, {"count": 0, "next": None}, {"data": ["a"]}, "text", {"message": "hello"}])
def test_no_place_of_rows(response: Any) -> None:
    """A response without a list of objects, and without a key, has no rows."""
    assert places(response, set()) == []


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (ROWS, ("id",)),
        ([{"email": "a", "uuid": "x"}, {"email": "b", "uuid": "y"}], ("uuid",)),
        ([{"id": 1, "ticketId": 5}, {"id": 1, "ticketId": 6}], ("ticketId",)),
        ([{"id": None, "slug": "a"}, {"id": 1, "slug": "b"}], ("slug",)),
        (
            [{"user_id": 1, "team_id": 1}, {"user_id": 1, "team_id": 2}, {"user_id": 2, "team_id": 1}],
            ("user_id", "team_id"),
        ),
        (
            [{"user_id": 1, "at": "2024-01-01T00:00:00Z"}, {"user_id": 1, "at": "2024-01-02T00:00:00Z"}],
            ("user_id", "at"),
        ),
        ([{"id": 1.5}, {"id": 2.5}], ()),
        ([{"title": "a"}, {"title": "b"}], ()),
    ],
)
def test_the_primary_key(rows: list[dict[str, Any]], names: tuple[str, ...]) -> None:
    """A field with the name of a key, which no two rows share; or several."""
    assert find_key(rows) == names


@pytest.mark.parametrize("count", [2, 3, 7, 50])
def test_numbers_tell_parameters_apart(count: int) -> None:
    """What an API makes of the numbers shows which parameter it heeded; with few rows, one of a few."""
    names = [f"p{number}" for number in range(9)]
    keys = list(range(count))
    for name in names:
        size = try_sizes(names, count)[name]
        assert 0 < size < count
        assert name in heeded_sizes(try_sizes(names, count), size)
        offset = try_offsets(names, count, 1)[name]
        assert name in heeded_offsets(try_offsets(names, count, 1), keys, keys[offset:])
        page = try_pages(names, count, 1)[name]
        if page < count:
            assert Numbered(name, 1) in heeded_pages(try_pages(names, count, 1), keys, keys[page - 1 :], 1)
            assert Numbered(name, 0) in heeded_pages(try_pages(names, count, 1), keys, keys[page:], 1)


def test_a_page_that_goes_on_in_another_way_is_no_proof() -> None:
    """A page that only begins with a known row, or repeats the first page, does not show that a number was heeded."""
    assert heeded_offsets({"offset": 2}, [1, 2, 3, 4], [3, 9]) == []
    assert heeded_pages({"page": 2}, [1, 2, 3, 4], [1, 2], 2) == []
    assert heeded_offsets({"offset": 2}, [1, 2, 3, 4], []) == []


def test_page_sizes() -> None:
    """Some numbers of rows may be those of a page that was cut."""
    assert [number for number in range(1, 60) if is_usual_size(number)][:9] == [5, 8, 10, 12, 15, 16, 20, 24, 25]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2024-01-31T10:00:00Z", "%Y-%m-%dT%H:%M:%SZ"),
        (1706702400, "epoch"),
        (1706702400123, "epoch_ms"),
        ("yesterday", None),
        (12, None),
        (True, None),
    ],
)
@pytest.mark.parametrize("name", ["updated_at", "lastModified", "modifiedOn", "changed", "update_time", "dateUpdated"])
def test_the_time_that_moves(name: str, value: Any, found: str | None) -> None:
    """A time with a name of change, in a format that the API would be sent, too."""
    clock = find_clock([{"id": 1, "created_at": "2024-01-01T00:00:00Z", name: value}, {"id": 2, name: None}])
    assert (clock and clock.format) == found


def test_a_filter_must_leave_out_the_right_rows() -> None:
    """Rows that are missing or too old, or an equal response, deny a filter; a time of creation must be ruled out."""
    rows = [{"id": day, "made": "2024-01-01", "at": f"2024-01-{day:02}T00:00:00Z"} for day in range(1, 10)]
    clock = Clock("at", "%Y-%m-%dT%H:%M:%SZ")
    starts = thresholds(rows, clock)
    assert [start.day for start in starts] == [2, 4, 6, 8]

    def filtered(returned: list[dict[str, Any]], created: str | None = None) -> bool:
        return is_filtered(rows, returned, clock, starts[1], key=lambda row: row["id"], created=created)

    assert filtered(rows[3:])
    assert filtered(rows[4:])
    assert filtered(rows[4:], "made")
    assert not filtered(rows)
    assert not filtered([])
    assert not filtered(rows[2:])
    assert not filtered(rows[5:])
    young = [{**row, "made": row["at"]} for row in rows[3:]]
    assert not is_filtered(rows, young, clock, starts[1], key=lambda row: row["id"], created="made")


def test_an_end_must_leave_out_the_later_rows() -> None:
    """Rows that are missing or too new, or an equal response, deny the end of a range; its own moment may count."""
    rows = [{"id": day, "at": f"2024-01-{day:02}T00:00:00Z"} for day in range(1, 10)]
    clock, end = Clock("at", "%Y-%m-%dT%H:%M:%SZ"), datetime(2024, 1, 5, tzinfo=timezone.utc)
    kept = {
        count: is_ended(rows, rows[:count], clock, end, key=lambda row: row["id"]) for count in range(len(rows) + 1)
    }
    assert [count for count, ended in kept.items() if ended] == [4, 5]


def test_signs_of_the_next_page() -> None:
    """Addresses and cursors are told apart, and the number of the next page is neither."""
    page = Page(
        ROWS, {"next_page": 2, "links": {"next": "?page=2", "prev": "/x"}, "meta": {"next_cursor": "abc="}}, NOW
    )
    assert link_paths(page) == ["links.next"]
    assert [cursor.path for cursor in cursors(page)] == ["meta.next_cursor"]
    assert cursor_params("meta.next_cursor")[:2] == ["cursor", "next_cursor"]
    assert cursor_params("nextPageToken")[0] == "pageToken"
    assert cursor_params("paging.next.after")[0] == "after"


def test_a_block_holds_over_other_settings() -> None:
    """What the settings below have otherwise is written, even if it is the default."""
    over: list[Paging] = [OffsetPaging(total_path="count", overlap=3), CursorPaging(has_more_path="more")]
    found = paginator_block(OffsetPaging(limit_param="take"), over)
    shown = {"type": "offset", "limit": 100, "limit_param": "take", "offset_param": "offset"}
    assert found == {**shown, "overlap": 1, "total_path": None}
    assert paginator_block(SinglePage(), over) == {"type": "single_page"}


def test_columns() -> None:
    """Keys are not null, and the replication key is a date-time, whatever the API sends."""
    found = columns([{"id": 1, "at": 1706702400, "text": None, "tags": ["a"]}], ["id"], Clock("at", "epoch"))
    assert found == {
        "id": {"type": "integer"},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "tags": {"type": ["array", "null"]},
    }
