"""Paginator `header_link`: follows the `Link` header with `rel="next"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import next_link
from tap_feedback.paging.chain import Words
from tap_feedback.paging.links import LinkError, LinkPaginator
from tap_feedback.paging.paging_settings import PagingSettings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.paging_settings import StreamView

WORDS = Words(
    noun="next link",
    place='`Link` header with `rel="next"`',
    lack='the response has no `Link` header with `rel="next"`',
    again="the API returned a next link that it returned before",
    setting="`paginator.type`",
    check="check `paginator.type`",
)


class HeaderLinkPaging(PagingSettings, frozen=True, tag_field="type", tag="header_link"):
    """Pages by the `Link` header, which has the URL of the next page."""

    proof = ("next link found", "no next link")

    def start(self, **stream: Unpack[StreamView]) -> HeaderLinkPaginator:
        """Return a fresh paginator for a stream."""
        return HeaderLinkPaginator(self, **stream)


class HeaderLinkPaginator(LinkPaginator):
    """Follows the `Link` header with `rel="next"`."""

    words = WORDS

    def _find(self, page: Page) -> str | None:
        """Return the next link.

        Raises:
            FatalAPIError: The link leads to another origin.
        """
        link = next_link(page.headers)
        if link is None:
            return None
        try:
            return self._resolve(link)
        except LinkError as error:
            raise FatalAPIError(
                f"the next link in the `Link` header {error}, so it was not followed; check `paginator.type`"
            ) from None

    def _missing(self, page: Page, names: set[str]) -> str | None:  # noqa: ARG002
        """Return the name of the header, if the response does not even have a link to the first page."""
        return None if "Link" in page.headers else "a `Link` header"

    def _is_unpaged(self, page: Page) -> bool:
        return "Link" not in page.headers
