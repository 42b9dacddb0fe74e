"""Paginator `cursor` with `cursor_row_path`: the next cursor is a field of the last row."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import is_full
from tap_feedback.page import lookup
from tap_feedback.paging.base import SEVERAL
from tap_feedback.paging.chain import ChainPaginator, Words, as_sent
from tap_feedback.paging.paging_settings import PageRequest

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.cursor import CursorPaging
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.paging_settings import StreamView

    Row = dict[str, Any]


class RowCursorPaginator(ChainPaginator):
    """Follows the field of the last row that is the next cursor, up to a page without new rows.

    An API may return the rows from a cursor on, including those with this cursor, or only the rows after it. If several
    rows share a cursor and a page ends among them, the rest of them comes only in the first case. So the stream fails
    if a page ends in two rows with the same cursor and the next page does not repeat them. It also fails if all rows of
    a full page share one cursor, as it cannot get past them.
    """

    paging: CursorPaging
    _may_stay = True
    _cursor: Any = None  # of the next request, as it is sent

    def __init__(self, paging: CursorPaging, **stream: Unpack[StreamView]) -> None:
        super().__init__(paging, **stream)
        self._last: dict[Hashable, Row] = {}  # the rows of the last page
        self._tied: list[Hashable] = []  # the keys of those with the cursor, if there are several
        self._was_cut = False
        self._shared = False  # whether rows shared a cursor anywhere
        self._warned = False

    @property
    def words(self) -> Words:
        """Words for the cursor in messages."""
        path = self.paging.cursor_row_path
        return Words(
            noun="cursor",
            place=f"`{path}`",
            lack=f"the response has no rows, so it has no cursor at `{path}`",
            again="the API returned a cursor that it returned before",
            setting="`paginator.cursor_row_path`",
            check="check `paginator.cursor_row_path` and `paginator.cursor_param`",
        )

    @property
    def request(self) -> PageRequest:
        """The next request, with the cursor from the second page on."""
        if self._token is None:
            return PageRequest(self._size, is_first=True)
        return PageRequest({**self._size, self.paging.cursor_param: self._cursor})

    def _goes_on(self, page: Page) -> bool:  # noqa: ARG002
        """Return whether the last page was full. Each page has a cursor, but one that is not full is the last."""
        return self._was_cut

    def _find(self, page: Page) -> str | None:
        """Return the cursor of the last row."""
        if not page.rows:
            return None
        cursor = self._cursor_of(page.rows[-1])
        self._cursor = as_sent(lookup(page.rows[-1], str(self.paging.cursor_row_path)), self.paging)
        return cursor

    def _cursor_of(self, row: Row) -> str:
        cursor = lookup(row, str(self.paging.cursor_row_path))
        if isinstance(cursor, bool) or not isinstance(cursor, (str, int, float, Decimal)) or cursor == "":
            raise FatalAPIError(
                f"the last row of a page has neither text nor a number at `{self.paging.cursor_row_path}`; "
                "check `paginator.cursor_row_path`"
            )
        return str(cursor)

    def _missing(self, page: Page, names: set[str]) -> str | None:  # noqa: ARG002
        """Return "rows" for an empty page, which is the end unless it explains an error."""
        return None if page.rows else "rows"

    def _is_unpaged(self, page: Page) -> bool:  # noqa: ARG002
        return False  # a page with rows has a cursor

    def _check_rows(self, page: Page, sighting: Sighting) -> None:
        """Check that no row of the last cursor was skipped.

        Raises:
            FatalAPIError: A row may have been skipped, or all rows of a full page share one cursor.
        """
        repeats = any(key in self._last for key in sighting.keys)
        if not repeats and self._tied and (page.rows or self._was_cut):
            raise FatalAPIError(
                f"the last rows of a page share one `{self.paging.cursor_row_path}`, and the next page repeats none of "
                "them, so other rows with this cursor would be lost; set `paginator.cursor_row_path` to a field that "
                "differs in every row"
            )
        if sighting.brings_new:
            super()._check_rows(page, sighting)
        elif page.rows and any(self._cursor_of(row) != self._token for row in page.rows):
            raise FatalAPIError(self._same_rows)
        elif page.rows and self._may_be_cut(len(page.rows)):
            raise FatalAPIError(self._stuck)
        self._note_shared(page, repeats=repeats or not self._last)

    def _note_shared(self, page: Page, *, repeats: bool) -> None:
        """Warn once if rows share a cursor and the API does not repeat the rows of the last cursor."""
        path = str(self.paging.cursor_row_path)
        self._shared = self._shared or len({str(lookup(row, path)) for row in page.rows}) < len(page.rows)
        if self._shared and not repeats and (page.rows or self._was_cut) and not self._warned:
            self._warned = True
            self._notice(
                logging.WARNING,
                f"some rows share one `{path}`, so rows at the edge of a page may be missed; if there is one, set "
                "`paginator.cursor_row_path` to a field that differs in every row",
            )

    @property
    def _stuck(self) -> str:
        return (
            f"all rows of a full page share one `{self.paging.cursor_row_path}`, so the tap cannot get past them; "
            "raise `paginator.limit`, or set `paginator.cursor_row_path` to a field that differs in every row"
        )

    def _may_be_cut(self, count: int) -> bool:
        """Return whether a page with this number of rows may have been cut."""
        limit, first = self.paging.limit, self._history.count <= 1
        return is_full(count, limit) or count >= SEVERAL if first else count >= min(limit, self._history.largest)

    def _is_last(self, sighting: Sighting, token: str) -> bool:
        """Return whether a page only repeats the last rows."""
        return not sighting.brings_new and token == self._token

    def _follow(self, token: str, sighting: Sighting) -> None:
        """Continue after the last row.

        Raises:
            FatalAPIError: All rows of a full page have its cursor, or the cursor is repeated.
        """
        tied = [key for key, row in self._last.items() if self._cursor_of(row) == token]
        self._tied = tied if len(tied) > 1 else []
        self._was_cut = self._may_be_cut(len(sighting.rows))
        if self._was_cut and len(self._tied) == len(sighting.rows):
            raise FatalAPIError(self._stuck)
        super()._follow(token, sighting)

    def _remember(self, sighting: Sighting) -> list[Row]:
        """Count and remember the rows of a page, and return those that differ from the page before."""
        fresh = [row for key, row in zip(sighting.keys, sighting.rows, strict=True) if self._last.get(key) != row]
        super()._remember(sighting)
        self._last = dict(zip(sighting.keys, sighting.rows, strict=True))
        return fresh
