"""Paginator `cursor`: follows the cursor that each response has for the next page."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import UNSET, Meta, UnsetType
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.fields import DottedPath, Name
from tap_feedback.page import MISSING, lookup
from tap_feedback.paging.chain import ChainPaginator, Words, as_sent, is_no_token
from tap_feedback.paging.paging_settings import PageRequest, PagingSettings
from tap_feedback.paging.row_cursor import RowCursorPaginator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.paging_settings import StreamView


class CursorPaging(PagingSettings, frozen=True, tag_field="type", tag="cursor"):
    """Pages by a cursor, which each response has for the next page."""

    cursor_param: Annotated[Name, Meta(description="For `cursor`: parameter for the cursor.")] = "cursor"
    cursor_path: Annotated[DottedPath, Meta(description="For `cursor`: dotted path of the next cursor.")] = (
        "pagination.cursor"
    )
    cursor_row_path: Annotated[
        DottedPath | None,
        Meta(
            description="For `cursor`: field of the last row of a page that is the next cursor, instead of "
            "`cursor_path`; null for none."
        ),
    ] = None
    stop_condition: Annotated[
        str | UnsetType,
        Meta(description="For `cursor`: `<cursor_path> is not defined`, when the tap stops anyway; no other value."),
    ] = UNSET

    proof = ("next cursor found", "no next cursor")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Check the stop condition."""
        yield from super().faults()
        if self.stop_condition is UNSET:
            return
        if self.cursor_row_path is not None:
            yield "stop_condition", "must be left out if `cursor_row_path` is set"
        elif self.stop_condition != f"{self.cursor_path} is not defined":
            yield "stop_condition", "must be `<cursor_path> is not defined`, or left out"

    def start(self, **stream: Unpack[StreamView]) -> CursorPaginator | RowCursorPaginator:
        """Return a fresh paginator for a stream."""
        if self.cursor_row_path is not None:
            return RowCursorPaginator(self, **stream)
        return CursorPaginator(self, **stream)


class CursorPaginator(ChainPaginator):
    """Follows the cursor that each response has for the next page. A scroll id may be the same for all pages."""

    paging: CursorPaging
    _may_stay = True
    _cursor: Any = None  # of the next request, as it is sent

    @property
    def words(self) -> Words:
        """Words for the cursor in messages."""
        path = self.paging.cursor_path
        return Words(
            noun="cursor",
            place=f"`{path}`",
            lack=f"the response has no cursor at `{path}`",
            again="the API returned a cursor that it returned before",
            setting="`paginator.cursor_path`",
            check="check `paginator.cursor_path` and `paginator.cursor_param`",
            remedy=", and set `paginator.cursor_path` to the path of the next cursor",
        )

    @property
    def request(self) -> PageRequest:
        """The next request, with the cursor from the second page on."""
        if self._token is None:
            return PageRequest(self._size, is_first=True)
        return PageRequest({**self._size, self.paging.cursor_param: self._cursor})

    def _find(self, page: Page) -> str | None:
        """Return the next cursor."""
        cursor = self._value(page)
        if is_no_token(cursor):
            return None
        if isinstance(cursor, bool) or not isinstance(cursor, (str, int, float, Decimal)):
            raise FatalAPIError(
                f"`{self.paging.cursor_path}` is neither text nor a number; check `paginator.cursor_path`"
            )
        self._cursor = as_sent(cursor, self.paging)
        return str(cursor)

    def _value(self, page: Page) -> Any:
        return lookup(page.response, self.paging.cursor_path)

    def _missing(self, page: Page, names: set[str]) -> str | None:
        """Return the name of the object that holds the cursor, if it is missing."""
        parent = self.paging.cursor_path.partition(".")[0]
        return f"`{parent}`" if self._value(page) is MISSING and parent not in names else None

    def _is_unpaged(self, page: Page) -> bool:
        return self._value(page) is MISSING
