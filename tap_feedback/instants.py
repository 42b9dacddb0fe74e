"""Points in time, and other replication keys, read from what stands in records, states and settings."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

#: Epoch numbers from here on are milliseconds: as seconds they would lie past the year 5000.
MILLISECONDS_FROM = 100_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: An epoch number as text; with fewer digits it may as well be a year, or a date without hyphens.
EPOCH_TEXT = re.compile(r"-?[0-9]{9,}(\.[0-9]+)?")
#: What a strftime pattern may show, the finest first.
UNITS = tuple(timedelta(**{unit: 1}) for unit in ("microseconds", "seconds", "minutes", "hours", "days"))


def parse_instant(value: Any) -> datetime | None:
    """The instant, in UTC, that a timestamp, a date or an epoch number means; None where it means none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        try:
            # msgspec reads RFC 3339 alike, and fast, on every Python.
            moment = msgspec.convert(text if len(text) > len("2024-01-31") else f"{text}T00:00:00Z", datetime)
            if moment.tzinfo is not timezone.utc:
                moment = moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
            return moment  # noqa: TRY300 - what fails above is what is caught below
        except OverflowError:
            return None
        except msgspec.ValidationError:
            if not EPOCH_TEXT.fullmatch(text):
                return None
            value = float(text)
    try:
        seconds = value / 1000 if abs(value) >= MILLISECONDS_FROM else value
        return EPOCH + timedelta(seconds=float(seconds))
    except (OverflowError, TypeError, ValueError):
        return None


def parse_http_date(text: str) -> datetime | None:
    """The instant, in UTC, that the `Date` header of a response means; None if it means none."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (OverflowError, ValueError):
        return None


def format_instant(moment: datetime, pattern: str, *, round_up: bool = False) -> str:
    """A moment as an API wants it: a strftime pattern in UTC, or `epoch`, `epoch_ms`.

    What is finer than the pattern shows is cut off, or rounded up: so that a range never asks for less than it should.
    """
    moment = moment.astimezone(timezone.utc)
    if pattern == "epoch_ms":
        unit = timedelta(milliseconds=1)
    elif pattern == "epoch":
        unit = timedelta(seconds=1)
    else:
        unit = next((unit for unit in UNITS if (EPOCH + unit).strftime(pattern) != EPOCH.strftime(pattern)), UNITS[-1])
    units = -((EPOCH - moment) // unit) if round_up else (moment - EPOCH) // unit
    if pattern in {"epoch", "epoch_ms"}:
        return str(units)
    return (EPOCH + units * unit).strftime(pattern)
