"""The next request of a stream, and the proof that nothing was skipped.

A paginator is asked for the query parameters of the next request (`params`), is given the page that came back
(`advance`), gives back the rows of it that are new, and says when it is `finished`. It does no input or output.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.page import MISSING, lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from tap_feedback.page import Page
    from tap_feedback.settings import CursorPaging, OffsetPaging, SinglePage

    Row = dict[str, Any]
    Params = dict[str, Any]
    Key = Callable[[Row], Hashable]

#: Rows that are remembered to find out where a page joins what was read.
REMEMBERED_ROWS = 1000
#: How often in a row pages further on may bring nothing new, how often nothing may stand where the last row should, and
#: how often it may take a way back to join pages.
MAX_STRIKES, MAX_DEAD_ENDS, MAX_DETOURS = 8, 3, 30
#: The order is called unstable after so many times the rows of the stream were received, and so many rows more.
MAX_READINGS, SPARE_ROWS = 10, 10_000

#: Statuses with which an API says that nothing stands at an offset; and those that may mean that it serves no more.
NO_SUCH_OFFSET, NO_MORE = {404, 416}, {400, 422}

IGNORES_OFFSET = (
    "the API gives the same rows at another offset: check the name in `paginator.offset_param`, "
    "or set `paginator.type` to `single_page`"
)
NO_STABLE_ORDER = "the rows have no stable order in which pages could be joined: ask for one in `params`"


class Paginator(ABC):
    """What all paginators share: the page size and the total."""

    def __init__(self, paging: OffsetPaging | CursorPaging | SinglePage) -> None:
        self.paging = paging
        self.finished = False
        self.total: int | None = None
        self._size = {} if paging.limit_param is None else {paging.limit_param: paging.limit}

    @property
    @abstractmethod
    def params(self) -> Params:
        """The query parameters of the next request."""

    def upcoming(self, most: int) -> list[Params]:  # noqa: ARG002
        """The parameters of the next request, and of those that will most likely follow; at most `most` in all."""
        return [self.params]

    @abstractmethod
    def advance(self, page: Page) -> list[Row]:
        """Take in the page that came back; the rows of it that are new."""

    def refused(self, status: int) -> bool:  # noqa: ARG002
        """Whether a request that the API refused has another form to try; `params` then gives it."""
        return False

    def _read_total(self, page: Page) -> None:
        """Keep the total count that the answer names, if any."""
        if self.paging.total_path is not None:
            total = lookup(page.answer, self.paging.total_path)
            if isinstance(total, int) and not isinstance(total, bool):
                self.total = total


class SinglePagePaginator(Paginator):
    """One request, one page."""

    @property
    def params(self) -> Params:
        """The page size, where one is sent."""
        return self._size

    def advance(self, page: Page) -> list[Row]:
        """Take in the only page."""
        self._read_total(page)
        self.finished = True
        return page.rows


class CursorPaginator(Paginator):
    """Follows the cursor that each answer names until one names none.

    A cursor that comes again means that the API goes round in a circle. Remembering all cursors would cost memory on a
    long sync, so each is compared with the one before and with one kept from the last power of two (Brent's cycle
    detection): a circle of n pages is met before it was walked three times.

    Some APIs give a fresh cursor each time, and the same rows with it, where the cursor they are sent has another name.

    Args:
        paging: The settings.
        notice: Is told, in words, when the first page already names no cursor.
    """

    paging: CursorPaging

    def __init__(self, paging: CursorPaging, *, notice: Callable[[str], None]) -> None:
        super().__init__(paging)
        self._notice = notice
        self._rows: list[Row] = []  # of the last page
        self._cursor: str | None = None
        self._kept: str | None = None
        self._pages = 0

    @property
    def params(self) -> Params:
        """The page size, where one is sent, and the cursor, from the second page on."""
        return self._size if self._cursor is None else {**self._size, self.paging.cursor_param: self._cursor}

    def advance(self, page: Page) -> list[Row]:
        """Take in a page and its cursor.

        Raises:
            FatalAPIError: The cursor was there before, or the rows, or it is neither text nor number.
        """
        self._read_total(page)
        if page.rows and page.rows == self._rows:
            raise FatalAPIError("the API gave the same rows for another cursor: check `paginator.cursor_param`")
        self._rows = page.rows
        cursor = lookup(page.answer, self.paging.cursor_path)
        if cursor is MISSING and page.rows and self._cursor is None:
            self._notice(f"the first page has no `{self.paging.cursor_path}`, so it is the only one")
        if cursor in (MISSING, None, ""):
            self.finished = True
            return page.rows
        if isinstance(cursor, bool) or not isinstance(cursor, (str, int, float, Decimal)):
            raise FatalAPIError(
                f"`{self.paging.cursor_path}` is neither a text nor a number: check `paginator.cursor_path`"
            )
        cursor = str(cursor)
        if cursor in (self._cursor, self._kept):
            raise FatalAPIError(
                "the API gave a cursor that it gave before, which would go round for ever: "
                "check `paginator.cursor_path` and `paginator.cursor_param`"
            )
        self._pages += 1
        if self._pages & (self._pages - 1) == 0:
            self._kept = cursor
        self._cursor = cursor
        return page.rows


class OffsetPaginator(Paginator):
    """Counts the rows received, and proves page by page that nothing was skipped.

    Rows that come or go while a sync runs shift all that stand behind them. So each page is asked for with the last
    `overlap` rows of the page before: where its first row is one that was read, nothing lies between; where it is not,
    the paginator goes back until it meets rows it knows. However rows come and go, one that stands all along keeps its
    place among those that do, so none is passed by. (Where an API sorts by what changes, ask for another order.)

    The end is an empty page behind the last row, as a page with only shared rows may have been cut short by the server.

    Some APIs only serve whole pages. The second page tells: where it does not join the first, it is asked for without
    overlap, and at an offset at which no page begins. Where the answers show that the API moves offsets to places of
    its own, the overlap is dropped.

    What the page that comes next is for, and what tells so; `advance` asks in this order:

    | the page | told by | then |
    |---|---|---|
    | finds out on the second page whether the API only serves whole ones | `_probes` | follow, go back, or fail |
    | lies at offset 1, to see whether any offset is heeded | `_checks_offset` | end, or fail |
    | lies behind a page that had no new rows | `_only_shared` | end where it is empty, else hold its rows |
    | is that page once more | `_held` | where nothing moved, follow with the rows held, or end where there are none |
    | lies further back | `_step` | go back twice as far, or follow from where it joins |
    | follows the last one | none of these | follow, go back, or look behind it for the end |

    Args:
        paging: The settings.
        key: What tells one row from another.
        notice: Is told, in words, when the overlap is dropped.
    """

    paging: OffsetPaging

    def __init__(self, paging: OffsetPaging, *, key: Key, notice: Callable[[str], None]) -> None:
        super().__init__(paging)
        self._key = key
        self._notice = notice
        self._overlap = paging.overlap
        self._offset = 0  # of the next request
        self._shared = 0  # rows that the next page shares with the last one, if nothing moved
        self._pages: deque[list[Row]] = deque()  # the last pages that joined, REMEMBERED_ROWS rows or a little more
        self._joined = 0  # pages that joined, in all
        self._furthest = 0  # the offset behind the furthest row read
        self._probes: list[list[Hashable]] = []  # the keys of a second page that did not join, at several offsets
        self._dead_end = (0, 0)  # an offset at which no row stood, and how often, since the last new row
        self._checks_offset = False  # while an offset is tried that must give the second row
        self._only_shared: list[Hashable] = []  # the keys of a page that had no other rows, while the end is proven
        self._held: list[Row] | None = None  # the rows that stood behind it
        self._step = 0  # rows to go back by, while going back
        self._largest = 0  # rows in the largest page
        self._smallest = math.inf  # rows in the smallest page that had new ones behind it
        self._read = 0  # rows received, in all
        self._whole = 0  # rows in a page of an API that only serves whole ones
        self._strikes = 0  # pages further on that brought nothing new, since the last new row
        self._detours = 0  # ways back, since the last new row

    @property
    def params(self) -> Params:
        """The page size, where one is sent, and the offset."""
        return {**self._size, self.paging.offset_param: self._offset}

    def upcoming(self, most: int) -> list[Params]:
        """The next request, and those that follow if nothing moves and no page is shorter than the last one."""
        settled = self._joined > 1 and not (self._probes or self._checks_offset or self._only_shared or self._step)
        stride = (self._whole or len(self._pages[-1])) - self._shared if self._pages else 0
        if not settled or not stride or len(self._pages[-1]) < self._largest:
            return [self.params]
        last = self._offset + stride * (most - 1)
        if self.total is not None:
            last = max(self._offset, min(last, self.total - 1))
        return [{**self._size, self.paging.offset_param: offset} for offset in range(self._offset, last + 1, stride)]

    def refused(self, status: int) -> bool:
        """Take an offset that is refused for an empty page, where it lies behind what looks like the last row.

        Drop the overlap where the API refuses the second request: the first that is not for a whole page.
        """
        if status in NO_SUCH_OFFSET or (status in NO_MORE and self.total == self._furthest):
            if self._only_shared and self._held is None:
                self._hold([])
                return True
            if self._is_one_page or (not self._overlap and self._looks_last):
                self.finished = True
                return True
        if self._joined == 1 and self._shared and not self._probes:
            self._offset += self._shared
            self._take_whole_pages()
            return True
        follows = self._joined > 1 and self._overlap and not (self._probes or self._checks_offset)
        if status in NO_SUCH_OFFSET and follows:
            self._go_back()  # rows have gone, so that the last one moved up
            return True
        return False

    def advance(self, page: Page) -> list[Row]:
        """Take in a page; where it does not join what was read, ask for another first.

        Raises:
            FatalAPIError: The API ignores the offset, or has no order in which pages could be joined.
        """
        self._read_total(page)
        rows = page.rows
        if self._read > MAX_READINGS * self._furthest + SPARE_ROWS:
            raise FatalAPIError(NO_STABLE_ORDER)
        self._read += len(rows)
        if self._probes:
            self._probe(rows)
            return []
        if self._checks_offset:
            self._check_offset(rows)
            return []
        if self._only_shared and self._held is None:
            self._hold(rows)
            return []
        if self._held is not None:
            only_shared, held, self._only_shared, self._held = self._only_shared, self._held, [], None
            if self._keys(rows) == only_shared:  # nothing moved between, so what is held follows
                # Some APIs give the last row for any offset behind it.
                self.finished = not held or self._keys(held) == only_shared
                self._offset += len(rows)
                return [] if self.finished else self._accept(held, self._fresh(held))
        fresh = self._join(rows)
        return [] if fresh is None else self._accept(rows, fresh)

    def _join(self, rows: list[Row]) -> list[Row] | None:
        """The rows that are new, or None where the page does not join what was read."""
        if not self._pages:
            return rows
        last, shared = self._pages[-1], self._shared
        at_the_front = self._offset + shared >= self._furthest
        if shared and at_the_front and self._keys(rows[:shared]) == self._keys(last[-shared:]):
            return rows[shared:] if rows[:shared] == last[-shared:] else rows
        if not self._overlap:
            return self._join_plain(rows)
        if rows and self._joined == 1 and self._step == 0:
            self._probe(rows)
            return None
        return self._search(rows)

    def _search(self, rows: list[Row]) -> list[Row] | None:
        """The new rows of a page that shifted, or None where it lies so far off that it holds no row that is known."""
        if not rows:
            offset, times = self._dead_end
            self._dead_end = (self._offset, times + 1 if offset == self._offset else 1)
            if self._dead_end[1] == MAX_DEAD_ENDS:  # the API does not serve the last row alone, or no offset at all
                self._offset, self._checks_offset = 1, self._furthest == len(self._pages[-1])
                return None if self._checks_offset else rows
        if self._offset and (not rows or self._key(rows[0]) not in self._known):
            self._go_back()
            return None
        return self._fresh(rows)

    @property
    def _known(self) -> dict[Hashable, Row]:
        """The rows that are remembered, by their keys."""
        return {self._key(row): row for page in self._pages for row in page}

    def _fresh(self, rows: list[Row]) -> list[Row]:
        """The rows that were not read, or have changed since."""
        known = self._known
        return [row for row in rows if known.get(self._key(row)) != row]

    def _join_plain(self, rows: list[Row]) -> list[Row]:
        """Without overlap nothing can be proven, but that the API does not give the same page again."""
        last = self._pages[-1]
        if rows and self._keys(rows[:1]) == self._keys(last[:1]) and self._keys(rows) == self._keys(last):
            raise FatalAPIError(IGNORES_OFFSET)
        return rows

    def _probe(self, rows: list[Row]) -> None:
        """Find out by the second page whether the API only serves whole ones, or rows have moved."""
        self._probes.append(self._keys(rows))
        overlapping, *others = self._probes
        first = self._keys(self._pages[-1])
        plain_offset = len(first)
        if not others:
            self._offset = plain_offset
        elif len(others) == 1:
            (plain,) = others
            if self._is_one_page and plain_offset < self.paging.limit:
                self._offset = self.paging.limit  # where a second page would begin
                return
            if self._is_one_page:
                raise FatalAPIError(IGNORES_OFFSET)
            moved_up, moved_down = overlapping == plain, overlapping == first and set(first).isdisjoint(plain)
            # Rows that come at the right time can make it look so; at one more offset they cannot.
            self._offset = 1 if moved_up or moved_down else plain_offset
            if self._offset == plain_offset or plain_offset - self._shared == 1:
                self._offset, self._probes = plain_offset, []
                self._go_back()
        elif self._is_one_page:
            if rows:
                raise FatalAPIError(IGNORES_OFFSET)
            self.finished = True
        else:
            self._offset = plain_offset
            self._probes = []
            if others[1] == overlapping:
                self._take_whole_pages()
            else:
                self._go_back()

    @property
    def _is_one_page(self) -> bool:
        """Whether the first page came again wherever it was looked for rows behind it."""
        return len(self._probes) > 1 and self._probes[0] == self._probes[1] == self._keys(self._pages[-1])

    @property
    def _looks_last(self) -> bool:
        """Whether the next page is asked for behind one that is the last by its size, or by the total."""
        if not self._pages or self._offset != self._furthest:
            return False
        return len(self._pages[-1]) < self._largest or self.total == self._furthest

    def _take_whole_pages(self) -> None:
        """From here on, move by whole pages and share no rows."""
        self._overlap = self._shared = 0
        self._whole = len(self._pages[-1])
        self._notice(
            "the API only serves whole pages, so rows that come or go during the sync cannot be noticed "
            "(set `paginator.overlap` to 0 to save the request that found out)"
        )

    def _go_back(self) -> None:
        """Ask for rows further back, twice as far each time; the page at hand is not used."""
        if self._step == 0:
            self._detours += 1
        if self._detours > MAX_DETOURS:
            raise FatalAPIError(NO_STABLE_ORDER)
        self._only_shared, self._held = [], None
        self._step = self._step * 2 or max(len(self._pages[-1]) - 1, 1)
        self._offset = max(0, self._offset - self._step)

    def _check_offset(self, rows: list[Row]) -> None:
        """End after the first page where offset 1 gives its second row, or nothing; else no offset was ever heeded."""
        if rows and self._keys(rows[:1]) != self._keys(self._pages[-1][1:2]):
            raise FatalAPIError(IGNORES_OFFSET)
        self.finished = True

    def _hold(self, rows: list[Row]) -> None:
        """End where nothing stands behind the last row; else look once more at what was before it.

        So too where nothing stands, but the API cuts pages, or they are no longer than the shared rows: then the page
        before may have been cut as well, and a row have moved to where it ended.
        """
        cuts = self._smallest < self._largest
        self.finished = not rows and not cuts and len(self._only_shared) < self._largest
        self._held = rows
        self._offset -= len(self._only_shared)

    def _accept(self, rows: list[Row], fresh: list[Row]) -> list[Row]:
        """Go on behind a page that joined, or end; the rows that are new."""
        behind = self._offset + max(len(rows), self._whole)
        if fresh:
            self._strikes, self._detours, self._dead_end = 0, 0, (0, 0)
        elif len(rows) > self._shared and behind > self._furthest:
            self._strikes += 1
        if self._strikes > MAX_STRIKES:
            raise FatalAPIError(IGNORES_OFFSET)
        only_shared = not fresh and len(rows) <= max(self._shared, 1)
        # A total that was passed is none: some APIs give 0 or -1 for what they did not count. One that is met by a full
        # page may be that of the page, or the most that the API counts.
        met = self._offset + len(rows) == self.total and (len(rows) < self._largest or only_shared)
        self.finished = not rows or met
        if fresh and self._pages:
            self._smallest = min(self._smallest, len(self._pages[-1]))
        self._furthest = max(self._furthest, behind)
        self._largest = max(self._largest, len(rows))
        self._joined += 1
        self._step = 0
        self._pages.append(rows)
        while sum(map(len, self._pages)) - len(self._pages[0]) > REMEMBERED_ROWS:
            self._pages.popleft()
        if only_shared:
            self._only_shared, self._offset = self._keys(rows), behind
            return fresh
        # Rows that are known already may all be shared with the next page: so it has to begin behind one of them.
        self._shared = min(self._overlap, max(len(rows) - 1, 1 if fresh else 0))
        self._offset = behind - self._shared
        return fresh

    def _keys(self, rows: Iterable[Row]) -> list[Hashable]:
        return [self._key(row) for row in rows]
