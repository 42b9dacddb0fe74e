"""The paginator `single_page`: one request, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import more_follows, not_the_only_page
from tap_feedback.paging.base import PageRequest, Paginator, PagingSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.page import Page
    from tap_feedback.paging.base import Keys

    Row = dict[str, Any]


class SinglePage(PagingSettings, frozen=True, tag_field="type", tag="single_page"):
    """One page and no more."""

    def start(self, *, keys: Keys, notice: Callable[[int, str], None]) -> SinglePagePaginator:
        """Return a fresh paginator."""
        return SinglePagePaginator(self, keys=keys, notice=notice)


class SinglePagePaginator(Paginator):
    """One request, one page."""

    @property
    def request(self) -> PageRequest:
        """The only request."""
        return PageRequest(self._size, is_first=True)

    def take(self, page: Page) -> list[Row]:
        """Take the only page.

        Raises:
            FatalAPIError: The response says that more rows follow.
        """
        self._read_total(page)
        self.distinct = len(set(self._look(page.rows).keys))
        self._check_total()
        if sign := more_follows(page) or not_the_only_page(page, self.paging.limit):
            raise FatalAPIError(f"the response is not the only page: {sign}; check `paginator.type`")
        self.finished = True
        return page.rows
