"""The paginator `cursor`: follows the cursor that each response has for the next."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import UNSET, Meta, UnsetType
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import is_full, looks_like_error, more_follows, not_the_only_page
from tap_feedback.fields import DottedPath, Name
from tap_feedback.page import MISSING, lookup
from tap_feedback.paging.base import PageRequest, Paginator, PagingSettings
from tap_feedback.retry import TransientError
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_feedback.page import Page
    from tap_feedback.paging.base import Keys

    Row = dict[str, Any]

#: Empty pages in a row, and pages in a row of which most rows are known, before the stream fails.
MOST_EMPTY, MOST_STALE = 100, 10
#: What an API returns in the place of a cursor on the last page. Some count the cursor down to 0.
NO_CURSOR: tuple[Any, ...] = (None, "", False, 0, "0", {}, [])

CHECK = "check `paginator.cursor_path` and `paginator.cursor_param`"
SAME_CURSOR = f"the API returned a cursor that it returned before, so paging would never end; {CHECK}"
SAME_ROWS = f"the API returned the same rows for another cursor; {CHECK}"


class CursorPaging(PagingSettings, frozen=True, tag_field="type", tag="cursor"):
    """Pages by a cursor that each response has for the next."""

    cursor_param: Annotated[Name, Meta(description="For `cursor`: parameter for the cursor.")] = "cursor"
    cursor_path: Annotated[DottedPath, Meta(description="For `cursor`: dotted path of the next cursor.")] = (
        "pagination.cursor"
    )
    stop_condition: Annotated[
        str | UnsetType,
        Meta(description="For `cursor`: only `<cursor_path> is not defined`, which is when the tap stops anyway."),
    ] = UNSET

    def faults(self) -> Iterator[tuple[str, str]]:
        """Check the stop condition."""
        if self.stop_condition not in (UNSET, f"{self.cursor_path} is not defined"):
            yield "stop_condition", "must be `<cursor_path> is not defined`, or be left out"

    def start(self, *, keys: Keys, notice: Callable[[int, str], None]) -> CursorPaginator:
        """Return a fresh paginator."""
        return CursorPaginator(self, keys=keys, notice=notice)


class CursorPaginator(Paginator):
    """Follows the cursor that each response has for the next, until one has none.

    Cursors and pages that come again mean that the API goes round in a circle. Remembering all of them would cost
    memory on a long sync, so each is compared with the one before and with one kept from the last power of two (Brent's
    cycle detection): a circle of n pages is met before it was walked three times. Rows are told apart by their keys, as
    their content may change with every request.
    """

    paging: CursorPaging

    def __init__(self, paging: CursorPaging, *, keys: Keys, notice: Callable[[int, str], None]) -> None:
        super().__init__(paging, keys=keys, notice=notice)
        self._cursor: str | None = None
        self._names: set[str] = set()  # at the top level of the responses so far
        self._pages = 0
        self._kept_cursor: str | None = None
        self._kept_rows: int | None = None
        self._empty = 0  # pages in a row without rows
        self._stale = 0  # pages in a row of which most rows are known

    @property
    def request(self) -> PageRequest:
        """The next request, which has the cursor from the second page on."""
        if self._cursor is None:
            return PageRequest(self._size, is_first=True)
        return PageRequest({**self._size, self.paging.cursor_param: self._cursor})

    def take(self, page: Page) -> list[Row]:
        """Take a page and its cursor.

        Raises:
            FatalAPIError: The cursor or the rows came before, or the cursor is missing though more rows follow.
            TransientError: The response to a cursor has no content, or is unlike those before.
        """
        cursor = lookup(page.answer, self.paging.cursor_path)
        self._check_response(page, cursor)
        self._read_total(page)
        new = self._take_rows(page.rows)
        if cursor is MISSING or any(cursor == none and type(cursor) is type(none) for none in NO_CURSOR):
            self._end(page, cursor)
        elif isinstance(cursor, bool) or not isinstance(cursor, (str, int, float, Decimal)):
            raise FatalAPIError(
                f"`{self.paging.cursor_path}` is neither text nor a number; check `paginator.cursor_path`"
            )
        elif str(cursor) == self._cursor and not new and len(page.rows) < self._history.largest:
            # The cursor of the end, behind which rows may stand some day; some APIs repeat the last row with it.
            self._end(page, cursor)
        else:
            self._follow(str(cursor), page.rows)
        return page.rows

    def _check_response(self, page: Page, cursor: Any) -> None:
        """See that the response to a cursor is like those before it.

        Raises:
            TransientError: It is not.
        """
        names = page.answer.keys() if isinstance(page.answer, dict) else set()
        if self._cursor is not None:
            if page.answer is MISSING:
                raise TransientError("answered 204 No Content for a cursor of the response before")
            parent = self.paging.cursor_path.partition(".")[0]
            strange = sorted(filter(looks_like_error, names - self._names))
            if cursor is MISSING and parent not in names and strange:
                named = ", ".join(f"`{one_line(name)}`" for name in strange[:3])
                raise TransientError(f"the response lacks `{parent}` and has {named}, unlike those before")
        self._names |= names

    def _take_rows(self, rows: list[Row]) -> int:
        """Compare rows with those before, and remember them; the number of new ones.

        Raises:
            FatalAPIError: They came before, or there were none for too long.
        """
        if not rows:
            self._empty += 1
            if self._empty > MOST_EMPTY:
                raise FatalAPIError(f"the API returned {MOST_EMPTY} empty pages in a row, each with a cursor; {CHECK}")
            return 0
        sighting = self._look(rows)
        new = sighting.new
        self._empty = 0
        self._stale = self._stale + 1 if 2 * new < len(rows) else 0
        if sighting.keys == self._history.last or self._stale > MOST_STALE:
            raise FatalAPIError(SAME_ROWS)
        self._history.add(sighting._replace(rows=[]))  # no content is compared
        self.distinct += new
        return new

    def _follow(self, cursor: str, rows: list[Row]) -> None:
        """Go on with another cursor, or with the same one if it stands for all pages.

        Raises:
            FatalAPIError: It came before.
        """
        signature = hash(tuple(self._history.last)) if rows else None
        if cursor == self._kept_cursor != self._cursor:
            raise FatalAPIError(SAME_CURSOR)
        if rows and signature == self._kept_rows:
            raise FatalAPIError(SAME_ROWS)
        self._pages += 1
        if self._pages & (self._pages - 1) == 0:
            self._kept_cursor, self._kept_rows = cursor, signature
        self._cursor = cursor

    def _end(self, page: Page, cursor: Any) -> None:
        """End, unless the response shows that more rows follow.

        Raises:
            FatalAPIError: It does, or the API reports more rows than it returned.
        """
        path = self.paging.cursor_path
        if sign := more_follows(page, sent=self._cursor):
            raise FatalAPIError(
                f"the response has no cursor at `{path}`, but {sign}; "
                "check `paginator.type`, and set `paginator.cursor_path` to the path of the next cursor"
            )
        self._check_total()
        if cursor is MISSING and page.rows and self._cursor is None:
            self._look_at_only_page(page)
        if remark := self._remark(page):
            self._notice(logging.WARNING, remark)
        self.finished = True

    def _look_at_only_page(self, page: Page) -> None:
        """Judge a first page without a cursor: the path may be wrong.

        Raises:
            FatalAPIError: The page is full, and the response counts more rows.
        """
        path = self.paging.cursor_path
        full = is_full(page, self.paging.limit)
        if sign := not_the_only_page(page, self.paging.limit):
            raise FatalAPIError(
                f"the response has no `{path}`, but {sign}; check `paginator.type` and `paginator.cursor_path`"
            )
        hint = "; if there are more rows, check `paginator.cursor_path`" if full else ""
        level = logging.WARNING if full else logging.INFO
        self._notice(level, f"the first page has no `{path}`, so it is the only one{hint}")
