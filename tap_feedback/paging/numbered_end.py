"""End of numbered pages: an empty page, or what the flag and the total say, unless the response contradicts it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import links_next, more_follows, says_more, uncounted
from tap_feedback.paging.numbered import NumberedPaginator
from tap_feedback.paging.page_steps import Follow, OneRow, Recheck
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting

    Row = dict[str, Any]

#: Maximum number of empty pages in a row that say that more rows follow, before the stream fails.
MOST_EMPTY = 10

IGNORES_NUMBER = (
    "the API returned the same full page for another page number; check `paginator.page_param`, or set "
    "`paginator.type` to `single_page`"
)


class NumberedEndPaginator(NumberedPaginator):
    """Proves the end.

    The end is an empty page, or the page that is the last by `total_path` or `has_more_path`. Some APIs repeat the last
    page, or return the first one, for any number behind it. That is the end if the last page was not full.
    """

    def _is_last_again(self, sighting: Sighting) -> bool:
        """Return whether a page is the last one again: the last one was not full, or has grown."""
        last = self._history.last
        shows_tail = not sighting.brings_new and sighting.keys[-1] == self._tail
        return (shows_tail and len(last) < self._history.largest) or sighting.keys[: len(last)] == last != []

    def _take_repeat(self, page: Page, number: int, more: bool | None) -> list[Row]:  # noqa: FBT001
        """Take a page that is equal to the one before, or to the first.

        It is the end if that page was not full. If it was full, the API may ignore the number.

        Raises:
            FatalAPIError: The API ignores the number, or says that more rows follow.
        """
        changed = self._counts.read(page)
        self._page_taken, self._more = page, more
        count, first = len(page.rows), self._furthest == self.paging.base_page
        is_short = count == 1 < self.paging.limit if first else len(self._history.last) < self._history.largest
        counted = uncounted(page, self.distinct) if is_short else None
        sign = self._sign(page, number, more) or (counted and f"`{counted}` counts more rows than it returned")
        if is_short and not sign:
            self._end_behind(changed=changed)
        elif is_short and self._repeats:
            raise FatalAPIError(f"page {number} is equal to the one before, but {sign}; check `paginator`")
        elif not self._stale and self._counts.are_met(self.distinct, self._furthest - self.paging.base_page + 1):
            self._end_behind(changed=changed)
        elif first and not is_short and self.paging.limit_param is not None and count < self.paging.limit:
            self._step = OneRow(number)
        elif self._repeats or self._is_said_last(number) or (first and self.paging.limit_param is None):
            raise FatalAPIError(IGNORES_NUMBER)
        else:
            self._repeats = 1  # a whole page of rows may have been added
            self._step = Follow(number + 1)
        return []

    def _take_empty(self, page: Page, number: int, more: bool | None) -> list[Row]:  # noqa: FBT001
        """Take an empty page: the end, unless the page had rows before or the response says that more follow.

        Raises:
            FatalAPIError: Too many pages are empty.
            TransientError: The page had rows before, or more follow.
        """
        if number <= self._furthest:
            if self._tail not in self._history.last:
                raise TransientError(self._gone(number))
            self._end_behind(changed=self._counts.read(page))
            return []
        sign = self._sign(page, number, more)
        if sign and self._looked_at != number:
            self._looked_at = number
            raise TransientError(f"page {number} is empty, but {sign}", hint="; check `paginator`")
        if sign:
            self._empty += 1
            words = f"page {number} is empty, but {sign}; check `paginator` and the limits of the API"
            if self._empty >= MOST_EMPTY:
                raise FatalAPIError(words)
            self._gap = self._gap or words
            self._step = Follow(number + 1)
            return []
        changed = self._counts.read(page)
        self._page_taken, self._more = page, more
        self._end_behind(changed=changed)
        return []

    def _end_behind(self, *, changed: bool) -> None:
        """End behind the last page, which is checked once more if rows may have moved to it."""
        history = self._history
        shifts = changed or self._counts.have_changed or self._counts.exceed(self.distinct)
        if history.count and (self.paging.overlap or (shifts and len(history.last) == history.largest)):
            self._step = Recheck(self._read, max(self.paging.overlap, 1), None, Follow(self._read + 1))
        else:
            self._end()

    def _is_behind(self, pages: int) -> bool:
        """Return whether the next request is for a page behind so many."""
        return self._step.number - self.paging.base_page >= pages

    def _goes_on(self, page: Page) -> bool:
        """Return whether more rows may follow, by the last page in order or by a count of pages."""
        return super()._goes_on(page) or self._sign(self._page_taken, self._furthest + 1, None) is not None

    def _is_said_last(self, number: int) -> bool:
        """Return whether the flag or the total say that a page is the last. A total that was exceeded has no effect."""
        if self._more is not None:
            return not self._more
        return number - self.paging.base_page + 1 == self._page_total

    def _sign(self, page: Page, number: int, more: bool | None) -> str | None:  # noqa: FBT001
        """Return the sign in a response that a page has rows, in words that begin a sentence; None without a sign."""
        if more is not None:
            return self._flag_says_more if more else None
        counted = (self._page_total, str(self.paging.total_path))
        pages, path = counted if self._page_total is not None else (self._counts.pages or (None, ""))
        if pages is not None and number - self.paging.base_page < pages:
            return f"`{path}` counts {pages:,} pages"
        return more_follows(page) if self._page_total is None else None

    def _end(self) -> None:
        """End, unless a page is missing.

        Raises:
            FatalAPIError: The last response says that a page is missing.
        """
        if self._gap:
            raise FatalAPIError(self._gap)
        if self._more is None:
            page, read = self._page_taken, self._furthest - self.paging.base_page + 1
            flag = says_more(page)
            sign = f"`{flag}` says that more rows follow" if flag else None
            if self._counts.pages and self._counts.pages[0] > read:
                sign = f"`{self._counts.pages[1]}` counts {self._counts.pages[0]:,} pages"
            elif links_next(page.headers):
                sign = 'its `Link` header has a `rel="next"`'
            if sign:
                raise FatalAPIError(f"page {self._read} is the last one, but {sign}; check `paginator`")
        if remark := self._remark(self._page_taken):
            self._notice(logging.WARNING, remark)
        self.finished = True

    def _read_total(self, page: Page) -> None:
        """Remember the total, which counts pages."""
        super()._read_total(page)
        if self.total is not None:
            self._page_total, self.total = self.total, None
