"""Timestamps in records, bookmarks and settings: which forms are accepted, and how to write them for an API.

| form | examples |
|---|---|
| RFC 3339 | `2024-01-31T12:00:00Z`, `2024-01-31t12:00:00.123456789+05:30` |
| as databases and languages print it; without a zone it is UTC | `2024-01-31 12:00`, `2024-01-31T12:00:00+00`, `2024-01-31 12:00:00 UTC` |
| a date: its first moment, in UTC | `2024-01-31` |
| an epoch, as a number or as text: seconds or milliseconds | `1706702400`, `"1706702400123"`, `1706702400.5` |

Records have them as RFC 3339 in UTC, with all digits and a `Z`: `2024-01-31T06:30:00.123456789Z`.

Surrounding whitespace is ignored. These are not timestamps: a moment outside the years 1 to 9999 in UTC, a leap second, a
date without hyphens, and a number below nine digits or above thirteen.
"""  # noqa: E501 - a table

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: Epochs have from nine digits (seconds, from 1973 on) to thirteen (milliseconds, up to 2286). A smaller number may be
#: a year or a count, and a larger one a date without separators.
EPOCH_FROM, EPOCH_END = 10**8, 10**13
#: A number from this one on is in milliseconds: as seconds it would be in the year 5138, as milliseconds it is in 1973.
MILLISECONDS_FROM = 10**11
#: The first epoch (in 2001) in a header that asks for a wait. A smaller number is a wait in seconds.
WAIT_EPOCH_FROM = 10**9
#: Maximum digits of an epoch before its point, and maximum exponent: the finest clocks need 12 digits after the point.
MAX_DIGITS, MAX_EXPONENT = 13, 18
#: Lengths of texts. A longer timestamp (not counting its Z) may have more digits than a datetime.
DATE, MICROSECONDS = len("2024-01-31"), len("2024-01-31T12:00:00.123456")
#: The last instant that a datetime can hold.
LAST = datetime.max.replace(tzinfo=timezone.utc)
EPOCH_UNITS = {"epoch": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}
#: Units that a strftime pattern may show, from the finest.
UNITS = tuple(timedelta(**{unit: 1}) for unit in ("microseconds", "seconds", "minutes", "hours", "days"))

#: Matches timestamps in their final form: RFC 3339 in UTC, on a day that every year has.
is_normal = re.compile(
    r"(?!0000)\d{4}-"
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?Z",
    re.ASCII,
).fullmatch
_match_date_time = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d)(?:(:[0-5]\d)(\.\d+)?)?"
    r" ?(?:Z|z|UTC|([+-](?:[01]\d|2[0-3]))(?::?([0-5]\d))?)?",
    re.ASCII,
).fullmatch
#: The hour in UTC, if the day is the same, by the hour and the offset of a text: `12` for `14+02:00`.
_UTC_HOURS = {
    f"{hour:02}{sign}{abs(offset):02}:00": f"{hour - offset:02}"
    for hour in range(24)
    for offset in range(-12, 15)
    for sign in ("-" if offset < 0 else "+" if offset else "+-")
    if 0 <= hour - offset < 24  # noqa: PLR2004 - hours of a day
}
_match_epoch = re.compile(r"-?[1-9][0-9]{8,12}(?:\.[0-9]+)?").fullmatch
_YEAR = re.compile(r"((?<!%)(?:%%)*)%Y")
_cut_to_microseconds = re.compile(r"(\.\d{6})\d+").sub


def normalize(value: object) -> str | None:
    """Return the timestamp as RFC 3339 in UTC, with all its digits and a `Z`; None if it is not a timestamp."""
    if type(value) is str:
        if is_normal(value):
            return value
        text = value.strip()
        if _match_epoch(text):
            return _from_decimal(Decimal(text))
        return to_utc(f"{text}T00:00" if len(text) == DATE else text)
    if type(value) is int:
        return _from_epoch(value)
    number = Decimal(repr(value)) if type(value) is float else value  # its digits, not those of the double
    return _from_decimal(number) if type(number) is Decimal else None


def to_utc(text: str) -> str | None:
    """Return a date with a time of day as `normalize` does; None for any other text."""
    hour = _UTC_HOURS.get(text[11:13] + text[-6:])
    if hour and is_normal(utc := f"{text[:11]}{hour}{text[13:-6]}Z"):
        return utc  # nearly all of them, without the cost of a datetime
    match = _match_date_time(text)
    if match is None:
        return None
    date, time, seconds, fraction, offset_hours, offset_minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{seconds or ':00'}")
        if offset_hours:
            moment -= _offset(offset_hours, offset_minutes or "00")
    except (OverflowError, ValueError):  # not in the calendar
        return None
    return f"{moment.isoformat()}{fraction or ''}Z"  # the digits as text, as a datetime holds only microseconds


def parse_instant(value: object) -> datetime | None:
    """Return the instant, in UTC, of any timestamp that `normalize` accepts; None if it is not a timestamp.

    Digits beyond microseconds are cut off. If they were rounded up, a bookmark could be later than its own row.
    """
    if type(value) is str and value[MICROSECONDS:] in {"", "Z"}:
        try:
            moment = msgspec.convert(f"{value}T00:00:00Z" if len(value) == DATE else value, datetime)
            return moment if moment.tzinfo is timezone.utc else _in_utc(moment)
        except (OverflowError, msgspec.ValidationError):
            pass  # it may have another form
    text = normalize(value)
    return None if text is None else msgspec.convert(_cut_to_microseconds(r"\1", text), datetime)


def parse_http_date(text: str) -> datetime | None:
    """Return the instant, in UTC, of an HTTP date; None if it is not a date."""
    try:
        return _in_utc(parsedate_to_datetime(text))
    except (OverflowError, ValueError):
        return None


def format_instant(moment: datetime, pattern: str, *, round_up: bool = False) -> str:
    """Return a moment in the API's format.

    What is finer than the pattern shows is cut off, or rounded up, so that a range never requests less than it should.

    Args:
        moment: The moment, in any zone.
        pattern: A strftime pattern, applied in UTC, or `epoch` or `epoch_ms`.
        round_up: Whether the moment is the end of a range.
    """
    moment = moment.astimezone(timezone.utc)
    unit = EPOCH_UNITS.get(pattern)
    if unit is None:
        unit = next((unit for unit in UNITS if (EPOCH + unit).strftime(pattern) != EPOCH.strftime(pattern)), UNITS[-1])
    whole = (moment - EPOCH) // unit
    if round_up and (moment - EPOCH) % unit and EPOCH + whole * unit <= LAST - unit:
        whole += 1
    if pattern in EPOCH_UNITS:
        return str(whole)
    shown = EPOCH + whole * unit
    # Most C libraries write the year 1 as `1`, which APIs cannot read.
    return shown.strftime(_YEAR.sub(rf"\g<1>{shown.year:04}", pattern))


def _in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC. Without a zone, it is taken as UTC."""
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@cache
def _offset(hours: str, minutes: str) -> timedelta:
    """Return the offset from UTC that `+05` and `30` mean."""
    return timedelta(hours=int(hours), minutes=int(f"{hours[0]}{minutes}"))


def _from_decimal(number: Decimal) -> str | None:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT or number.adjusted() >= MAX_DIGITS:
        return None
    # By text and integers, as decimal arithmetic rounds.
    return _from_epoch(int(f"{number:f}".replace(".", "")), max(-exponent, 0))


def _from_epoch(units: int, places: int = 0) -> str | None:
    """Return the timestamp of an epoch in seconds or milliseconds.

    Args:
        units: All digits of the epoch, without the decimal point.
        places: Number of digits after the point.
    """
    if not EPOCH_FROM * 10**places <= abs(units) < EPOCH_END * 10**places:
        return None
    if abs(units) >= MILLISECONDS_FROM * 10**places:
        places += 3
    seconds, rest = divmod(units, 10**places)
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    fraction = f".{rest:0{places}}".rstrip("0") if rest else ""
    return f"{moment.isoformat().removesuffix('+00:00')}{fraction}Z"
