"""End of an offset list: its proof, a second look, and a search for rows that were seen but not received in order."""

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

#: Number of pages that end in the last row again, after which the tap looks for the end further on.
MOST_REPEATS = 2

IGNORES_OFFSET = (
    "the API returns the same rows at another offset; check `paginator.offset_param`, "
    "or set `paginator.type` to `single_page`"
)


class EndingPaginator(JoiningPaginator):
    """Proves the end.

    The end is an empty response behind the last row, while the last row is still in its place. A short page does not
    prove the end, as the server may have cut it. An empty response in place of a known row is a fault of the API. Some
    APIs repeat the last page for any offset behind it, or refuse such an offset. Then a second request, further on,
    confirms the end.

    After that, the paginator looks for rows that may still be missing: behind an empty page, if the total says so; at
    the place of rows that were on pages that did not join; and at the front, if rows came there.
    """

    @property
    def moves_on(self) -> bool:
        """Whether the next request reaches behind the rows before."""
        step = self._step
        return not isinstance(step, (Probe, Seek)) and step.offset + getattr(step, "shared", 0) >= self._furthest

    def _is_behind(self, pages: int) -> bool:
        """Return whether the next request reaches behind so many pages. A look at the horizon there is left out."""
        size = self._history.largest or self.paging.limit
        if isinstance(self._step, Horizon) and self._step.offset + size > pages * size:
            self._step = self._step.then
        return self._step.offset + size > pages * size

    def _take_behind(self, step: Behind, sighting: Sighting) -> list[Row]:
        """Take what follows the last row.

        If the server never cut a page, an empty response behind a short page proves the end. If it may have, request
        the tail once more: the page may have been cut behind the last row, and a row may have moved to its end.
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
        """Return whether the tail, or what has moved to its place from behind, has no new rows."""
        joins = sighting.keys[:1] == tail[:1] or (self._history.is_anchor(sighting) and sighting.keys[0] in tail)
        return joins and len(sighting.keys) >= len(tail) and not sighting.brings_new

    def _look_beyond(self, *, one: bool = False, full: bool = False) -> None:
        """Confirm the end by a request further on."""
        status, self._refused = self._refused, 0
        self._step = Beyond(self._step.offset + self._page, self._step, status, one=one, full=full)

    def _take_beyond(self, step: Beyond, sighting: Sighting) -> list[Row]:
        """Take a response from far behind the last row: no rows, or the last page again, or only its last row.

        Some APIs repeat the last page for any offset behind it. If a full page is repeated, the API may instead ignore
        the offset. Then a request for one row returns a row other than the last one.

        Raises:
            FatalAPIError: The response has other rows.
        """
        rows, history = sighting.rows, self._history
        # An API that repeats a full page, and uses offsets, would not return an empty page further on.
        full = step.full or (
            not step.status and isinstance(step.then, (Probe, Follow)) and len(history.last) >= self.paging.limit
        )
        if not rows and not full:
            return self._end()
        if not rows and isinstance(step.then, Behind):  # rows that came in front have moved the last row there
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
                f"the API returned {step.status} at offset {step.then.offset}, but has rows further on; "
                "check `paginator`, or request a stable order in `params`"
            )
        if not sighting.brings_new or isinstance(step.then, (Probe, Follow)):
            raise FatalAPIError(IGNORES_OFFSET)
        self._step = Follow(step.then.offset - 1, 1)
        return []

    def _end(self) -> list[Row]:
        """End, unless the total, or rows that came in front, show that there is more to read.

        Raises:
            FatalAPIError: The end is reached, but the API reports more rows.
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
        # Rows that come in front during that look may need another look, if the API counts them.
        again = self._lacks_rows and self._found_in_front
        if self._history.head and (again or (not self._looked_in_front and (self._came or self._lacks_rows))):
            self._looked_in_front, self._found_in_front = True, False
            self._step = Front(0)
            return []
        self._check_total()
        if self._says_more:
            raise FatalAPIError(f"{self._says_more}; check `paginator` and the limits of the API")
        if remark := self._remark(self._page_taken):
            self._notice(logging.WARNING, remark)
        self.finished = True
        return []

    def _take_seek(self, step: Seek, sighting: Sighting) -> list[Row]:
        """Take the page at which rows were seen that have not been received since. If they are gone, they were deleted.

        Raises:
            TransientError: The page is empty.
        """
        if not sighting.rows and step.offset:
            raise TransientError(self._gone)
        for key in step.keys:
            self._strays.pop(key, None)
        rows = self._emit(sighting)
        self._end()
        return rows

    def _take_front(self, step: Front, sighting: Sighting) -> list[Row]:
        """Take a page from the beginning of the list, until a row of the first page comes again.

        Raises:
            TransientError: The list is suddenly empty.
        """
        if not sighting.rows and not step.offset:
            raise TransientError(self._gone)
        # Rows of the first page may be forgotten by now, but are not new. Rows behind them are not new either.
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
