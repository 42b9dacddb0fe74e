"""Paginator `single_page`: one request, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import more_follows, not_the_only_page
from tap_feedback.paging.base import Paginator
from tap_feedback.paging.paging_settings import PageRequest, PagingSettings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.paging_settings import StreamView

    Row = dict[str, Any]


class SinglePage(PagingSettings, frozen=True, tag_field="type", tag="single_page"):
    """One page only."""

    def start(self, **stream: Unpack[StreamView]) -> SinglePagePaginator:
        """Return a fresh paginator for a stream."""
        return SinglePagePaginator(self, **stream)


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
        more = self._read_flag(page)
        self._read_total(page)
        self.distinct = self._look(page.rows).different
        self._check_total()
        sign = self._flag_says_more if more else None
        if more is None:
            sign = more_follows(page) or not_the_only_page(page, self.paging.limit)
        if sign:
            raise FatalAPIError(f"the response is not the only page: {sign}; check `paginator.type`")
        self.finished = True
        return page.rows
