"""Times in rows: which one moves, and whether the API filters by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_feedback.evidence import plain_name
from tap_feedback.probe.names import CREATED, MOVES
from tap_feedback.records.timestamps import MILLISECONDS_FROM, format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from datetime import datetime

    Row = dict[str, Any]

ISO = "%Y-%m-%dT%H:%M:%SZ"


class Clock(NamedTuple):
    """A time of the rows, and the format in which the API has it."""

    name: str
    format: str

    def of(self, row: Row) -> datetime | None:
        """Return the instant of a row."""
        return parse_instant(row.get(self.name))

    def text(self, moment: datetime) -> str:
        """Return a moment as the API is sent it."""
        return format_instant(moment, self.format)


def is_time(value: Any) -> bool:
    """Return whether a value is a time; a text without a colon or a hyphen may be any number."""
    if type(value) is str and not set(":-") & set(value):
        return False
    return type(value) in (str, int) and parse_instant(value) is not None


def find_clock(rows: Sequence[Row]) -> Clock | None:
    """Return the time that moves whenever a row changes; None if there is none."""
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if row.get(name) is not None]
        if values and MOVES.fullmatch(plain_name(name)) and all(map(is_time, values)):
            first = values[0]
            is_number = type(first) is int
            return Clock(name, ("epoch_ms" if abs(first) >= MILLISECONDS_FROM else "epoch") if is_number else ISO)
    return None


def creation_time(rows: Sequence[Row]) -> str | None:
    """Return the name of a time at which rows begin; None if there is none."""
    names = dict.fromkeys(name for row in rows for name in row)
    return next(
        (name for name in names if CREATED.fullmatch(plain_name(name)) and all(is_time(row.get(name)) for row in rows)),
        None,
    )


def thresholds(rows: Sequence[Row], clock: Clock) -> list[datetime]:
    """Return moments between the times of the rows, the earliest first: each would leave out another number of rows.

    Two of them are two rows apart, as an API may leave out the row of the moment itself.
    """
    moments = sorted({moment for row in rows if (moment := clock.of(row)) is not None})
    # What the format cuts off must not make two of them equal.
    whole = {clock.text(moment): moment for moment in reversed(moments)}
    return sorted(whole.values())[1::2]


def is_filtered(
    rows: Sequence[Row],
    returned: Sequence[Row],
    clock: Clock,
    start: datetime,
    *,
    key: Callable[[Row], Hashable],
    created: str | None = None,
) -> bool:
    """Return whether an API returned the rows that changed since a moment, and no others.

    Args:
        rows: The first page without a filter.
        returned: The first page with it.
        clock: The time of the rows.
        start: The moment.
        key: Returns the key of a row.
        created: The name of another time, by which the API must not have filtered; None if the name of the parameter
            says which time it means.
    """
    since = [row for row in rows if (moment := clock.of(row)) is not None and moment > start]
    if len(returned) == len(rows) and [key(row) for row in returned] == [key(row) for row in rows]:
        return False
    if not returned or not all(
        (moment := clock.of(row)) is not None and moment >= _cut(clock, start) for row in returned
    ):
        return False
    got, wanted = {key(row) for row in returned}, [key(row) for row in since]
    is_cut = len(returned) >= len(rows)  # a whole page, so that some of the rows may be on the next one
    if not is_cut and not got.issuperset(wanted):
        return False
    if is_cut and not got & set(wanted) and wanted:
        return False
    if created is None:
        return True
    # Only a row that was made before the moment and changed after it shows the difference between the two times.
    return any((at := parse_instant(row.get(created))) is not None and at < start for row in returned)


def is_ended(
    rows: Sequence[Row], returned: Sequence[Row], clock: Clock, end: datetime, *, key: Callable[[Row], Hashable]
) -> bool:
    """Return whether an API returned the rows that changed up to a moment, and no others.

    Args:
        rows: The first page without an end.
        returned: The first page with it.
        clock: The time of the rows.
        end: The moment.
        key: Returns the key of a row.
    """
    before = {key(row) for row in rows if (moment := clock.of(row)) is not None and moment < _cut(clock, end)}
    got = {key(row) for row in returned}
    return (
        got != {key(row) for row in rows}
        and bool(got)
        and got.issuperset(before)
        and all((moment := clock.of(row)) is not None and moment <= end for row in returned)
    )


def _cut(clock: Clock, moment: datetime) -> datetime:
    """Return a moment as the API was sent it."""
    return parse_instant(int(text) if (text := clock.text(moment)).isdecimal() else text) or moment
