"""What decides which rows a vendor's API returns, in which order, and with which fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sandbox.exchange import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.vendors.request import VendorRequest
    from sandbox.vendors.rows import Row

When = Literal["created", "changed"]


class Filter(Protocol):
    """Which rows a request sees."""

    def rows(self, rows: list[Row], request: VendorRequest) -> list[Row]:
        """The rows among these that the request sees; refuses what the API refuses."""


@dataclass(frozen=True)
class Kinds:
    """A parameter that says which kinds of rows come; None is what comes without it. Other values are refused."""

    param: str
    shows: Mapping[str | None, tuple[str, ...]]

    def rows(self, rows: list[Row], request: VendorRequest) -> list[Row]:
        """The rows of the kinds that the parameter shows."""
        value = request.params.get(self.param)
        if value not in self.shows:
            raise Refused(400, f"{self.param} is missing or wrong")
        return [row for row in rows if row.kind in self.shows[value]]


@dataclass(frozen=True)
class Required:
    """Parameters without which the API refuses; an empty value stands for any."""

    params: Mapping[str, str]

    def rows(self, rows: list[Row], request: VendorRequest) -> list[Row]:
        """All rows."""
        for name, value in self.params.items():
            if name not in request.params or (value and request.params[name] != value):
                raise Refused(400, f"{name} is missing or wrong")
        return rows


@dataclass(frozen=True)
class Bound:
    """A parameter for the start of a time range, or for its end.

    Args:
        param: Its name.
        by: Which time of a row counts.
        pattern: How times are written: a pattern of `strptime`, `epoch` or `epoch_ms`.
        is_end: Whether it is the end of the range.
        days: Without the parameter, the API returns the rows of so many days; None for all.
        is_required: Whether the API refuses a request without it, unless that has a cursor.
        is_exclusive: Whether a row of this very second is left out.
        cursor: A parameter that the API refuses beside this one.
    """

    param: str
    by: When = "changed"
    pattern: str = "%Y-%m-%dT%H:%M:%SZ"
    is_end: bool = False
    days: int | None = None
    is_required: bool = False
    is_exclusive: bool = False
    cursor: str | None = None

    def rows(self, rows: list[Row], request: VendorRequest) -> list[Row]:
        """The rows in the range."""
        value = request.params.get(self.param)
        has_cursor = self.cursor is not None and self.cursor in request.params
        if has_cursor:
            if value is not None:
                raise Refused(400, f"{self.param} cannot be combined with {self.cursor}")
            return rows
        if value is None:
            if self.is_required:
                raise Refused(400, f"{self.param} is required")
            if self.days is None:
                return rows
            bound = datetime.now(timezone.utc) - timedelta(days=self.days)
        else:
            bound = self._parsed(value)
        return [row for row in rows if self._is_within(getattr(row, self.by), bound)]

    def _is_within(self, at: datetime, bound: datetime) -> bool:
        if at == bound:
            return not self.is_exclusive
        return at < bound if self.is_end else at > bound

    def _parsed(self, value: Any) -> datetime:
        try:
            if self.pattern.startswith("epoch"):
                return datetime.fromtimestamp(int(value) / (1000 if self.pattern == "epoch_ms" else 1), timezone.utc)
            return datetime.strptime(value, self.pattern).replace(tzinfo=timezone.utc)
        except ValueError:
            raise Refused(400, f"{self.param} is no time of the form {self.pattern}") from None


@dataclass(frozen=True)
class Search:
    """A query in the body that compares times with epoch seconds: `>`, `<`, `=`, combined with AND and OR.

    Args:
        field: The field that can be compared.
        by_day: Whether only the day counts.
    """

    field: str = "updated_at"
    by_day: bool = False

    def rows(self, rows: list[Row], request: VendorRequest) -> list[Row]:
        """The rows that the query finds."""
        query = request.sent.json.get("query")
        if not isinstance(query, dict):
            raise Refused(400, "query is missing")
        return [row for row in rows if self._holds(query, row)]

    def _holds(self, query: dict[str, Any], row: Row) -> bool:
        operator, value = query.get("operator"), query.get("value")
        if operator in {"AND", "OR"} and isinstance(value, list):
            return (all if operator == "AND" else any)([self._holds(part, row) for part in value])
        if query.get("field") != self.field or type(value) is not int:
            raise Refused(400, f"the query must compare {self.field} with a whole number")
        at, bound = int(row.changed.timestamp()), value
        if self.by_day:
            at, bound = at // 86400, bound // 86400
        if operator not in {">", "<", "="}:
            raise Refused(400, f"{operator} is not supported")
        return {">": at > bound, "<": at < bound, "=": at == bound}[operator]


@dataclass(frozen=True)
class Jql:
    """A query in words that must be bounded: `updated >= <milliseconds>` is understood."""

    param: str = "jql"

    def rows(self, rows: list[Row], request: VendorRequest) -> list[Row]:
        """The rows that the query finds."""
        before, found, rest = str(request.params.get(self.param, "")).partition("updated >= ")
        digits = rest.partition(" ")[0]
        if not found or not digits.isdigit() or "project" not in before:
            raise Refused(400, "Unbounded JQL queries are not allowed here. Please add a search restriction.")
        return [row for row in rows if row.changed.timestamp() * 1000 >= int(digits)]


@dataclass(frozen=True)
class Order:
    """The order of rows, and the parameters that choose it.

    Args:
        params: Names of the parameters.
        orders: What their values choose: a time, and whether the newest row is first. None is a missing value.
        default: The order without the parameters.
    """

    params: tuple[str, ...] = ()
    orders: Mapping[tuple[str | None, ...], tuple[When, bool]] = field(default_factory=dict)
    default: tuple[When, bool] = ("created", False)

    def of(self, request: VendorRequest) -> tuple[When, bool]:
        """The time that counts, and whether the newest row is first; refuses an unknown order."""
        values = tuple(request.params.get(name) for name in self.params)
        if not any(values):
            return self.default
        if values not in self.orders:
            raise Refused(400, f"{' and '.join(self.params)} name no order")
        return self.orders[values]


@dataclass(frozen=True)
class Fields:
    """Fields that rows have only if a parameter names them.

    Args:
        param: The parameter, with names between commas.
        names: The fields.
        every: A value of the parameter that stands for all.
        within: The object in a row that has the fields; None for the row itself.
    """

    param: str
    names: tuple[str, ...]
    every: str | None = None
    within: str | None = None

    def cut(self, rendered: dict[str, Any], request: VendorRequest) -> dict[str, Any]:
        """The row with the fields that the request names."""
        wanted = str(request.params.get(self.param, "")).split(",")
        if self.every in wanted:
            return rendered
        hidden = {name for name in self.names if name not in wanted}
        if self.within is None:
            return {name: value for name, value in rendered.items() if name not in hidden}
        inner = {name: value for name, value in rendered[self.within].items() if name not in hidden}
        return {**rendered, self.within: inner}
