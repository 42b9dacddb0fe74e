"""Joining of offset pages: each to the last one, or to one further back."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from tap_feedback.paging.base import Paginator
from tap_feedback.paging.growth import Growth
from tap_feedback.paging.offset_steps import Back, Behind, Beyond, Follow, Horizon, Probe, Recheck, Step
from tap_feedback.paging.paging_settings import PageRequest
from tap_feedback.paging.patience import Patience
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.offset import OffsetPaging
    from tap_feedback.paging.paging_settings import StreamView

    Row = dict[str, Any]

#: Minimum number of rows between the last row and the request that confirms the end.
LEAST_LOOK = 10
#: One in this many shifted pages in a row is checked again: in a list that grows at its front, all pages have shifted.
RECHECK_EVERY = 8


class JoiningPaginator(Paginator):
    """Joins each page to the rows that were read.

    Rows that are added or deleted during the sync shift all rows behind them. So each page is requested together with
    the last `overlap` rows of the page before. If the first row of a page is known, no row was skipped. If not, the
    paginator goes back until it finds known rows. All other rows keep their order, so the paginator does not skip them.
    """

    paging: OffsetPaging

    def __init__(self, paging: OffsetPaging, **stream: Unpack[StreamView]) -> None:
        super().__init__(paging, **stream)
        self._step: Step = Follow(0)
        self._overlap = paging.overlap
        self._whole = 0  # page size of an API that serves only whole pages
        self._furthest = 0  # the offset behind the furthest row read
        self._patience = Patience()
        self._growth = Growth()
        self._smallest = math.inf  # rows in the smallest page that had new rows behind it
        self._refused = 0  # the status with which the API refused an offset that may be behind the last row
        self._blank: int | None = None  # an offset that had no row, but should have had one
        self._strays: dict[Hashable, int] = {}  # rows of pages that did not join, with their offsets
        self._shifts = 0  # shifted pages in a row
        self._says_more: str | None = None  # words for a flag of the last page that says that more rows follow
        self._is_flagged_last = False  # whether the flag of the page that follows the last says that it is the end
        self._page_taken: Page
        self._came = False  # whether rows came before those that were read
        self._looked_in_front = False
        self._found_in_front = False  # whether the last look there found new rows

    @property
    def reach(self) -> int:
        """Number of rows up to the furthest one."""
        return self._furthest

    @property
    def request(self) -> PageRequest:
        """The next request: the offset, and the page size if it has a parameter."""
        one = isinstance(self._step, Beyond) and self._step.one and self.paging.limit_param is not None
        return self._at(self._step.offset, **({str(self.paging.limit_param): 1} if one else {}))

    def _at(self, offset: int, **others: int) -> PageRequest:
        """Return the request for the page at an offset."""
        params = {**self._size, self.paging.offset_param: offset, **others}
        return PageRequest(params, is_first=self._history.count == 0)

    @property
    def _page(self) -> int:
        """Maximum number of rows in a page; more than are likely to be added or deleted between two requests."""
        return max(self._history.largest, self.paging.limit, LEAST_LOOK)

    def upcoming(self, most: int) -> list[PageRequest]:
        """Return the next request, and those that follow if no rows shift and all pages are as large as the last."""
        step, last = self._step, len(self._history.last)
        if not isinstance(step, Follow) or self._history.count < 2 or last < self._history.largest:  # noqa: PLR2004
            return [self.request]
        stride = (self._whole or last) - step.shared
        if not stride:
            return [self.request]
        end = step.offset + stride * (most - 1)
        if self.total is not None:
            end = max(step.offset, min(end, self.total - 1))
        if self.paging.max_pages is not None:
            end = max(step.offset, min(end, (self.paging.max_pages - 1) * self._history.largest))
        return [self._at(offset) for offset in range(step.offset, end + 1, stride)]

    def _join(self, sighting: Sighting) -> list[Row]:  # noqa: PLR0911 - a case for each way in which a page may join
        """Take a page that should follow the rows that were read."""
        step, history, keys = self._step, self._history, sighting.keys
        shared = step.shared if isinstance(step, (Follow, Back)) else 0
        if not history.count:
            return self._accept(sighting) if keys else self._end()
        anchored = history.is_anchor(sighting)
        if shared and anchored and keys[:shared] == history.last[-shared:][: len(keys)]:
            self._shifts = 0
            history.learn(sighting.first(shared))
            return self._accept(sighting)
        if not self._overlap:
            return self._join_plain(sighting)
        if history.count == 1 and isinstance(step, Follow) and (keys == history.last or not sighting.starts_known):
            self._step = Probe(step.offset, shared, ())
            return self._take_probe(self._step, sighting)
        if not keys and not shared:
            return self._take_behind(Behind(step.offset, min(self._overlap, 1), history.last), sighting)
        if not keys:
            return self._go_back_from_nothing()
        if step.offset and not anchored:
            self._stray(sighting, step.offset)
            return self._go_back(step.offset)
        self._growth.forget()
        rows = self._accept(sighting)
        if isinstance(step, Follow) and shared and not self.finished:
            self._came = True
            self._shifts += 1
            if self._shifts % RECHECK_EVERY == 1:
                self._step = Recheck(max(0, step.offset - max(history.largest - 1, 1)), self._step)
        return rows

    def _join_plain(self, sighting: Sighting) -> list[Row]:
        """Take a page without overlap: it proves only that the API does not repeat a page."""
        if not sighting.rows:
            return self._end()
        if sighting.keys == self._history.last:
            self._look_beyond()
            return []
        return self._accept(sighting)

    def _accept(self, sighting: Sighting) -> list[Row]:
        """Continue behind a page that joined, or end; return its new rows."""
        step, history, keys = self._step, self._history, sighting.keys
        count = len(keys)
        covered, behind = step.offset + count, step.offset + max(count, self._whole)
        has_last = not sighting.brings_new and history.last[-1:] != [] and history.last[-1] in keys
        if not step.offset:
            if history.count and not any(sighting.before):  # the remembered rows are further on, or gone
                self._patience.restart()
                history.forget()
                self._furthest = self.distinct = 0
            history.head = dict(zip(keys, sighting.rows, strict=True))
        if sighting.brings_new:
            self._smallest = min(self._smallest, len(history.last) or math.inf)
            self._blank, self._refused = None, 0
            if covered > self._furthest:
                self._patience.advance()
        elif self._blank is not None and (covered <= self._blank or step.offset == self._blank):
            self._blank = None
        # A total that was exceeded counts something else. A total that equals a full page may count the page, or be the
        # highest count of the API.
        met = self._furthest <= covered == self.total and count < history.largest <= self._smallest
        fresh = self._emit(sighting, add=True)
        self._furthest = max(self._furthest, behind)
        shared = step.shared if isinstance(step, (Follow, Back)) else min(self._overlap, 1)
        if (
            self._is_flagged_last
            or (met and not self._lacks_rows)
            or self._growth.is_reached(step.offset, keys, page=self._page)
        ):
            self._end()
        elif self._blank is not None:
            self._step = Follow(self._blank, 1)  # there is a row, after all
        elif has_last:
            self._step = Behind(behind, shared, keys)
        else:
            # A page without new rows may be all overlap, so the next one must begin behind its first row.
            shared = min(self._overlap, max(count - 1, 1 if sighting.brings_new else 0))
            self._step = Follow(behind - shared, shared)
            horizon = self._growth.watch(
                sighting.before.count(None), full=history.largest - self._overlap, furthest=self._furthest
            )
            if horizon is not None:
                self._step = Horizon(horizon, self._step)
        return fresh

    def _emit(self, sighting: Sighting, *, add: bool = False) -> list[Row]:
        """Count and remember the rows of a page, and return those that are new or changed."""
        self.distinct += sighting.new
        if self._strays:
            for key in sighting.keys:
                self._strays.pop(key, None)
        fresh = sighting.fresh
        (self._history.add if add else self._history.remember)(sighting)
        return fresh

    def _go_back(self, offset: int) -> list[Row]:
        """Request a page further back, twice as far each time."""
        step = self._step
        self._came = True  # the rows that are gone may have moved to the front
        self._growth.forget()
        # Half a page: rows that have moved into its other half join immediately.
        distance = step.distance * 2 if isinstance(step, Back) else max(self._history.largest // 2, 1)
        shared = step.shared if isinstance(step, (Follow, Back, Probe)) else 0
        self._step = Back(max(0, offset - distance), shared, distance)
        return []

    def _go_back_from_nothing(self) -> list[Row]:
        """Go back from an offset that should have a row, but has none.

        Raises:
            TransientError: Another page has shown that the row still exists; or the list is suddenly empty.
        """
        offset = self._step.offset
        if offset and offset == self._blank and self._furthest == len(self._history.head) != self.paging.limit:
            return self._end()  # the only page is not full, and other offsets are empty
        if not offset or offset == self._blank:
            raise TransientError(self._gone)
        if isinstance(self._step, Follow):
            self._blank = offset
        return self._go_back(offset)

    @property
    def _gone(self) -> str:
        return (
            f"the response has no rows at offset {self._step.offset}, but it had some a moment ago; "
            "check `paginator.offset_param` and the limits of the API; if it serves only whole pages, "
            "set `paginator.overlap` to 0"
        )

    def _stray(self, sighting: Sighting, offset: int) -> None:
        """Remember the rows of a page that did not join."""
        self._strays.update((key, offset) for key in sighting.keys)

    # Pages that do not join, or have no new rows

    @abstractmethod
    def _take_probe(self, step: Probe, sighting: Sighting) -> list[Row]:
        """Take the second page at one offset after another."""

    @abstractmethod
    def _take_behind(self, step: Behind, sighting: Sighting) -> list[Row]:
        """Take what follows the last row."""

    @abstractmethod
    def _look_beyond(self, *, one: bool = False, full: bool = False) -> None:
        """Confirm the end by a request further on."""

    @abstractmethod
    def _end(self) -> list[Row]:
        """End, if there is no more to read."""
