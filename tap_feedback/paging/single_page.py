"""The paginator `single_page`: one request, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import more_follows, not_the_only_page
from tap_feedback.paging.base import Paginator

if TYPE_CHECKING:
    from tap_feedback.page import Page

    Row = dict[str, Any]


class SinglePagePaginator(Paginator):
    """One request, one page."""

    @property
    def params(self) -> dict[str, Any]:
        """The page size, if one is sent."""
        return self._size

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
