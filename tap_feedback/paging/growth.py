"""The end of a list that grows as fast as it is read: what stood at one moment, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

#: Short pages, not counting an equal number of others, after which the end is looked for.
SHORT_PAGES = 5
#: New rows that are few for any page.
TINY_PAGE = 4
#: Each look goes so many times further than the one before.
FURTHER = 4
#: Rows to read behind the horizon, for those that others may have pushed there: so many times its distance, and more.
SLACK, SPARE_ROWS = 3, 10


class Growth:
    """Looks ahead, to an offset that is called the horizon, when pages bring few new rows.

    If nothing is there, all rows present at that moment lie before it: once they are read, the sync is complete as of
    that moment. If a row is there, but soon comes with a page that cannot reach so far, the API returns the last row
    for any offset behind it, and that row was the last.
    """

    def __init__(self) -> None:
        self._short = 0
        self._patience = SHORT_PAGES
        self._distance = 1
        self._horizon: tuple[int, Hashable] | None = None
        self._goal = 0

    def watch(self, new: int, *, full: int, furthest: int) -> int | None:
        """Count the new rows of a page; the offset to look at, if it is time.

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
        """Remember what is at the horizon."""
        self._horizon = (offset, keys[-1] if keys else None)

    def forget(self) -> None:
        """Forget the horizon, as rows have come that move others behind it."""
        self._horizon = None

    def is_reached(self, offset: int, keys: Sequence[Hashable], *, page: int) -> bool:
        """Whether all rows are read that stood when the horizon was seen.

        Args:
            offset: The offset of a page.
            keys: Its keys.
            page: The most rows that a page has.
        """
        if self._horizon is None:
            return False
        horizon, last = self._horizon
        if last is None:
            return offset + len(keys) >= self._goal
        return offset + 2 * page <= horizon and last in keys
