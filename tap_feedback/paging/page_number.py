"""Paginator `page_number`: numbers the pages, and reads pages again that may have shifted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import others_precede
from tap_feedback.fields import Name
from tap_feedback.paging.numbered_end import IGNORES_NUMBER, NumberedEndPaginator
from tap_feedback.paging.page_steps import Ahead, Back, Follow, OneRow, Recheck
from tap_feedback.paging.paging_settings import Overlap, PagingSettings
from tap_feedback.paging.patience import NO_STABLE_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.paging_settings import StreamView

    Row = dict[str, Any]

#: Maximum number of pages to request again after the next one.
MOST_OVERLAP = 100
#: Statuses that mean that the page does not exist.
NO_SUCH_PAGE = {404, 416}
#: Maximum number of full pages in a row with mostly known rows, before the stream fails.
MOST_STALE = 10

UNNOTICED = (
    "the responses do not count the rows, so rows deleted during the sync can shift others that are then missed (set "
    "`paginator.overlap` to 1 to request each page again after the next)"
)


class PageNumberPaging(PagingSettings, frozen=True, tag_field="type", tag="page_number"):
    """Pages by their number."""

    limit_param: Annotated[Name | None, Meta(description="Parameter for the page size; null to omit it.")] = "limit"
    page_param: Annotated[Name, Meta(description="For `page_number`: parameter for the number of the page.")] = "page"
    base_page: Annotated[int, Meta(ge=0, description="For `page_number`: number of the first page.")] = 1
    overlap: Overlap = 0

    counts_pages = True
    proof = ("page number works", "no more rows")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Check the overlap, which is limited as its rows are kept in memory."""
        yield from super().faults()
        if self.overlap > MOST_OVERLAP:
            yield "overlap", f"must be at most {MOST_OVERLAP}"

    def start(self, **stream: Unpack[StreamView]) -> PageNumberPaginator:
        """Return a fresh paginator for a stream."""
        return PageNumberPaginator(self, **stream)


class PageNumberPaginator(NumberedEndPaginator):
    """Numbers the pages: `take` has a case for each kind of request.

    `NumberedPaginator` reads pages again, and `NumberedEndPaginator` proves the end.
    """

    def take(self, page: Page) -> list[Row]:
        """Take a page.

        Raises:
            FatalAPIError: The API ignores the number, has no stable order, or did not return all pages.
            TransientError: The page is empty, but had rows a moment ago, or more rows follow.
        """
        more = self._read_flag(page)
        self._read_total(page)
        sighting = self._look(page.rows)
        self._patience.respond(len(page.rows), distinct=self.distinct)
        if self._history.is_swapped(sighting):
            raise FatalAPIError(NO_STABLE_ORDER)
        match self._step:
            case Follow(number):
                return self._take_next(page, sighting, number, more)
            case Recheck():
                return self._take_again(self._step, sighting)
            case Back():
                return self._take_earlier(self._step, page, sighting)
            case Ahead(number, status):
                if sighting.rows:
                    raise FatalAPIError(
                        f"the API returned {status} for page {number - 1}, but has rows on the next; check `paginator`"
                    )
                self._end_behind(changed=False)
            case OneRow():
                if sighting.keys[:1] != list(self._history.head)[1:2]:
                    raise FatalAPIError(IGNORES_NUMBER)
                self._end()
        return []

    def recover(self, status: int) -> bool:
        """Treat a refused page as one behind the last, if the next one is refused, too."""
        step = self._step
        if status not in NO_SUCH_PAGE or not self._history.count or isinstance(step, OneRow):
            return False
        if isinstance(step, Ahead):
            self._end_behind(changed=False)
        elif isinstance(step, (Recheck, Back)):
            if step.number == self.paging.base_page:
                return False
            self._go_back(step)
        elif step.number > self._furthest:
            if sign := self._sign(self._page_taken, step.number, self._more):
                raise FatalAPIError(f"the API returned {status} for page {step.number}, but {sign}; check `paginator`")
            self._step = Ahead(step.number + 1, status)
        elif self._tail in self._history.last:
            self._end_behind(changed=False)
        else:
            return False
        return True

    def _take_next(self, page: Page, sighting: Sighting, number: int, more: bool | None) -> list[Row]:  # noqa: FBT001
        """Take the page that follows the last one."""
        if number == self.paging.base_page:
            self._check_first(page, number)
        if not page.rows:
            return self._take_empty(page, number, more)
        history, is_new = self._history, number > self._furthest
        if is_new and history.count and sighting.keys in (history.last, list(history.head)):
            return self._take_repeat(page, number, more)
        changed = self._counts.read(page)
        self._page_taken, self._more = page, more
        moved_from = self._moved_from(sighting) if is_new else None
        ends = is_new and self._is_last_again(sighting) and not self._sign(page, number + 1, more)
        repeats = sighting.keys[:1] == history.last[:1] and self._read == number - 1
        is_stale = (repeats or (is_new and 2 * sighting.new < len(page.rows))) and not ends
        is_stale = is_stale and len(page.rows) >= history.largest
        if is_new or is_stale:
            self._stale = self._stale + 1 if is_stale else 0
        rows = self._accept(sighting, number)
        if history.count == 2 and self._counts.is_blind and not self.paging.overlap:  # noqa: PLR2004
            self._notice(logging.WARNING, UNNOTICED)
        then = None if ends or self._is_said_last(number) else Follow(number + 1)
        if self._stale > MOST_STALE or (is_stale and then is None):
            raise FatalAPIError(IGNORES_NUMBER)
        if moved_from is not None:
            self._step = Back(moved_from, 1)
        elif number > self.paging.base_page and (changed or self.paging.overlap):
            self._step = Recheck(number - 1, max(self.paging.overlap, 1), then, then or Follow(number))
        elif then is None:
            self._end()
        else:
            self._step = then
        return rows

    def _check_first(self, page: Page, number: int) -> None:
        """Check that the first page is not preceded by another, as it is if the API counts from 0.

        Raises:
            FatalAPIError: One does.
        """
        if sign := others_precede(page, self.paging.page_param, number - 1):
            raise FatalAPIError(f"page {number} is not the first one: {sign}; check `paginator.base_page`")
