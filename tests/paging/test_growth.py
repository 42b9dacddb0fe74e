"""The end of a list that grows: looked for only if pages are short, and believed only if it was seen."""

from __future__ import annotations

from tap_feedback.paging.growth import Growth


def short_pages(growth: Growth, count: int, furthest: int = 600) -> int | None:
    """Watch some pages with one new row each."""
    looks = [growth.watch(1, full=99, furthest=furthest) for _ in range(count)]
    return looks[-1]


def test_full_pages_need_no_look() -> None:
    """A list that is read at its full pace costs no further request."""
    growth = Growth()
    assert [growth.watch(99, full=99, furthest=99 * page) for page in range(1, 1000)] == [None] * 999


def test_short_pages_are_looked_behind() -> None:
    """After five of them, near the end of what was read; then further away."""
    growth = Growth()
    assert short_pages(growth, 4) is None
    assert short_pages(growth, 1) == 604
    growth.see(604, ["row"])
    assert short_pages(growth, 10, furthest=605) == 621


def test_what_stood_at_the_horizon_is_read_before_the_end() -> None:
    """Nothing was at 604; some more rows are read, as others may have come before them."""
    growth = Growth()
    assert short_pages(growth, 5) == 604
    growth.see(604, [])
    assert not growth.is_reached(603, ["row"], page=100)
    assert growth.is_reached(603, ["row"] * 30, page=100)


def test_rows_that_come_in_front_move_the_horizon() -> None:
    """They push rows behind it that were before it."""
    growth = Growth()
    short_pages(growth, 5)
    growth.see(604, [])
    growth.forget()
    assert not growth.is_reached(900, ["row"], page=100)


def test_the_last_row_for_any_offset_is_known_by_coming_too_early() -> None:
    """A page that cannot reach the horizon has the row that came for it."""
    growth = Growth()
    growth.see(5000, ["last"])
    assert not growth.is_reached(4950, ["last"], page=100)
    assert growth.is_reached(700, ["other", "last"], page=100)
    assert not growth.is_reached(700, ["other"], page=100)
