"""A list of a vendor's API: where it is, which rows it has, and how it returns them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.exchange import Refused, Response
from sandbox.vendors.filters import Order
from sandbox.vendors.paging import Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.vendors.filters import Fields, Filter
    from sandbox.vendors.paging import Shape
    from sandbox.vendors.request import VendorRequest
    from sandbox.vendors.rows import Maker, Row

#: Rows of one parent, as far as there are enough of them.
CHILDREN = 3


@dataclass(frozen=True)
class Collection:
    """A list, as data.

    Args:
        path: Its whole path; `{}` is the key of a parent's row.
        selector: The path of the rows in a response; `$` is the response itself.
        shape: How pages follow.
        filters: What decides which rows come.
        order: In which order they come.
        fields: Fields that only come if the request names them.
        method: The method of requests.
        when: Parameters that a request must have to mean this list, if several have one path.
        kinds: What the rows are in turn, for default filters.
        absent: The part of the selector that a response without rows lacks; empty if it has an empty list.
        is_object: Whether the selector has one object, which is the only row.
        parent: The stream whose rows have a list each.
        parent_param: The parameter that names the parent, if the path does not.
        left_out: Columns that rows do not have, as the tap takes them from the parent.
        gone: Whether every third parent has no list, so that the API responds 404.
        lag: By how much the change that a row shows lies before the one that the API filters by.
        times: How times are written, by column; `None` is the key for all others.
        objects: Objects that rows have in some columns, in place of made-up ones.
    """

    path: str
    selector: str
    shape: Shape = field(default_factory=Whole)
    filters: tuple[Filter, ...] = ()
    order: Order = field(default_factory=Order)
    fields: tuple[Fields, ...] = ()
    method: str = "GET"
    when: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("",)
    absent: str = ""
    is_object: bool = False
    parent: str | None = None
    parent_param: str | None = None
    left_out: tuple[str, ...] = ()
    gone: bool = False
    lag: timedelta = timedelta()
    times: Mapping[str | None, str] = field(default_factory=lambda: {None: "iso"})
    objects: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What the path of a request must match; the group is the parent's key."""
        return re.compile(re.escape(self.path).replace(re.escape("{}"), "([^/]+)"))

    def respond(self, rows: list[Row], request: VendorRequest, maker: Maker) -> Response:
        """The response to a request for some of these rows.

        Raises:
            Refused: The API refuses the request.
        """
        for one in self.filters:
            rows = one.rows(rows, request)
        by, is_descending = self.order.of(request)
        sign = -1 if is_descending else 1

        def place(row: Row) -> tuple[float, int]:
            return sign * getattr(row, by).timestamp(), sign * row.number

        page, around = self.shape.cut(sorted(rows, key=place), request, place)
        shown = [self.rendered(row, request, maker) for row in page]
        if self.is_object:
            if not shown:
                raise Refused(404, "there is none")
            return Response.of(200, self._within(shown[0], around))
        if self.selector == "$":
            return Response.of(200, shown)
        body = self._within(shown, around)
        if self.absent and not shown:
            body.pop(self.absent, None)
        return Response.of(200, body)

    def rendered(self, row: Row, request: VendorRequest, maker: Maker) -> dict[str, Any]:
        """A row as the response has it."""
        shown = maker.render(row)
        for one in self.fields:
            shown = one.cut(shown, request)
        return shown

    def _within(self, rows: Any, around: Mapping[str, Any]) -> dict[str, Any]:
        """A body with rows at the selector, and values around them."""
        body: dict[str, Any] = {}
        for path, value in {self.selector: rows, **around}.items():
            if path == "$":
                return dict(value)
            node = body
            *steps, last = path.split(".")
            for step in steps:
                node = node.setdefault(step, {})
            node[last] = value
        return body


@dataclass(frozen=True)
class Vendor:
    """An API of a vendor, as data.

    Args:
        access: Who may read it.
        streams: Its lists, by the name of the stream that reads them.
        headers: Headers that a request must have, with their values.
        settings: What a user sets beside vendor, address, key and what the access needs.
        rows: Numbers of rows, by stream, if three pages are not what it has.
    """

    access: Any
    streams: Mapping[str, Collection]
    headers: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
