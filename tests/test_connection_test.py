"""What `--test` says of the rows that it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_feedback.connection_test import ConnectionTest
from tap_feedback.paging.cursor import CursorPaging
from tap_feedback.paging.offset import OffsetPaging
from tap_feedback.paging.single_page import SinglePage

if TYPE_CHECKING:
    from tap_feedback.paging import Paging

ROWS = [{"id": number, "account": number % 2, "changed": "2024-01-31" if number else None} for number in range(3)]


@pytest.mark.parametrize(
    ("paging", "pages", "words"),
    [
        (OffsetPaging(), 2, "6 rows in 2 pages, key `id`, `page`, offset heeded"),
        (OffsetPaging(), 1, "3 rows in 1 page, key `id`, `page`, no more rows"),
        (CursorPaging(), 2, "6 rows in 2 pages, key `id`, `page`, next cursor found"),
        (CursorPaging(), 1, "3 rows in 1 page, key `id`, `page`, no next cursor"),
        (SinglePage(), 1, "3 rows in 1 page, key `id`, `page`"),
        (OffsetPaging(), 0, "no rows, so that neither the key nor the paging is proven"),
    ],
)
def test_the_paging_is_proven_by_the_second_page(paging: Paging, pages: int, words: str) -> None:
    """A first page comes whatever the paginator's settings are."""
    test = ConnectionTest(paging, ("id", "page"), None)
    for page in range(pages):
        assert not test.is_enough
        test.add([{**row, "page": page} for row in ROWS])
    assert test.is_enough == (pages == 2)
    assert test.line(0) == words


def test_pages_without_rows_prove_nothing() -> None:
    """A paginator that looks for the end, or for a place to go on, hands out pages without rows."""
    test = ConnectionTest(OffsetPaging(), ("id",), None)
    for rows in ([], ROWS, [], []):
        test.add(rows)
    assert not test.is_enough
    assert test.line(0) == "3 rows in 1 page, key `id`, no more rows"


def test_the_keys_are_looked_at() -> None:
    """A primary key that rows share would leave one of them in the warehouse; a replication key may be null."""
    test = ConnectionTest(SinglePage(), ("account",), "changed")
    test.add(ROWS)
    line = "3 rows in 1 page, key `account` (but several rows have the same), replication key `changed` in 2 of them"
    assert test.line(0) == line


def test_the_total_is_told() -> None:
    """A total that the API gives is told, unless it is one of those that mean that nothing was counted."""
    test = ConnectionTest(SinglePage(), ("id",), "id")
    test.add(ROWS[1:])
    assert test.line(1234) == "2 rows in 1 page, key `id`, replication key `id`, 1,234 in total"
    assert test.line(-1) == "2 rows in 1 page, key `id`, replication key `id`"


def test_a_total_that_is_not_there_is_told() -> None:
    """Without its total, a sync could not tell whether rows are missing."""
    test = ConnectionTest(OffsetPaging(total_path="meta.count"), ("id",), None)
    test.add(ROWS)
    assert test.line(0).endswith(", no more rows, but no total at `meta.count` (`paginator.total_path`)")
