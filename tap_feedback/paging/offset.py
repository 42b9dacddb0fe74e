"""The paginator `offset`: counts the rows received, and proves page by page that nothing was skipped."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import says_more
from tap_feedback.paging.asks import (
    Again,
    Ask,
    Back,
    Behind,
    Beyond,
    Follow,
    Front,
    Gap,
    Horizon,
    Probe,
    Recheck,
    Seek,
)
from tap_feedback.paging.base import Paginator
from tap_feedback.paging.growth import Growth
from tap_feedback.paging.history import SeenPage
from tap_feedback.paging.patience import NO_STABLE_ORDER, Patience
from tap_feedback.paging.probe import Verdict, judge
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from tap_feedback.page import Page
    from tap_feedback.paging.base import Keys
    from tap_feedback.paging.history import Sighting
    from tap_feedback.settings import OffsetPaging

    Row = dict[str, Any]
    Params = dict[str, Any]

#: Statuses by which an API says that nothing stands at an offset; and those that may mean that it serves no more.
NO_SUCH_OFFSET, NO_MORE = {404, 416}, {400, 422}
#: Pages that end in the last row again before the end is looked for behind them.
MOST_REPEATS = 2
#: Rows behind the last one at which the end is confirmed, at least.
LEAST_LOOK = 10
#: One in so many shifted pages in a row is checked again; in a list that grows at its front, all pages have shifted.
RECHECK_EVERY = 8

IGNORES_OFFSET = (
    "the API gives the same rows at another offset; check `paginator.offset_param`, "
    "or set `paginator.type` to `single_page`"
)
WHOLE_PAGES = (
    "the API serves only whole pages, so rows that come or go during the sync cannot be noticed "
    "(set `paginator.overlap` to 0 to save the requests that found this out)"
)


class OffsetPaginator(Paginator):
    """Counts the rows received, and proves page by page that nothing was skipped.

    Rows that come or go during the sync shift all rows behind them. So each page is requested with the last `overlap`
    rows of the page before. If its first row is one that was read, nothing lies between; if it is not, the paginator
    goes back until it meets rows it knows. However rows come and go, those that stay keep their order, so none of them
    is passed by. If two rows swap places, there is no such order, and the stream fails.

    The end is an empty response behind the last row, while the last row is still where it was: a page may have been cut
    short by the server, and an empty response where a row stood is a fault of the API. Some APIs repeat the last page
    for any offset behind it, or refuse it; then a second look, further on, confirms the end.

    The request that is out is one value, whose type says what it is for. `take` has a case for each.

    Args:
        paging: The settings.
        keys: Returns the keys that tell rows apart.
        notice: Logs a text at a level, both of which it is given.
    """

    paging: OffsetPaging

    def __init__(self, paging: OffsetPaging, *, keys: Keys, notice: Callable[[int, str], None]) -> None:
        super().__init__(paging, keys=keys)
        self._notice = notice
        self._ask: Ask = Follow(0)
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
        self._says_more: str | None = None  # a flag by which the last empty page says that more rows follow
        self._page_taken: Page
        self._came = False  # whether rows came before those that were read
        self._looked_in_front = False
        self._found_in_front = False  # whether the last look there brought new rows

    @property
    def params(self) -> Params:
        """The page size, if one is sent, and the offset."""
        params = {**self._size, self.paging.offset_param: self._ask.offset}
        if isinstance(self._ask, Beyond) and self._ask.one and self.paging.limit_param is not None:
            params[self.paging.limit_param] = 1
        return params

    def upcoming(self, most: int) -> list[Params]:
        """The next request, and those that follow if nothing moves and no page is shorter than the last one."""
        ask, last = self._ask, len(self._history.last)
        if not isinstance(ask, Follow) or self._history.count < 2 or last < self._history.largest:  # noqa: PLR2004
            return [self.params]
        stride = (self._whole or last) - ask.shared
        if not stride:
            return [self.params]
        end = ask.offset + stride * (most - 1)
        if self.total is not None:
            end = max(ask.offset, min(end, self.total - 1))
        return [{**self._size, self.paging.offset_param: offset} for offset in range(ask.offset, end + 1, stride)]

    def take(self, page: Page) -> list[Row]:
        """Take a page; if it does not join what was read, `params` requests another one first.

        Raises:
            FatalAPIError: The API ignores the offset, has no stable order, or did not return all rows it counts.
            TransientError: Nothing stands where a row stood a moment ago.
        """
        self._read_total(page)
        self._page_taken = page
        sighting = self._look(page.rows)
        if not page.rows:
            self._says_more = says_more(page)
        elif sighting.brings_new:
            self._says_more = None
        return self._take(sighting)

    def _take(self, sighting: Sighting) -> list[Row]:  # noqa: C901, PLR0911, PLR0912 - a case for each kind of request
        self._patience.respond(len(sighting.rows), distinct=self.distinct)
        if self._history.is_swapped(sighting):
            raise FatalAPIError(NO_STABLE_ORDER)
        match self._ask:
            case Probe():
                return self._take_probe(self._ask, sighting)
            case Recheck(_, then):
                self._ask = then
                return self._emit(sighting)
            case Behind():
                return self._take_behind(self._ask, sighting)
            case Again(offset, shared, tail, behind):
                self._ask = Follow(offset, shared)
                if not behind.rows and self._still_ends(sighting, tail):
                    return self._end()
                if sighting.keys != tail:
                    self._stray(behind, offset + len(tail))
                    return self._join(sighting)
                self._ask = Follow(offset + len(tail), shared)
                return self._accept(behind)
            case Beyond():
                return self._take_beyond(self._ask, sighting)
            case Horizon(offset, then):
                self._stray(sighting, offset)
                self._growth.see(offset, sighting.keys)
                self._ask = then
                return []
            case Gap():
                if sighting.brings_new:
                    return self._accept(sighting)
                self._ask = Gap(self._ask.offset + self._history.largest)
                return self._end()
            case Seek():
                return self._take_seek(self._ask, sighting)
            case Front():
                return self._take_front(self._ask, sighting)
            case _:
                return self._join(sighting)

    def recover(self, status: int) -> bool:  # noqa: PLR0911 - a case for each kind of request
        """Take a refused offset for an empty page if it may lie behind the last row.

        If the API refuses the second request, the first that is not for a whole page, drop the overlap.
        """
        ask, history = self._ask, self._history
        if isinstance(ask, Horizon):
            # If the API serves no more from there on, it refuses the pages before it, too.
            self._take(history.look([]))
            return True
        if status in NO_SUCH_OFFSET:
            match ask:
                case Beyond():
                    self._take(history.look([]))
                    return True
                case Behind() | Again() | Gap() | Probe():
                    self._refused = status
                    self._take(history.look([]))
                    return True
                case Follow() | Back() if history.count > (1 if self._overlap else 0):
                    self._refused = status
                    self._take(history.look([]))
                    return True
        if status in NO_MORE and self._all_counted and ask.offset >= self._furthest:
            self._end()
            return True
        limit = self.paging.limit
        plain = (isinstance(ask, Follow) and not self._overlap) or (isinstance(ask, Behind) and self._furthest == 1)
        if status in NO_MORE and plain and len(history.last) < limit and ask.offset % limit:
            # The API may serve only whole pages; behind a page that is none, the next one would begin there.
            self._ask = Beyond(-(-ask.offset // limit) * limit, ask, status)
            return True
        if history.count == 1 and isinstance(ask, Follow) and ask.shared:
            self._take_whole_pages(ask.offset + ask.shared)
            return True
        return False

    @property
    def _all_counted(self) -> bool:
        """Whether the rows read are those that the API counts; a full page may be the most that it counts."""
        history = self._history
        short = history.count > 1 and len(history.last) < history.largest
        first = history.count == 1 and len(history.last) < self.paging.limit
        return self.total == self._furthest == self.distinct and (short or first)

    # How pages join

    def _join(self, sighting: Sighting) -> list[Row]:  # noqa: PLR0911 - a case for each way in which a page may join
        """Take a page that should continue what was read."""
        ask, history, keys = self._ask, self._history, sighting.keys
        shared = ask.shared if isinstance(ask, (Follow, Back)) else 0
        if not history.count:
            return self._accept(sighting) if keys else self._end()
        anchored = history.is_anchor(sighting)
        if shared and anchored and keys[:shared] == history.last[-shared:][: len(keys)]:
            self._shifts = 0
            history.learn(sighting.first(shared))
            return self._accept(sighting)
        if not self._overlap:
            return self._join_plain(sighting)
        if history.count == 1 and isinstance(ask, Follow) and (keys == history.last or not sighting.starts_known):
            self._ask = Probe(ask.offset, shared, ())
            return self._take_probe(self._ask, sighting)
        if not keys and not shared:
            return self._take_behind(Behind(ask.offset, min(self._overlap, 1), history.last), sighting)
        if not keys:
            return self._go_back_from_nothing()
        if ask.offset and not anchored:
            self._stray(sighting, ask.offset)
            return self._go_back(ask.offset)
        self._growth.forget()
        rows = self._accept(sighting)
        if isinstance(ask, Follow) and shared and not self.finished:
            self._came = True
            self._shifts += 1
            if self._shifts % RECHECK_EVERY == 1:
                self._ask = Recheck(max(0, ask.offset - max(history.largest - 1, 1)), self._ask)
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
        ask, history, keys = self._ask, self._history, sighting.keys
        count = len(keys)
        covered, behind = ask.offset + count, ask.offset + max(count, self._whole)
        has_last = not sighting.brings_new and history.last[-1:] != [] and history.last[-1] in keys
        if not ask.offset:
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
        elif self._blank is not None and (covered <= self._blank or ask.offset == self._blank):
            self._blank = None
        # A total that was passed counts something else. One that a full page meets may be that of the page, or the most
        # that the API counts.
        met = self._furthest <= covered == self.total and count < history.largest <= self._smallest
        fresh = self._emit(sighting, add=True)
        self._furthest = max(self._furthest, behind)
        shared = ask.shared if isinstance(ask, (Follow, Back)) else min(self._overlap, 1)
        if (met and not self._lacks_rows) or self._growth.is_reached(ask.offset, keys, page=self._page):
            self._end()
        elif self._blank is not None:
            self._ask = Follow(self._blank, 1)  # a row stands there, after all
        elif has_last:
            self._ask = Behind(behind, shared, keys)
        else:
            # A page that brings nothing new may be shared whole, so the next one must begin behind its first row.
            shared = min(self._overlap, max(count - 1, 1 if sighting.brings_new else 0))
            self._ask = Follow(behind - shared, shared)
            horizon = self._growth.watch(
                sighting.before.count(None), full=history.largest - self._overlap, furthest=self._furthest
            )
            if horizon is not None:
                self._ask = Horizon(horizon, self._ask)
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
        ask = self._ask
        self._came = True  # as many rows may have moved to the front as went
        self._growth.forget()
        # Half a page: what has moved into its other half joins at once.
        step = ask.step * 2 if isinstance(ask, Back) else max(self._history.largest // 2, 1)
        shared = ask.shared if isinstance(ask, (Follow, Back, Probe)) else 0
        self._ask = Back(max(0, offset - step), shared, step)
        return []

    def _go_back_from_nothing(self) -> list[Row]:
        """Go back from an offset at which a row should stand, but nothing does.

        Raises:
            TransientError: The row still stands there, as another page has shown; or no row is left at all.
        """
        offset = self._ask.offset
        if offset and offset == self._blank and self._furthest == len(self._history.head) != self.paging.limit:
            return self._end()  # the only page is not a full one, and the API serves it at no other offset
        if not offset or offset == self._blank:
            raise TransientError(self._gone)
        if isinstance(self._ask, Follow):
            self._blank = offset
        return self._go_back(offset)

    @property
    def _gone(self) -> str:
        return (
            f"the response has no rows at offset {self._ask.offset}, but rows stood there a moment ago; "
            "check `paginator.offset_param` and how far the API can be read; if it serves only whole pages, "
            "set `paginator.overlap` to 0"
        )

    # The end

    def _take_behind(self, ask: Behind, sighting: Sighting) -> list[Row]:
        """Take what stands behind the last row.

        If no page was ever cut, an empty response behind a short page proves the end. Otherwise look at the tail once
        more: the page may have been cut behind the last row, and a row have moved to where it ended.
        """
        enough = MOST_REPEATS if self._smallest >= self._history.largest else 3 * MOST_REPEATS
        repeats = not sighting.brings_new and ask.tail[-1] in sighting.keys
        full = len(sighting.rows) >= max(2, self._history.largest)
        if repeats and (ask.repeats + 1 >= enough or (full and sighting.keys[-1] == ask.tail[-1])):
            self._look_beyond(full=full)
            return []
        if repeats:
            self._ask = ask._replace(offset=ask.offset + len(sighting.rows), repeats=ask.repeats + 1)
            return []
        if not sighting.rows and self._smallest >= self._history.largest > len(ask.tail):
            return self._end()
        if self._whole:
            return self._accept(sighting) if sighting.rows else self._end()
        self._ask = Again(ask.offset - len(ask.tail), ask.shared, ask.tail, sighting)
        return []

    def _still_ends(self, sighting: Sighting, tail: list[Hashable]) -> bool:
        """Whether the tail, or what has moved to its place from behind it, has no new row."""
        joins = sighting.keys[:1] == tail[:1] or (self._history.is_anchor(sighting) and sighting.keys[0] in tail)
        return joins and len(sighting.keys) >= len(tail) and not sighting.brings_new

    def _look_beyond(self, *, one: bool = False, full: bool = False) -> None:
        """Confirm an end by a look further on."""
        status, self._refused = self._refused, 0
        self._ask = Beyond(self._ask.offset + self._page, self._ask, status, one=one, full=full)

    @property
    def _page(self) -> int:
        """The most rows that a page may have; not so few that the rows of a page could come or go at once."""
        return max(self._history.largest, self.paging.limit, LEAST_LOOK)

    def _take_beyond(self, ask: Beyond, sighting: Sighting) -> list[Row]:
        """Take what stands far behind the last row: nothing, or the last page again, or of one row the last one.

        Some APIs repeat the last page for any offset behind it. If a full page comes again, it may as well be that the
        offset is not heeded any more: a request for one row tells, as it brings another one then.

        Raises:
            FatalAPIError: There is another.
        """
        rows, history = sighting.rows, self._history
        # An API that repeats a full page has no reason to return nothing further on, if it heeds offsets.
        full = ask.full or (
            not ask.status and isinstance(ask.then, (Probe, Follow)) and len(history.last) >= self.paging.limit
        )
        if not rows and not full:
            return self._end()
        if not rows and isinstance(ask.then, Behind):  # rows that come in front have moved it there
            self._ask = Follow(ask.then.offset - 1, 1)
            return []
        if sighting.keys[-1:] == history.last[-1:] and not sighting.brings_new:
            short = len(rows) < history.largest or self.total == self.distinct > history.largest
            if (ask.one and len(rows) == 1) or (history.count > 1 and short):
                return self._end()
            if not ask.one and self.paging.limit_param is not None:
                self._ask = ask._replace(offset=ask.offset + self._page, one=True)
                return []
            if history.count > 1:
                return self._end()
        if ask.status:
            raise FatalAPIError(
                f"the API answered {ask.status} at offset {ask.then.offset}, but has rows further on; "
                "check `paginator`, or request a stable order in `params`"
            )
        if not sighting.brings_new or isinstance(ask.then, (Probe, Follow)):
            raise FatalAPIError(IGNORES_OFFSET)
        self._ask = Follow(ask.then.offset - 1, 1)
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
            self._ask = Seek(max(0, first - self._history.largest // 2), near)
            return []
        stride = min(self._history.largest, self.paging.limit)
        if self._lacks_rows and stride and not self._looked_in_front:
            gap = self._ask.offset if isinstance(self._ask, Gap) else self._furthest + stride
            if gap < (self.total or 0):
                self._ask = Gap(gap)
                return []
        # Rows that come in front while it is read may need another look, if the API counts them.
        again = self._lacks_rows and self._found_in_front
        if self._history.head and (again or (not self._looked_in_front and (self._came or self._lacks_rows))):
            self._looked_in_front, self._found_in_front = True, False
            self._ask = Front(0)
            return []
        self._check_total()
        if self._says_more:
            raise FatalAPIError(
                f"an empty page is the last one, but its `{self._says_more}` says that more rows follow; "
                "check `paginator` and how far the API can be read"
            )
        if remark := self._remark(self._page_taken):
            self._notice(logging.WARNING, remark)
        self.finished = True
        return []

    def _stray(self, sighting: Sighting, offset: int) -> None:
        """Remember that rows were shown by a page that did not join."""
        self._strays.update((key, offset) for key in sighting.keys)

    def _take_seek(self, ask: Seek, sighting: Sighting) -> list[Row]:
        """Take the place at which rows were shown that did not come since; those not there any more were deleted.

        Raises:
            TransientError: Nothing stands there at all.
        """
        if not sighting.rows and ask.offset:
            raise TransientError(self._gone)
        for key in ask.keys:
            self._strays.pop(key, None)
        rows = self._emit(sighting)
        self._end()
        return rows

    def _take_front(self, ask: Front, sighting: Sighting) -> list[Row]:
        """Take what stands at the beginning of the list, until a row of its first page is met again.

        Raises:
            TransientError: Nothing stands there any more.
        """
        if not sighting.rows and not ask.offset:
            raise TransientError(self._gone)
        # Rows of the first page may be forgotten by now, but are not new; neither is any that stands behind them.
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
            self._ask = Front(ask.offset + len(sighting.rows))
            return rows
        self._end()
        return rows

    # The second page

    def _take_probe(self, ask: Probe, sighting: Sighting) -> list[Row]:
        """Take the second page at one offset after another, to find out whether the API serves only whole pages."""
        seen = (*ask.seen, sighting)
        first = self._history.last
        match judge(first, [second.keys for second in seen], shared=ask.shared):
            case Verdict.MOVED:
                if not seen[0].rows:
                    self._blank = len(first) - ask.shared
                for second in seen:
                    self._stray(second, len(first))
                return self._go_back(len(first))
            case Verdict.WHOLE_PAGES:
                self._take_whole_pages(len(first))
                return self._accept(seen[1]) if seen[1].rows else self._end()
            case Verdict.SAME_PAGE if len(first) < self.paging.limit:
                self._ask = Beyond(self.paging.limit, ask)  # where a second page would begin
            case Verdict.SAME_PAGE if self.paging.limit_param is not None:
                self._look_beyond(one=True)
            case Verdict.SAME_PAGE:
                raise FatalAPIError(IGNORES_OFFSET)
            case int(offset):
                self._ask = Probe(offset, ask.shared, seen)
        return []

    def _take_whole_pages(self, offset: int) -> None:
        """Give up the overlap."""
        self._overlap, self._whole = 0, len(self._history.last)
        self._ask = Follow(offset)
        self._notice(logging.WARNING, WHOLE_PAGES)
