"""End of a list that grows as fast as it is read: all rows that it had at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

#: Number of short pages, less that of other pages, after which the tap looks for the end.
SHORT_PAGES = 5
#: A page with fewer new rows than this is short in any case.
TINY_PAGE = 4
#: Factor between the distances of two looks ahead.
FURTHER = 4
#: Rows to read behind the horizon, as new rows may have pushed others there: a multiple of its distance, plus a number.
SLACK, SPARE_ROWS = 3, 10


class Growth:
    """Looks ahead, to an offset called the horizon, when pages have few new rows.

    If the response is empty, all rows that exist at that moment come before the horizon. Once they are read, the sync
    is complete as of that moment. If the response has a row, but a page that cannot reach that far soon has the same
    row, the API returns the last row for any offset behind it, so that row was the last.
    """

    def __init__(self) -> None:
        self._short = 0
        self._patience = SHORT_PAGES
        self._distance = 1
        self._horizon: tuple[int, Hashable] | None = None
        self._goal = 0

    def watch(self, new: int, *, full: int, furthest: int) -> int | None:
        """Count the new rows of a page, and return the offset to look at, if it is time for a look.

        Args:
            new: Number of new rows.
            full: Number of new rows in a full page.
            furthest: The offset behind the furthest row read.
        """
        short = 0 < new < full or full < TINY_PAGE
        self._short = self._short + 1 if short else max(0, self._short - 1)
        known = self._horizon is not None and (self._horizon[1] is None or self._horizon[0] >= furthest)
        if self._short < self._patience or known or not new:
            return None
        self._short, self._patience, self._distance = 0, self._patience * 2, self._distance * FURTHER
        ahead = self._distance * new
        self._goal = furthest + ahead + SLACK * ahead + SPARE_ROWS
        return furthest + ahead

    def see(self, offset: int, keys: Sequence[Hashable]) -> None:
        """Remember the keys of the rows at the horizon."""
        self._horizon = (offset, keys[-1] if keys else None)

    def forget(self) -> None:
        """Forget the horizon, as new rows have moved others behind it."""
        self._horizon = None

    def is_reached(self, offset: int, keys: Sequence[Hashable], *, page: int) -> bool:
        """Return whether all rows have been read that existed at the look at the horizon.

        Args:
            offset: The offset of a page.
            keys: Its keys.
            page: Maximum number of rows in a page.
        """
        if self._horizon is None:
            return False
        horizon, last = self._horizon
        if last is None:
            return offset + len(keys) >= self._goal
        return offset + 2 * page <= horizon and last in keys
