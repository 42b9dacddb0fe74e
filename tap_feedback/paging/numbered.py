"""Numbered pages, some of which are read again: the base of the paginator `page_number`."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.paging.base import Paginator
from tap_feedback.paging.counts import Counts
from tap_feedback.paging.history import History
from tap_feedback.paging.page_steps import Back, Follow, OneRow, Recheck, Step
from tap_feedback.paging.paging_settings import PageRequest
from tap_feedback.paging.patience import NO_STABLE_ORDER, Patience
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.page_number import PageNumberPaging
    from tap_feedback.paging.paging_settings import StreamView

    Row = dict[str, Any]

#: Maximum number of steps back before a page is read for the first time.
MOST_RETURNS = 60


class NumberedPaginator(Paginator):
    """Requests pages by their number, and reads pages again that may have shifted.

    Added rows shift known ones to a later page, which repeats them. Deleted rows shift others to a page that was read:
    only a count in the responses shows that, or another request for that page. If its first row is known, no row was
    skipped, as the other rows keep their order. If not, the paginator goes back until it finds known rows, and
    continues from there. A row that is repeated in a place other than the shifted ones has moved, so the paginator
    continues from the page on which the row was.
    """

    paging: PageNumberPaging

    def __init__(self, paging: PageNumberPaging, **stream: Unpack[StreamView]) -> None:
        super().__init__(paging, **stream)
        self._history = History(stream["keys"], least_pages=paging.overlap + 3)
        self._step: Step = Follow(paging.base_page)
        self._patience = Patience()
        self._counts = Counts()
        self._page_total: int | None = None
        self._page_taken: Page  # the last page in order
        self._more: bool | None = None  # the flag of that page
        self._read = self._furthest = paging.base_page - 1  # numbers of the last page in order, and of the furthest
        self._tail: Hashable = None  # the key of the furthest row
        self._repeats = 0  # equal full pages in a row
        self._stale = 0  # full pages in a row with mostly known rows
        self._returns = 0  # steps back since a page was read for the first time
        self._empty = 0  # empty pages in a row, although more rows follow
        self._looked_at: int | None = None  # the number of an empty page that was requested again
        self._gap: str | None = None  # the message for an empty page that should have rows

    @property
    def reach(self) -> int:
        """Number of pages up to the furthest one."""
        return self._furthest - self.paging.base_page + 1

    @property
    def moves_on(self) -> bool:
        """Whether the next request is for a page behind those before."""
        return self._step.number > self._furthest

    @property
    def request(self) -> PageRequest:
        """The next request: the number of the page, and the page size if it has a parameter."""
        one = {str(self.paging.limit_param): 1} if isinstance(self._step, OneRow) else {}
        return self._at(self._step.number, **one)

    def _at(self, number: int, **others: int) -> PageRequest:
        """Return the request for a page."""
        params = {**self._size, self.paging.page_param: number, **others}
        return PageRequest(params, is_first=self._history.count == 0)

    def upcoming(self, most: int) -> list[PageRequest]:
        """Return the next request, and those that follow if no page is checked again, up to the last known page."""
        history, number = self._history, self._step.number
        ahead = isinstance(self._step, Follow) and number > self._furthest and not self.paging.overlap
        if not ahead or history.count < 2 or len(history.last) < history.largest:  # noqa: PLR2004
            return [self.request]
        pages = self._page_total if self._page_total is not None else (self._counts.pages or (None,))[0]
        end = number + most
        if pages is not None:
            end = max(number + 1, min(end, self.paging.base_page + pages))
        if self.paging.max_pages is not None:
            end = min(end, self.paging.base_page + self.paging.max_pages)
        return [self._at(page) for page in range(number, end)]

    def _moved_from(self, sighting: Sighting) -> int | None:
        """Return the first page that had a row which has moved; None if rows were only shifted, in their order."""
        before = sighting.before
        shifted = next((place for place, seen in enumerate(before) if seen is None), len(before))
        if shifted and sighting.keys[:shifted] == self._history.last[-shifted:]:
            before = before[shifted:]
        places = [seen.place for seen in before if seen is not None]
        return min(places) if places and sighting.brings_new else None

    def _accept(self, sighting: Sighting, number: int) -> list[Row]:
        """Remember a page as the last one in order, and return its rows that are new or changed."""
        if number == self.paging.base_page:
            if self._history.count and not any(sighting.before):  # the remembered rows are further on
                self._patience.restart()
                self._history.forget()
                self.distinct = 0
            self._history.head = dict(zip(sighting.keys, sighting.rows, strict=True))
        rows = self._emit(sighting, number, in_order=True)
        if number > self._furthest:
            self._returns = 0
        else:
            self._patience.advance()  # on the way to the furthest page, which `_returns` limits
        if number >= self._furthest:
            self._furthest, self._tail = number, sighting.keys[-1]
        self._read = number
        return rows

    def _emit(self, sighting: Sighting, number: int, *, in_order: bool = False) -> list[Row]:
        """Count and remember the rows of a page, and return those that are new or changed."""
        if sighting.brings_new:
            self._patience.advance()
            self._repeats = self._empty = 0
            self._gap = None
        self.distinct += sighting.new
        rows = sighting.fresh
        (self._history.add if in_order else self._history.remember)(sighting, place=number)
        return rows

    def _take_again(self, step: Recheck, sighting: Sighting) -> list[Row]:
        """Take a page that was requested again, and return the rows that moved to it."""
        base = self.paging.base_page
        if not sighting.rows or (step.number > base and not self._history.is_anchor(sighting)):
            self._go_back(step)
            return []
        if not sighting.brings_new:
            self._history.learn(sighting)
        # A page that has grown was not full, so the list ended there.
        grown = any(
            seen.keys[0] == sighting.keys[0] and len(seen.keys) < len(sighting.keys)
            for seen in sighting.before[:1]
            if seen
        )
        then = step.if_new if sighting.brings_new and not grown else step.then
        rows = self._emit(sighting, step.number)
        if step.left > 1 and step.number > base:
            self._step = Recheck(step.number - 1, step.left - 1, then, step.if_new)
        elif then is None:
            self._end()
        else:
            self._step = then
        return rows

    def _take_earlier(self, step: Back, page: Page, sighting: Sighting) -> list[Row]:
        """Take a page further back. If its first row is known, continue from there."""
        base = self.paging.base_page
        if not sighting.rows or (step.number > base and not self._history.is_anchor(sighting)):
            self._go_back(step)
            return []
        self._counts.read(page)
        self._step = Follow(step.number + 1)
        return self._accept(sighting, step.number)

    def _go_back(self, step: Recheck | Back) -> None:
        """Request a page further back, twice as far each time.

        Raises:
            TransientError: The first page has no rows.
        """
        if step.number == self.paging.base_page:
            raise TransientError(self._gone(step.number))
        self._returns += 1
        if self._returns > MOST_RETURNS:
            raise FatalAPIError(NO_STABLE_ORDER)
        distance = step.distance * 2 if isinstance(step, Back) else 1
        self._step = Back(max(self.paging.base_page, step.number - distance), distance)

    def _gone(self, number: int) -> str:
        return f"page {number} has no rows, but it had some a moment ago; check `paginator.page_param`"

    @abstractmethod
    def _end(self) -> None:
        """End, unless a page is missing."""
