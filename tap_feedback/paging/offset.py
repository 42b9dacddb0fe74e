"""Paginator `offset`: counts the rows received, and proves page by page that no row was skipped."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import says_more
from tap_feedback.fields import Name
from tap_feedback.paging.ending import IGNORES_OFFSET, EndingPaginator
from tap_feedback.paging.offset_steps import (
    Again,
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
from tap_feedback.paging.paging_settings import Overlap, PagingSettings
from tap_feedback.paging.patience import NO_STABLE_ORDER
from tap_feedback.paging.probe import Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.paging_settings import StreamView

    Row = dict[str, Any]

#: Statuses that mean that an offset has no rows, and statuses that may mean that the API serves no more rows.
NO_SUCH_OFFSET, NO_MORE = {404, 416}, {400, 422}

WHOLE_PAGES = (
    "the API serves only whole pages, so rows added or deleted during the sync cannot be detected "
    "(set `paginator.overlap` to 0 to skip this check)"
)


class OffsetPaging(PagingSettings, frozen=True, tag_field="type", tag="offset"):
    """Pages by the number of rows before them."""

    limit_param: Annotated[Name | None, Meta(description="Parameter for the page size; null to omit it.")] = "limit"
    offset_param: Annotated[Name, Meta(description="For `offset`: parameter for the offset.")] = "offset"
    overlap: Overlap = 1

    proof = ("offset works", "no more rows")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Check the overlap. A page of one row cannot overlap, so the default has no effect for it."""
        yield from super().faults()
        if self.overlap >= max(self.limit, 2):
            yield "overlap", "must be less than `limit`"

    def start(self, **stream: Unpack[StreamView]) -> OffsetPaginator:
        """Return a fresh paginator for a stream."""
        return OffsetPaginator(self, **stream)


class OffsetPaginator(EndingPaginator):
    """Counts the rows received, and proves page by page that no row was skipped.

    `JoiningPaginator` joins the pages, and `EndingPaginator` proves the end. If two rows swap places, pages cannot be
    joined, and the stream fails.

    The request in flight is one value, whose type says what it is for. `take` has a case for each type.
    """

    def take(self, page: Page) -> list[Row]:
        """Take a page. If it does not join, another page is requested first.

        Raises:
            FatalAPIError: The API ignores the offset, has no stable order, or did not return all rows that it counts.
            TransientError: The response is empty, but had rows a moment ago.
        """
        more = self._read_flag(page)
        self._read_total(page)
        self._page_taken = page
        sighting = self._look(page.rows)
        follows = isinstance(self._step, Follow)
        self._is_flagged_last = more is False and follows
        if more is not None:
            # A flag may be true for any full page, so only that of the furthest page or of an empty one counts.
            if not more:
                self._says_more = None
            elif follows or not page.rows:
                self._says_more = f"{self._flag_says_more}, but none do"
        elif not page.rows:
            flag = says_more(page)
            self._says_more = f"the last page is empty, but its `{flag}` says that more rows follow" if flag else None
        elif sighting.brings_new:
            self._says_more = None
        return self._take(sighting)

    def _take(self, sighting: Sighting) -> list[Row]:  # noqa: C901, PLR0911, PLR0912 - a case for each kind of request
        self._patience.respond(len(sighting.rows), distinct=self.distinct)
        if self._history.is_swapped(sighting):
            raise FatalAPIError(NO_STABLE_ORDER)
        match self._step:
            case Probe():
                return self._take_probe(self._step, sighting)
            case Recheck(_, then):
                self._step = then
                return self._emit(sighting)
            case Behind():
                return self._take_behind(self._step, sighting)
            case Again(offset, shared, tail, behind):
                self._step = Follow(offset, shared)
                if not behind.rows and self._still_ends(sighting, tail):
                    return self._end()
                if sighting.keys != tail:
                    self._stray(behind, offset + len(tail))
                    return self._join(sighting)
                self._step = Follow(offset + len(tail), shared)
                return self._accept(behind)
            case Beyond():
                return self._take_beyond(self._step, sighting)
            case Horizon(offset, then):
                self._stray(sighting, offset)
                self._growth.see(offset, sighting.keys)
                self._step = then
                return []
            case Gap():
                if sighting.brings_new:
                    return self._accept(sighting)
                self._step = Gap(self._step.offset + self._history.largest)
                return self._end()
            case Seek():
                return self._take_seek(self._step, sighting)
            case Front():
                return self._take_front(self._step, sighting)
            case _:
                return self._join(sighting)

    def recover(self, status: int) -> bool:  # noqa: PLR0911 - a case for each kind of request
        """Treat a refused offset as an empty page, if it may be behind the last row.

        If the API refuses the second request, which is the first one not aligned to pages, drop the overlap.
        """
        step, history = self._step, self._history
        if isinstance(step, Horizon):
            # If the API serves no more rows from some offset on, it refuses the pages before the horizon, too.
            self._take(history.look([]))
            return True
        if status in NO_SUCH_OFFSET:
            match step:
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
        if status in NO_MORE and self._all_counted and step.offset >= self._furthest:
            self._end()
            return True
        limit = self.paging.limit
        plain = (isinstance(step, Follow) and not self._overlap) or (isinstance(step, Behind) and self._furthest == 1)
        if status in NO_MORE and plain and len(history.last) < limit and step.offset % limit:
            # The API may serve only whole pages. This is where the page after a short one would begin.
            self._step = Beyond(-(-step.offset // limit) * limit, step, status)
            return True
        if history.count == 1 and isinstance(step, Follow) and step.shared:
            self._take_whole_pages(step.offset + step.shared)
            return True
        return False

    @property
    def _all_counted(self) -> bool:
        """Whether all rows that the API counts are read. A full page does not show that, as counts may be capped."""
        history = self._history
        short = history.count > 1 and len(history.last) < history.largest
        first = history.count == 1 and len(history.last) < self.paging.limit
        return self.total == self._furthest == self.distinct and (short or first)

    # The second page

    def _take_probe(self, step: Probe, sighting: Sighting) -> list[Row]:
        """Take the second page, at up to three offsets, to find out whether the API serves only whole pages."""
        seen = (*step.seen, sighting)
        first = self._history.last
        match judge(first, [second.keys for second in seen], shared=step.shared):
            case Verdict.MOVED:
                if not seen[0].rows:
                    self._blank = len(first) - step.shared
                for second in seen:
                    self._stray(second, len(first))
                return self._go_back(len(first))
            case Verdict.WHOLE_PAGES:
                self._take_whole_pages(len(first))
                return self._accept(seen[1]) if seen[1].rows else self._end()
            case Verdict.SAME_PAGE if len(first) < self.paging.limit:
                self._step = Beyond(self.paging.limit, step)  # where a second page would begin
            case Verdict.SAME_PAGE if self.paging.limit_param is not None:
                self._look_beyond(one=True)
            case Verdict.SAME_PAGE:
                raise FatalAPIError(IGNORES_OFFSET)
            case int(offset):
                self._step = Probe(offset, step.shared, seen)
        return []

    def _take_whole_pages(self, offset: int) -> None:
        """Continue without overlap."""
        self._overlap, self._whole = 0, len(self._history.last)
        self._step = Follow(offset)
        self._notice(logging.WARNING, WHOLE_PAGES)
