"""Shapes of paging: each cuts a page out of a list of rows, and says what the response has beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode

from sandbox.exchange import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.vendors.request import VendorRequest
    from sandbox.vendors.rows import Row

    Place = Callable[[Row], tuple[float, int]]


class Cut(NamedTuple):
    """A page: its rows, and values at dotted paths of the response."""

    rows: list[Row]
    around: dict[str, Any]


class Shape(Protocol):
    """How pages follow."""

    def cut(self, rows: list[Row], request: VendorRequest, place: Place) -> Cut:
        """The page that is requested.

        Args:
            rows: All rows, in order.
            request: The request.
            place: The place of a row in the order, which rises from row to row.
        """

    def most(self) -> int:
        """The largest number of rows in a page."""


@dataclass(frozen=True)
class Size:
    """The number of rows in a page.

    Args:
        param: Its parameter; None if the API decides.
        default: The number without the parameter.
        most: The largest number.
    """

    param: str | None
    default: int
    most: int

    def of(self, request: VendorRequest) -> int:
        """The number of rows that the request wants; refuses more than the API returns."""
        return request.whole(self.param, self.default, most=self.most)


@dataclass(frozen=True)
class Whole:
    """All rows in one response."""

    def cut(self, rows: list[Row], request: VendorRequest, place: Place) -> Cut:  # noqa: ARG002
        """All rows."""
        return Cut(rows, {})

    def most(self) -> int:
        """More than there are."""
        return 10**9


@dataclass(frozen=True)
class Numbered:
    """Numbered pages.

    Args:
        size: The size of pages.
        total: The path of the number of pages; None if the response has none.
        param: The parameter for the number.
        cap: The number of the last page that the API serves; None for all.
        repeats: Whether the last page comes again beyond it, in place of an empty one.
    """

    size: Size
    total: str | None = None
    param: str = "page"
    cap: int | None = None
    repeats: bool = False

    def cut(self, rows: list[Row], request: VendorRequest, place: Place) -> Cut:  # noqa: ARG002
        """The page with this number; empty beyond the last one."""
        size = self.size.of(request)
        number = request.whole(self.param, 1)
        if self.cap is not None and number > self.cap:
            raise Refused(400, f"{self.param} must be at most {self.cap}")
        last = -(-len(rows) // size)
        number = min(number, last) if self.repeats else number
        around = {} if self.total is None else {self.total: last}
        return Cut(rows[(number - 1) * size : number * size], around)

    def most(self) -> int:
        """The largest page."""
        return self.size.most


@dataclass(frozen=True)
class Offsets:
    """Pages by the number of rows before them.

    Args:
        size: The size of pages.
        param: The parameter for the number.
        more: The path of a flag that says whether more follows.
        last: The path of a flag that says that no more follows.
    """

    size: Size
    param: str
    more: str | None = None
    last: str | None = None

    def cut(self, rows: list[Row], request: VendorRequest, place: Place) -> Cut:  # noqa: ARG002
        """The rows behind the offset."""
        size, offset = self.size.of(request), request.whole(self.param, 0, least=0)
        follows = len(rows) > offset + size
        return Cut(rows[offset : offset + size], flags(follows, self.more, self.last))

    def most(self) -> int:
        """The largest page."""
        return self.size.most


@dataclass(frozen=True)
class Cursors:
    """Pages by a cursor, which remembers the place of the last row, whatever changes before it.

    Args:
        size: The size of pages.
        param: The parameter for the cursor.
        path: The path of the next cursor.
        more: The path of a flag that says whether more follows.
        last: The path of a flag that says that no more follows.
        stays: Whether the last page has a cursor, too.
    """

    size: Size
    param: str
    path: str
    more: str | None = None
    last: str | None = None
    stays: bool = False

    def cut(self, rows: list[Row], request: VendorRequest, place: Place) -> Cut:
        """The rows behind the cursor."""
        size, cursor = self.size.of(request), request.params.get(self.param)
        if cursor is not None:
            rows = [row for row in rows if place(row) > parse_place(cursor)]
        follows, page = len(rows) > size, rows[:size]
        around = flags(follows, self.more, self.last)
        if follows or self.stays:
            around[self.path] = format_place(place(page[-1])) if page else cursor
        else:
            around[self.path] = None
        return Cut(page, around)

    def most(self) -> int:
        """The largest page."""
        return self.size.most


@dataclass(frozen=True)
class Links:
    """A URL for the next page, which has all parameters of the request, and a number.

    Args:
        size: The size of pages.
        path: The path of the URL.
        relative_to: What the URL lacks; empty for an absolute one.
        total: The path of the number of rows.
        pages: The path of the number of pages.
        more: The path of a flag that says whether more follows.
        param: The parameter for the number.
    """

    size: Size
    path: str
    relative_to: str = ""
    total: str | None = None
    pages: str | None = None
    more: str | None = None
    param: str = "page"

    def cut(self, rows: list[Row], request: VendorRequest, place: Place) -> Cut:  # noqa: ARG002
        """The page with this number."""
        size, number = self.size.of(request), request.whole(self.param, 1)
        follows = len(rows) > number * size
        around: dict[str, Any] = {} if self.total is None else {self.total: len(rows)}
        around |= {} if self.pages is None else {self.pages: -(-len(rows) // size)}
        around |= flags(follows, self.more, None)
        if follows:
            query = [pair for pair in request.sent.query if pair[0] != self.param] + [(self.param, str(number + 1))]
            path = request.sent.path.removeprefix(self.relative_to)
            origin = "" if self.relative_to else request.url
            around[self.path] = f"{origin}{path}?{urlencode(query)}"
        elif self.more is not None:
            around[self.path] = None
        return Cut(rows[(number - 1) * size : number * size], around)

    def most(self) -> int:
        """The largest page."""
        return self.size.most


@dataclass(frozen=True)
class LastRow:
    """Pages behind or before a row that the request names.

    Args:
        size: The size of pages.
        after: The parameter for the rows behind the named one, in ascending order.
        before: The parameter for the rows before the named one, in descending order.
        alone: Parameters that the API refuses beside one of these.
    """

    size: Size
    after: str
    before: str
    alone: tuple[str, ...]

    def cut(self, rows: list[Row], request: VendorRequest, place: Place) -> Cut:  # noqa: ARG002
        """The rows behind or before the named one."""
        size = self.size.of(request)
        named = [name for name in (self.after, self.before) if name in request.params]
        if named and any(name in request.params for name in self.alone):
            raise Refused(400, f"{', '.join(self.alone)} cannot be combined with {named[0]}")
        for name in named:
            ordered = sorted(rows, key=lambda row: (row.created, row.number), reverse=name == self.before)
            keys = [row.key for row in ordered]
            rows = ordered[keys.index(request.params[name]) + 1 :] if request.params[name] in keys else []
        return Cut(rows[:size], {"total_items": len(rows), "page_count": -(-len(rows) // size)})

    def most(self) -> int:
        """The largest page."""
        return self.size.most


def flags(follows: bool, more: str | None, last: str | None) -> dict[str, Any]:  # noqa: FBT001
    """Return the flags of a response."""
    return {path: value for path, value in ((more, follows), (last, not follows)) if path is not None}


def format_place(place: tuple[float, int]) -> str:
    """Return a cursor for a place."""
    return f"{int(place[0])}_{place[1]}"


def parse_place(cursor: Any) -> tuple[float, int]:
    """Return the place of a cursor; refuses what is none."""
    try:
        first, second = str(cursor).split("_")
        return float(first), int(second)
    except ValueError:
        raise Refused(400, "the cursor is wrong") from None
