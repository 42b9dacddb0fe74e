"""Time ranges that a backfill is split into."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MONTHS_IN_A_YEAR = 12


class Range(NamedTuple):
    """A time range of whole months, from its start up to its end (exclusive)."""

    start: date
    end: date

    @property
    def name(self) -> str:
        """Its first month, as in `2024-01`."""
        return f"{self.start:%Y-%m}"


def ranges(start: date, end: date, months: int) -> Iterator[Range]:
    """Yield the ranges of so many months from a start up to an end (exclusive); the last one may be shorter.

    Raises:
        ValueError: A date is not the first of a month, the end is not after the start, or the number of months is not
            positive.
    """
    if start.day != 1 or end.day != 1:
        raise ValueError("`backfill.start` and `backfill.end` must each be the first day of a month")
    if start >= end:
        raise ValueError("`backfill.end` must be after `backfill.start`")
    if months < 1:
        raise ValueError("`backfill.months` must be at least 1")
    while start < end:
        following = min(_later(start, months), end)
        yield Range(start, following)
        start = following


def _later(day: date, months: int) -> date:
    """Return the same day so many months later."""
    years, month = divmod(day.month - 1 + months, MONTHS_IN_A_YEAR)
    return day.replace(year=day.year + years, month=month + 1)


def midnight(day: date) -> datetime:
    """Return the beginning of a day in UTC."""
    return datetime.combine(day, time.min, timezone.utc)


def moment(day: date) -> str:
    """Return the beginning of a day in UTC, as the tap writes it in a state."""
    return f"{day.isoformat()}T00:00:00Z"


def is_over(end: date) -> bool:
    """Return whether a range has ended: a day later, as the clock of a vendor may be late, or its rows."""
    return datetime.now(tz=timezone.utc) >= midnight(end) + timedelta(days=1)
