"""The paginator `cursor` with `cursor_row_path`: the next cursor is a field of the last row."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import is_full
from tap_feedback.page import lookup
from tap_feedback.paging.base import SEVERAL, PageRequest
from tap_feedback.paging.chain import ChainPaginator, Words

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.base import StreamView
    from tap_feedback.paging.cursor import CursorPaging
    from tap_feedback.paging.history import Sighting

    Row = dict[str, Any]


class RowCursorPaginator(ChainPaginator):
    """Follows the field of the last row that is the next cursor; ends on a page without new rows.

    The rows behind a cursor may begin with those that have this very cursor, or after them. If several rows share a
    cursor and a page ends among them, the others come only in the first case. So the stream fails if a page ends in
    two rows of one cursor and the next one repeats none of them, and if all rows of a full page share one cursor,
    behind which there is no way.
    """

    paging: CursorPaging
    _may_stay = True

    def __init__(self, paging: CursorPaging, **stream: Unpack[StreamView]) -> None:
        super().__init__(paging, **stream)
        self._last: dict[Hashable, Row] = {}  # the rows of the last page
        self._tied: list[Hashable] = []  # the keys of those that have the cursor
        self._was_cut = False
        self._shared = False  # whether rows shared a cursor anywhere
        self._warned = False

    @property
    def words(self) -> Words:
        """How messages speak of a cursor."""
        path = self.paging.cursor_row_path
        return Words(
            noun="cursor",
            place=f"`{path}`",
            lack=f"the response has no rows, and so no cursor at their `{path}`",
            again="the API returned a cursor that it returned before",
            setting="`paginator.cursor_row_path`",
            check="check `paginator.cursor_row_path` and `paginator.cursor_param`",
        )

    @property
    def request(self) -> PageRequest:
        """The next request, which has the cursor from the second page on."""
        if self._token is None:
            return PageRequest(self._size, is_first=True)
        return PageRequest({**self._size, self.paging.cursor_param: self._token})

    def _goes_on(self, page: Page) -> bool:  # noqa: ARG002
        """Whether more rows may follow the last page: each one has a cursor, but one that is not full is the last."""
        return self._was_cut

    def _find(self, page: Page) -> str | None:
        """The cursor of the last row."""
        return self._cursor_of(page.rows[-1]) if page.rows else None

    def _cursor_of(self, row: Row) -> str:
        cursor = lookup(row, str(self.paging.cursor_row_path))
        if isinstance(cursor, bool) or not isinstance(cursor, (str, int, float, Decimal)) or cursor == "":
            raise FatalAPIError(
                f"the last row of a page has neither text nor a number at `{self.paging.cursor_row_path}`; "
                "check `paginator.cursor_row_path`"
            )
        return str(cursor)

    def _missing(self, page: Page, names: set[str]) -> str | None:  # noqa: ARG002
        """Rows: an empty page is the end, unless it explains an error."""
        return None if page.rows else "rows"

    def _is_unpaged(self, page: Page) -> bool:  # noqa: ARG002
        return False  # a page with rows has a cursor

    def _check_rows(self, page: Page, sighting: Sighting) -> None:
        """Check that no row of the last cursor was skipped.

        Raises:
            FatalAPIError: One may have been, or all rows of a full page share one cursor.
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
        """Warn once if rows share a cursor on an API that repeats none."""
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
            f"all rows of a full page share one `{self.paging.cursor_row_path}`, so there is no way behind them; raise "
            "`paginator.limit`, or set `paginator.cursor_row_path` to a field that differs in every row"
        )

    def _may_be_cut(self, count: int) -> bool:
        """Whether a page of so many rows may have been cut."""
        limit, first = self.paging.limit, self._history.count <= 1
        return is_full(count, limit) or count >= SEVERAL if first else count >= min(limit, self._history.largest)

    def _is_last(self, sighting: Sighting, token: str) -> bool:
        """Whether a page repeats only the last rows."""
        return not sighting.brings_new and token == self._token

    def _follow(self, token: str, sighting: Sighting) -> None:
        """Go on behind the last row.

        Raises:
            FatalAPIError: All rows of a full page have its cursor, or it came before.
        """
        tied = [key for key, row in self._last.items() if self._cursor_of(row) == token]
        self._tied = tied if len(tied) > 1 else []
        self._was_cut = self._may_be_cut(len(sighting.rows))
        if self._was_cut and len(self._tied) == len(sighting.rows):
            raise FatalAPIError(self._stuck)
        super()._follow(token, sighting)

    def _remember(self, sighting: Sighting) -> list[Row]:
        """Count and remember the rows of a page; those that are not as the page before had them."""
        fresh = [row for key, row in zip(sighting.keys, sighting.rows, strict=True) if self._last.get(key) != row]
        super()._remember(sighting)
        self._last = dict(zip(sighting.keys, sighting.rows, strict=True))
        return fresh
