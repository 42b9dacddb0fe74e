"""The rows read last: known by their keys, in their order, and not forever."""

from __future__ import annotations

from typing import Any

import pytest

from tap_feedback.paging import keys_by
from tap_feedback.paging.history import REMEMBERED_ROWS, History

Rows = list[dict[str, Any]]


def history_of(*pages: Rows) -> History:
    """A history that has read some pages."""
    history = History(keys_by(["id"]))
    for page in pages:
        history.add(history.look(page))
    return history


def rows(*ids: int, **more: Any) -> Rows:
    """Rows with these ids."""
    return [{"id": number, **more} for number in ids]


def test_memory_does_not_grow() -> None:
    """The rows read last are remembered, and at most twice as many and a page."""
    history = history_of(*(rows(*range(first, first + 100)) for first in range(0, 100_000, 100)))
    assert REMEMBERED_ROWS <= len(history.known) <= 2 * REMEMBERED_ROWS + 100
    assert 99_999 in history.known


def test_rows_that_come_again_are_remembered_anew() -> None:
    """A row that a later page showed again is not forgotten with the first."""
    pages = [rows(0, *range(first, first + 100)) for first in range(1, 3001, 100)]
    assert 0 in history_of(*pages).known


@pytest.mark.parametrize(
    ("page", "swapped"),
    [
        (rows(1, 2, 3), False),
        (rows(2, 9, 3, 8), False),
        (rows(9, 1, 4), False),
        (rows(2, 1), True),
        (rows(3, 9, 1), True),
        (rows(1, 3, 2, 4), True),
        (rows(4, 6, 5), True),
        (rows(6, 1), False),
    ],
)
def test_two_rows_of_one_page_that_swapped_places(page: Rows, swapped: bool) -> None:  # noqa: FBT001
    """Inserts and deletes never cause that; rows of two pages are not compared."""
    history = history_of(rows(1, 2, 3, 4), rows(4, 5, 6))
    assert history.is_swapped(history.look(page)) is swapped


def test_a_row_that_was_updated_may_move() -> None:
    """An API sorted by the last change moves it to the end."""
    history = history_of(rows(1, 2, 3))
    assert not history.is_swapped(history.look([{"id": 3}, {"id": 1, "title": "new"}]))


def test_what_changes_in_every_row_is_no_update() -> None:
    """A link that is newly signed for every request says nothing of the row."""
    history = history_of(rows(1, 2, 3, link="a"))
    history.learn(history.look(rows(3, link="b")))
    assert history.is_swapped(history.look(rows(2, 1, link="c")))
    assert history.is_anchor(history.look(rows(1, link="d")))


def test_a_row_that_was_updated_proves_no_place() -> None:
    """It may have moved there, past rows that are not read."""
    history = history_of(rows(1, 2, 3))
    history.learn(history.look(rows(3)))
    assert history.is_anchor(history.look(rows(3)))
    assert not history.is_anchor(history.look([{"id": 3, "title": "new"}]))
    assert not history.is_anchor(history.look(rows(9)))
    assert not history.is_anchor(history.look([]))


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, 1.5, True])
def test_any_value_can_be_a_key(value: Any) -> None:
    """A wrong key is refused when records are written, not when pages are compared."""
    history = history_of([{"id": value}])
    assert history.look([{"id": value}, {"id": "other"}]).before[1] is None
    assert history.look([{"id": value}]).starts_known
