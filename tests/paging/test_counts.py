"""The numbers by which responses count, and whether they change."""

from __future__ import annotations

from typing import Any

from tap_feedback.page import Page
from tap_feedback.paging.counts import Counts
from tests.paging.driver import rows
from tests.paging.simulator import NOW


def page(found: int, **response: Any) -> Page:
    """A page with this number of rows."""
    return Page(rows(*range(found)), response, NOW)


def test_a_change_is_noticed() -> None:
    """The first page with rows has the numbers; one that is not there is not a change."""
    counts = Counts()
    assert not counts.read(page(0, total=0))
    assert counts.is_blind
    assert not counts.read(page(10, total=35, pages=4))
    assert not counts.is_blind
    assert counts.pages == (4, "pages")
    assert not counts.read(page(10))
    assert not counts.read(page(10, total=35, pages=4))
    assert not counts.have_changed
    assert counts.read(page(5, total=34, pages=4))
    assert not counts.read(page(5, total=34, pages=4))
    assert counts.have_changed


def test_a_count_is_compared_with_what_was_received() -> None:
    """It may be met by rows or by pages, and exceeded by rows."""
    counts = Counts()
    counts.read(page(10, total=35, pages=4))
    assert counts.exceed(34)
    assert not counts.exceed(35)
    assert counts.are_met(35, 1)
    assert counts.are_met(1, 4)
    assert not counts.are_met(4, 35)
