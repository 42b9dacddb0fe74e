"""Paginator `json_link`: follows the URL that each response has for the next page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.fields import DottedPath
from tap_feedback.page import MISSING, lookup
from tap_feedback.paging.chain import Words, is_no_token
from tap_feedback.paging.links import LinkError, LinkPaginator
from tap_feedback.paging.paging_settings import PagingSettings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.paging_settings import StreamView


class JsonLinkPaging(PagingSettings, frozen=True, tag_field="type", tag="json_link"):
    """Pages by the URL of the next page, which each response has."""

    next_url_path: Annotated[
        DottedPath, Meta(description="For `json_link`: dotted path of the URL of the next page, absolute or relative.")
    ] = "links.next"

    proof = ("next URL found", "no next URL")

    def start(self, **stream: Unpack[StreamView]) -> JsonLinkPaginator:
        """Return a fresh paginator for a stream."""
        return JsonLinkPaginator(self, **stream)


class JsonLinkPaginator(LinkPaginator):
    """Follows the URL that each response has for the next page."""

    paging: JsonLinkPaging

    @property
    def words(self) -> Words:
        """Words for the URL in messages."""
        path = self.paging.next_url_path
        return Words(
            noun="next URL",
            place=f"`{path}`",
            lack=f"the response has no next URL at `{path}`",
            again="the API returned a next URL that it returned before",
            setting="`paginator.next_url_path`",
            check="check `paginator.next_url_path`",
            remedy=", and set `paginator.next_url_path` to the path of the next URL",
        )

    def _find(self, page: Page) -> str | None:
        """Return the next URL.

        Raises:
            FatalAPIError: The value is not a URL, or leads to another origin.
        """
        link = self._value(page)
        if is_no_token(link):
            return None
        path = self.paging.next_url_path
        if not isinstance(link, str):
            raise FatalAPIError(f"`{path}` is not a URL; check `paginator.next_url_path`")
        try:
            return self._resolve(link)
        except LinkError as error:
            raise FatalAPIError(
                f"the next URL at `{path}` {error}, so it was not followed; check `paginator.next_url_path`"
            ) from None

    def _value(self, page: Page) -> Any:
        return lookup(page.response, self.paging.next_url_path)

    def _missing(self, page: Page, names: set[str]) -> str | None:
        """Return the name of the object that holds the URL, if it is missing."""
        parent = self.paging.next_url_path.partition(".")[0]
        return f"`{parent}`" if self._value(page) is MISSING and parent not in names else None

    def _is_unpaged(self, page: Page) -> bool:
        return self._value(page) is MISSING
