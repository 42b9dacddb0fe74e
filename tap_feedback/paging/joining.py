"""Offset pages joined to one another: each to the last one, or to one that lies further back."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from tap_feedback.paging.base import PageRequest, Paginator
from tap_feedback.paging.growth import Growth
from tap_feedback.paging.offset_steps import Back, Behind, Beyond, Follow, Horizon, Probe, Recheck, Step
from tap_feedback.paging.patience import Patience
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.base import StreamView
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.offset import OffsetPaging

    Row = dict[str, Any]

#: Rows behind the last one at which the end is confirmed, at least.
LEAST_LOOK = 10
#: One in so many shifted pages in a row is checked again; in a list that grows at its front, all pages have shifted.
RECHECK_EVERY = 8


class JoiningPaginator(Paginator):
    """Joins each page to what was read.

    Rows that come or go during the sync shift all rows behind them. So each page is requested with the last `overlap`
    rows of the page before. If its first row is one that was read, nothing lies between; if it is not, the paginator
    goes back until it meets rows it knows. However rows come and go, those that stay keep their order, so none of them
    is passed by.
    """

    paging: OffsetPaging

    def __init__(self, paging: OffsetPaging, **stream: Unpack[StreamView]) -> None:
        super().__init__(paging, **stream)
        self._step: Step = Follow(0)
        self._overlap = paging.overlap
        self._whole = 0  # rows in a page of an API that serves only whole pages
        self._furthest = 0  # the offset behind the furthest row read
        self._patience = Patience()
        self._growth = Growth()
        self._smallest = math.inf  # rows in the smallest page that had new rows behind it
        self._refused = 0  # the status by which the API refused an offset that may lie behind the last row
        self._blank: int | None = None  # an offset at which nothing stood though a row should
        self._strays: dict[Hashable, int] = {}  # rows that pages showed which did not join, and at which offset
        self._shifts = 0  # pages in a row that had shifted
        self._says_more: str | None = None  # the words for a flag of the last page that says that more rows follow
        self._is_flagged_last = False  # whether the flag of the page behind the last one says that no more follow
        self._page_taken: Page
        self._came = False  # whether rows came before those that were read
        self._looked_in_front = False
        self._found_in_front = False  # whether the last look there brought new rows

    @property
    def reach(self) -> int:
        """Number of rows up to the furthest one."""
        return self._furthest

    @property
    def request(self) -> PageRequest:
        """The next request: the page size, if one is sent, and the offset."""
        one = isinstance(self._step, Beyond) and self._step.one and self.paging.limit_param is not None
        return self._at(self._step.offset, **({str(self.paging.limit_param): 1} if one else {}))

    def _at(self, offset: int, **others: int) -> PageRequest:
        """The request for the page at an offset."""
        params = {**self._size, self.paging.offset_param: offset, **others}
        return PageRequest(params, is_first=self._history.count == 0)

    @property
    def _page(self) -> int:
        """The most rows that a page may have; more than could come or go between two requests."""
        return max(self._history.largest, self.paging.limit, LEAST_LOOK)

    def upcoming(self, most: int) -> list[PageRequest]:
        """The next request, and those that follow if nothing moves and no page is shorter than the last one."""
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
        """Take a page that should continue what was read."""
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
        """Take a page that shares no rows: nothing is proven, but that the API does not return the same page again."""
        if not sighting.rows:
            return self._end()
        if sighting.keys == self._history.last:
            self._look_beyond()
            return []
        return self._accept(sighting)

    def _accept(self, sighting: Sighting) -> list[Row]:
        """Go on behind a page that joined, or end; its rows that are new."""
        step, history, keys = self._step, self._history, sighting.keys
        count = len(keys)
        covered, behind = step.offset + count, step.offset + max(count, self._whole)
        has_last = not sighting.brings_new and history.last[-1:] != [] and history.last[-1] in keys
        if not step.offset:
            if history.count and not any(sighting.before):  # the rows that are remembered lie further on, or are gone
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
        # A total that was passed counts something else. One that a full page meets may be that of the page, or the most
        # that the API counts.
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
            self._step = Follow(self._blank, 1)  # a row stands there, after all
        elif has_last:
            self._step = Behind(behind, shared, keys)
        else:
            # A page that brings nothing new may be shared whole, so the next one must begin behind its first row.
            shared = min(self._overlap, max(count - 1, 1 if sighting.brings_new else 0))
            self._step = Follow(behind - shared, shared)
            horizon = self._growth.watch(
                sighting.before.count(None), full=history.largest - self._overlap, furthest=self._furthest
            )
            if horizon is not None:
                self._step = Horizon(horizon, self._step)
        return fresh

    def _emit(self, sighting: Sighting, *, add: bool = False) -> list[Row]:
        """Count and remember the rows of a page; those that are new or changed."""
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
        self._came = True  # as many rows may have moved to the front as went
        self._growth.forget()
        # Half a page: what has moved into its other half joins immediately.
        distance = step.distance * 2 if isinstance(step, Back) else max(self._history.largest // 2, 1)
        shared = step.shared if isinstance(step, (Follow, Back, Probe)) else 0
        self._step = Back(max(0, offset - distance), shared, distance)
        return []

    def _go_back_from_nothing(self) -> list[Row]:
        """Go back from an offset at which a row should stand, but nothing does.

        Raises:
            TransientError: The row is still there, as another page has shown; or no row is left at all.
        """
        offset = self._step.offset
        if offset and offset == self._blank and self._furthest == len(self._history.head) != self.paging.limit:
            return self._end()  # the only page is not a full one, and the API serves it at no other offset
        if not offset or offset == self._blank:
            raise TransientError(self._gone)
        if isinstance(self._step, Follow):
            self._blank = offset
        return self._go_back(offset)

    @property
    def _gone(self) -> str:
        return (
            f"the response has no rows at offset {self._step.offset}, but rows stood there a moment ago; "
            "check `paginator.offset_param` and how far the API can be read; if it serves only whole pages, "
            "set `paginator.overlap` to 0"
        )

    def _stray(self, sighting: Sighting, offset: int) -> None:
        """Remember that rows were shown by a page that did not join."""
        self._strays.update((key, offset) for key in sighting.keys)

    # What a page that does not join, or brings nothing new, is taken for

    @abstractmethod
    def _take_probe(self, step: Probe, sighting: Sighting) -> list[Row]:
        """Take the second page at one offset after another."""

    @abstractmethod
    def _take_behind(self, step: Behind, sighting: Sighting) -> list[Row]:
        """Take what follows the last row."""

    @abstractmethod
    def _look_beyond(self, *, one: bool = False, full: bool = False) -> None:
        """Confirm an end by a look further on."""

    @abstractmethod
    def _end(self) -> list[Row]:
        """End, if there is no more to read."""
