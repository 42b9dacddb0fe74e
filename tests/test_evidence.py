"""Evidence in a response, and what only looks like evidence."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from tap_feedback.evidence import MOST_MEMBERS, counts, error_in, links_next, more_follows, not_the_only_page, uncounted
from tap_feedback.page import Page

NOW = datetime(2024, 1, 31, tzinfo=timezone.utc)


def page(response: Any, rows: int = 1, **headers: str) -> Page:
    """A page with this number of rows."""
    return Page([{"id": number} for number in range(rows)], response, NOW, headers=headers)


@pytest.mark.parametrize(
    ("link", "more"),
    [
        ('<https://a.example/?page=2>; rel="next"', True),
        ("<https://a.example/?page=2>; rel=next", True),
        ('<https://a.example/?page=2>; title="x"; rel="last next"', True),
        ('<https://a.example/?page=1>; rel="prev", <https://a.example/?page=3>; rel="next"', True),
        ('<https://a.example/?rel=next>; rel="prev"', False),
        ('<https://a.example/>; rel="nextish"', False),
        ("", False),
    ],
)
def test_a_link_header(link: str, more: bool) -> None:  # noqa: FBT001
    """The relation counts, in any of its spellings."""
    assert links_next({"Link": link}) is more


def test_a_flag_decides_over_a_cursor() -> None:
    """If a flag says that no more rows follow, a cursor beside it is for the next sync."""
    assert more_follows(page({"next_cursor": "b", "has_more": False})) is None
    assert more_follows(page({"next_cursor": "b", "has_more": True})) == "`has_more` says that more rows follow"
    assert more_follows(page({"next_cursor": "b"})) == "`next_cursor` has a value"


def test_only_objects_are_searched_and_not_for_ever() -> None:
    """Names in lists are those of rows, and ids as names are not cursors."""
    assert more_follows(page({"data": [{"next": "x"}], "included": [{"has_more": True}]})) is None
    assert more_follows(page({"a": {"b": {"c": {"d": {"e": {"next": "x"}}}}}})) is None
    assert more_follows(page({**{f"k{number}": 1 for number in range(MOST_MEMBERS)}, "next": "x"})) is None
    assert more_follows(page([{"next": "x"}])) is None


@pytest.mark.parametrize("value", [None, "", 0, "0", False, [], {}, ["x"], 1.5])
def test_an_empty_place_for_a_cursor_says_nothing(value: Any) -> None:
    """Most responses have one on their last page."""
    assert more_follows(page({"next": value, "cursor": value})) is None


def test_a_total_is_compared_with_the_rows() -> None:
    """A count of the page itself is not a sign of more rows."""
    assert not_the_only_page(page({"meta": {"total_count": 20}}, rows=20), 20) is None
    assert not_the_only_page(page({"meta": {"total_count": 21}}, rows=20), 20) == (
        "`meta.total_count` counts more rows than the 20 it returned"
    )
    assert not_the_only_page(page({"meta": {"total_count": 21}}, rows=7), 20) is None
    assert not_the_only_page(page({"total": "many", "total_pages": 1}, rows=20), 20) is None
    assert not_the_only_page(page({"total_pages": 3}, rows=7), 20) == "`total_pages` is 3"
    assert uncounted(page({"total": 12}), 12) is None
    assert uncounted(page({"total": 13}), 12) == "total"


def test_an_error_is_searched_on_the_way_to_the_rows_only() -> None:
    """Other members are not about them."""
    assert error_in({"data": {"items": [], "errors": ["x"]}}, "data.items") == "errors"
    assert error_in({"data": {"items": []}, "other": {"error": "x"}}, "data.items") is None
    assert error_in([], "$") is None
    assert error_in({"items": [], "error": "x"}, "$.items") == "error"


def test_numbers_that_count_rows_and_pages_are_told_from_others() -> None:
    """A count of the page's own rows is not a count of all rows."""
    response = {"meta": {"total": 50, "count": 10, "page": 2, "pages": 5}, "limit": 60, "data": [{"total": 99}]}
    assert counts(page(response, rows=10)) == (["meta.total"], ["meta.pages"])
    assert counts(page({"total": True, "pages": "5"})) == ([], [])
    assert not_the_only_page(page({"pages": 3}, rows=7), 20) == "`pages` is 3"
