"""Timestamps: what counts as one, for a record, a bookmark and a setting alike, and how an API wants one written.

| form | examples |
|---|---|
| RFC 3339 | `2024-01-31T12:00:00Z`, `2024-01-31t12:00:00.123456789+05:30` |
| as databases and languages print it; without a zone it is UTC | `2024-01-31 12:00`, `2024-01-31T12:00:00+00`, `2024-01-31 12:00:00 UTC` |
| a date: its first moment, in UTC | `2024-01-31` |
| an epoch, as a number or as text: seconds or milliseconds | `1706702400`, `"1706702400123"`, `1706702400.5` |

Surrounding whitespace is ignored. These are not timestamps: a moment outside the years 1 to 9999 in UTC, a leap second, a
date without hyphens, and a number below nine digits or above thirteen.
"""  # noqa: E501 - a table

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: Epochs have nine digits, from 1973 on, to thirteen, in milliseconds up to 2286: what is smaller may be a year or a
#: count, what is larger a date without its separators.
EPOCH_FROM, EPOCH_END = 10**8, 10**13
#: A number of at least this size counts milliseconds: as seconds it lies in the year 5138, as milliseconds in 1973.
MILLISECONDS_FROM = 10**11
#: The first epoch that can say when to send a request again, in 2001: a smaller number is a wait in seconds.
WAIT_EPOCH_FROM = 10**9
#: Digits of an epoch before its point, and powers of ten in its last digit: the finest clocks need 12 behind the point.
MAX_DIGITS, MAX_EXPONENT = 13, 18
#: Lengths of texts. A longer timestamp, but for its Z, may have more digits than a datetime.
DATE, MICROSECONDS = len("2024-01-31"), len("2024-01-31T12:00:00.123456")
#: The last instant that there is.
LAST = datetime.max.replace(tzinfo=timezone.utc)
EPOCH_UNITS = {"epoch": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}
#: Units that a strftime pattern may show, the finest first.
UNITS = tuple(timedelta(**{unit: 1}) for unit in ("microseconds", "seconds", "minutes", "hours", "days"))

#: Matches timestamps that are in their final form: RFC 3339, on a day that every year has. The first and the last day
#: of the calendar are left to `normalize`, as a zone may move them out of it.
is_normal = re.compile(
    r"(?!0000|0001-01-01|9999-12-31)\d{4}-"
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
).fullmatch
_match_timestamp = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d+)?)? ?(?:(?:Z|z|UTC)|([+-](?:[01]\d|2[0-3]))(?::?([0-5]\d))?)?)?",
    re.ASCII,
).fullmatch
_match_epoch = re.compile(r"-?[1-9][0-9]{8,12}(?:\.[0-9]+)?").fullmatch
_YEAR = re.compile(r"((?<!%)(?:%%)*)%Y")
_cut_to_microseconds = re.compile(r"(\.\d{6})\d+").sub


def normalize(value: object) -> str | None:
    """The timestamp in RFC 3339, to its last digit and in the zone that it has; None if it is no timestamp.

    RFC 3339 in upper case stays as it is.
    """
    if type(value) is str:
        if is_normal(value):
            return value
        text = value.strip()
        return _from_decimal(Decimal(text)) if _match_epoch(text) else _from_text(text)
    if type(value) is int:
        return _from_epoch(value)
    number = Decimal(repr(value)) if type(value) is float else value  # its digits, rather than those of the double
    return _from_decimal(number) if type(number) is Decimal else None


def parse_instant(value: object) -> datetime | None:
    """The instant in UTC of what `normalize` takes for a timestamp; None if it is no timestamp.

    Digits beyond microseconds are cut off: rounded up, a bookmark would pass its own row and those just behind it.
    """
    if type(value) is str and value[MICROSECONDS:] in {"", "Z"}:
        try:
            moment = msgspec.convert(f"{value}T00:00:00Z" if len(value) == DATE else value, datetime)
            return moment if moment.tzinfo is timezone.utc else _in_utc(moment)
        except (OverflowError, msgspec.ValidationError):
            pass  # it may have another form
    text = normalize(value)
    return None if text is None else _instant(text)


def parse_http_date(text: str) -> datetime | None:
    """The instant in UTC of an HTTP date; None if it is no date."""
    try:
        return _in_utc(parsedate_to_datetime(text))
    except (OverflowError, ValueError):
        return None


def format_instant(moment: datetime, pattern: str, *, round_up: bool = False) -> str:
    """A moment as an API wants it.

    What is finer than the pattern shows is cut off, or rounded up, so that a range never requests less than it should.

    Args:
        moment: It may be in any zone.
        pattern: A strftime pattern, which is used in UTC, or `epoch` or `epoch_ms`.
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
    # Most C libraries write the year 1 as `1`, which no API reads.
    return shown.strftime(_YEAR.sub(rf"\g<1>{shown.year:04}", pattern))


def _instant(text: str) -> datetime:
    """The instant of a text in RFC 3339.

    Raises:
        OverflowError: It is not in the calendar in UTC.
        msgspec.ValidationError: There is no such day or time.
    """
    return _in_utc(msgspec.convert(_cut_to_microseconds(r"\1", text), datetime))


def _in_utc(moment: datetime) -> datetime:
    """The moment in UTC, which is its zone if it has none."""
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _from_text(text: str) -> str | None:
    match = _match_timestamp(text)
    if match is None:
        return None
    date, time, seconds, offset_hour, offset_minute = match.groups()
    zone = f"{offset_hour}:{offset_minute or '00'}" if offset_hour else "Z"
    normal = f"{date}T{time or '00:00'}{seconds or ':00'}{zone}"
    if is_normal(normal):
        return normal
    try:
        _instant(normal)
    except (OverflowError, msgspec.ValidationError):
        return None
    return normal


def _from_decimal(number: Decimal) -> str | None:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT or number.adjusted() >= MAX_DIGITS:
        return None
    # Text and integers, as the arithmetic of decimals rounds.
    return _from_epoch(int(f"{number:f}".replace(".", "")), max(-exponent, 0))


def _from_epoch(units: int, places: int = 0) -> str | None:
    """The timestamp so many seconds or milliseconds after 1970, which are given without their decimal point.

    Args:
        units: The digits.
        places: How many of them are behind the point.
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
