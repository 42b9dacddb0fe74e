"""The end of an offset list: proven, confirmed by a second look, and doubted if rows were shown that did not come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.paging.history import SeenPage
from tap_feedback.paging.joining import JoiningPaginator
from tap_feedback.paging.offset_steps import Again, Behind, Beyond, Follow, Front, Gap, Horizon, Probe, Seek
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_feedback.paging.history import Sighting

    Row = dict[str, Any]

#: Pages that end in the last row again before the end is looked for behind them.
MOST_REPEATS = 2

IGNORES_OFFSET = (
    "the API gives the same rows at another offset; check `paginator.offset_param`, "
    "or set `paginator.type` to `single_page`"
)


class EndingPaginator(JoiningPaginator):
    """Proves the end.

    It is an empty response behind the last row, while the last row is still where it was: a page may have been cut
    short by the server, and an empty response where a row stood is a fault of the API. Some APIs repeat the last page
    for any offset behind it, or refuse it; then a second look, further on, confirms the end.

    Then rows are looked for that may be missing all the same: if the total says so, behind an empty page; if pages
    showed them that did not join, where they stood; if rows came in front, there.
    """

    def _is_behind(self, pages: int) -> bool:
        """Whether the next request reaches behind so many pages. A look at the horizon there is left out."""
        size = self._history.largest or self.paging.limit
        if isinstance(self._step, Horizon) and self._step.offset + size > pages * size:
            self._step = self._step.then
        return self._step.offset + size > pages * size

    def _take_behind(self, step: Behind, sighting: Sighting) -> list[Row]:
        """Take what follows the last row.

        If no page was ever cut, an empty response behind a short page proves the end. Otherwise look at the tail once
        more: the page may have been cut behind the last row, and a row have moved to where it ended.
        """
        enough = MOST_REPEATS if self._smallest >= self._history.largest else 3 * MOST_REPEATS
        repeats = not sighting.brings_new and step.tail[-1] in sighting.keys
        full = len(sighting.rows) >= max(2, self._history.largest)
        if repeats and (step.repeats + 1 >= enough or (full and sighting.keys[-1] == step.tail[-1])):
            self._look_beyond(full=full)
            return []
        if repeats:
            self._step = step._replace(offset=step.offset + len(sighting.rows), repeats=step.repeats + 1)
            return []
        if not sighting.rows and self._smallest >= self._history.largest > len(step.tail):
            return self._end()
        if self._whole:
            return self._accept(sighting) if sighting.rows else self._end()
        self._step = Again(step.offset - len(step.tail), step.shared, step.tail, sighting)
        return []

    def _still_ends(self, sighting: Sighting, tail: list[Hashable]) -> bool:
        """Whether the tail, or what has moved to its place from behind it, has no new row."""
        joins = sighting.keys[:1] == tail[:1] or (self._history.is_anchor(sighting) and sighting.keys[0] in tail)
        return joins and len(sighting.keys) >= len(tail) and not sighting.brings_new

    def _look_beyond(self, *, one: bool = False, full: bool = False) -> None:
        """Confirm an end by a look further on."""
        status, self._refused = self._refused, 0
        self._step = Beyond(self._step.offset + self._page, self._step, status, one=one, full=full)

    def _take_beyond(self, step: Beyond, sighting: Sighting) -> list[Row]:
        """Take what lies far behind the last row: nothing, or the last page again, or its last row alone.

        Some APIs repeat the last page for any offset behind it. If a full page comes again, the API may instead have
        stopped heeding the offset. Then a request for one row returns another row than the last.

        Raises:
            FatalAPIError: There is another.
        """
        rows, history = sighting.rows, self._history
        # An API that repeats a full page has no reason to return nothing further on, if it heeds offsets.
        full = step.full or (
            not step.status and isinstance(step.then, (Probe, Follow)) and len(history.last) >= self.paging.limit
        )
        if not rows and not full:
            return self._end()
        if not rows and isinstance(step.then, Behind):  # rows that come in front have moved it there
            self._step = Follow(step.then.offset - 1, 1)
            return []
        if sighting.keys[-1:] == history.last[-1:] and not sighting.brings_new:
            short = len(rows) < history.largest or self.total == self.distinct > history.largest
            if (step.one and len(rows) == 1) or (history.count > 1 and short):
                return self._end()
            if not step.one and self.paging.limit_param is not None:
                self._step = step._replace(offset=step.offset + self._page, one=True)
                return []
            if history.count > 1:
                return self._end()
        if step.status:
            raise FatalAPIError(
                f"the API answered {step.status} at offset {step.then.offset}, but has rows further on; "
                "check `paginator`, or request a stable order in `params`"
            )
        if not sighting.brings_new or isinstance(step.then, (Probe, Follow)):
            raise FatalAPIError(IGNORES_OFFSET)
        self._step = Follow(step.then.offset - 1, 1)
        return []

    def _end(self) -> list[Row]:
        """End, unless the total or rows that came in front say that there is more to read.

        Raises:
            FatalAPIError: There is no more to read, but the API reports more rows.
        """
        if self._refused:
            self._look_beyond()
            return []
        unseen = {key: offset for key, offset in self._strays.items() if key not in self._history.known}
        if unseen:
            first = min(unseen.values())
            near = [key for key, offset in unseen.items() if offset == first]
            self._step = Seek(max(0, first - self._history.largest // 2), near)
            return []
        stride = min(self._history.largest, self.paging.limit)
        if self._lacks_rows and stride and not self._looked_in_front:
            gap = self._step.offset if isinstance(self._step, Gap) else self._furthest + stride
            if gap < (self.total or 0):
                self._step = Gap(gap)
                return []
        # Rows that come in front while it is read may need another look, if the API counts them.
        again = self._lacks_rows and self._found_in_front
        if self._history.head and (again or (not self._looked_in_front and (self._came or self._lacks_rows))):
            self._looked_in_front, self._found_in_front = True, False
            self._step = Front(0)
            return []
        self._check_total()
        if self._says_more:
            raise FatalAPIError(f"{self._says_more}; check `paginator` and how far the API can be read")
        if remark := self._remark(self._page_taken):
            self._notice(logging.WARNING, remark)
        self.finished = True
        return []

    def _take_seek(self, step: Seek, sighting: Sighting) -> list[Row]:
        """Take the place at which rows were shown that did not come since; those not there any more were deleted.

        Raises:
            TransientError: Nothing is there at all.
        """
        if not sighting.rows and step.offset:
            raise TransientError(self._gone)
        for key in step.keys:
            self._strays.pop(key, None)
        rows = self._emit(sighting)
        self._end()
        return rows

    def _take_front(self, step: Front, sighting: Sighting) -> list[Row]:
        """Take the beginning of the list, until a row of its first page is met again.

        Raises:
            TransientError: Nothing is there any more.
        """
        if not sighting.rows and not step.offset:
            raise TransientError(self._gone)
        # Rows of the first page may be forgotten by now, but are not new. Nor is any row behind them.
        head, met = self._history.head, self._history.in_head(sighting)
        if met:
            sighting = sighting.first(met)
        before = [
            old or (SeenPage([key], [row]) if key in head else None)
            for old, row, key in zip(sighting.before, sighting.rows, sighting.keys, strict=True)
        ]
        if None in before:
            self._patience.advance()
            self._found_in_front = True
        behind_known = met or not sighting.rows or self._history.is_anchor(sighting.last)
        rows = self._emit(sighting._replace(before=before))
        if None in before and not behind_known:
            self._step = Front(step.offset + len(sighting.rows))
            return rows
        self._end()
        return rows
