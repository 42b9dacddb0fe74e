"""Timestamps: one table of forms for records, bookmarks and settings, and how APIs want them written."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_feedback.records.timestamps import format_instant, normalize, parse_http_date, parse_instant
from tests.records.conforming import is_date_time

UTC = timezone.utc
NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
EPOCH = int(NOON.timestamp())

#: Values, what a record has of them, and the instant in ISO 8601.
FORMS: list[tuple[Any, str, str]] = [
    # RFC 3339 in UTC is kept byte for byte
    ("2024-01-31T12:00:00Z", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
    ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999000"),
    # rounded up, these would be the next second, and the next year
    ("2024-01-31T23:59:59.9999999Z", "2024-01-31T23:59:59.9999999Z", "2024-01-31T23:59:59.999999"),
    ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999"),
    # other zones
    ("2024-01-31T12:00:00+00:00", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    ("2024-01-31T00:00:00.1234569-00:00", "2024-01-31T00:00:00.1234569Z", "2024-01-31T00:00:00.123456"),
    ("2024-01-31T14:00:00.25+02:00", "2024-01-31T12:00:00.25Z", "2024-01-31T12:00:00.250000"),
    ("2024-01-31T12:00:00.123456789+05:30", "2024-01-31T06:30:00.123456789Z", "2024-01-31T06:30:00.123456"),
    ("2024-01-31T11:59:59.50-12:00", "2024-01-31T23:59:59.50Z", "2024-01-31T23:59:59.500000"),
    ("2024-02-29T23:59:59+05:30", "2024-02-29T18:29:59Z", "2024-02-29T18:29:59"),
    ("2024-03-01T01:00:00+02:00", "2024-02-29T23:00:00Z", "2024-02-29T23:00:00"),
    ("2023-12-31T20:00:00.000-05:00", "2024-01-01T01:00:00.000Z", "2024-01-01T01:00:00"),
    ("2024-01-01T00:00:00+23:59", "2023-12-31T00:01:00Z", "2023-12-31T00:01:00"),
    ("0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
    ("0001-01-01T01:00:00+01:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
    ("9999-12-31T22:59:59.9999999-01:00", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999"),
    # other forms
    ("2024-01-31t12:00:00z", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    ("2024-01-31T12:00:00", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    ("2024-01-31 12:00:00.25", "2024-01-31T12:00:00.25Z", "2024-01-31T12:00:00.250000"),
    ("2024-01-31T12:34", "2024-01-31T12:34:00Z", "2024-01-31T12:34:00"),
    ("2024-01-31", "2024-01-31T00:00:00Z", "2024-01-31T00:00:00"),
    ("2024-01-31 12:00:00 UTC", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    ("2024-01-31 12:00:00 +0200", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00"),
    ("2024-01-31 12:00:00+00", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    ("2024-01-31T12:00:00-0730", "2024-01-31T19:30:00Z", "2024-01-31T19:30:00"),
    (" 2024-01-31T12:00:00Z\n", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    ("\t2024-01-31 ", "2024-01-31T00:00:00Z", "2024-01-31T00:00:00"),
    # epochs
    (EPOCH, "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    (float(EPOCH), "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    (EPOCH + 0.25, "2024-01-31T12:00:00.25Z", "2024-01-31T12:00:00.250000"),
    (Decimal(f"{EPOCH}.123456789012"), "2024-01-31T12:00:00.123456789012Z", "2024-01-31T12:00:00.123456"),
    (Decimal("1.7E+9"), "2023-11-14T22:13:20Z", "2023-11-14T22:13:20"),
    (EPOCH * 1000 + 250, "2024-01-31T12:00:00.25Z", "2024-01-31T12:00:00.250000"),
    (EPOCH * 1000 + 0.5, "2024-01-31T12:00:00.0005Z", "2024-01-31T12:00:00.000500"),
    (str(EPOCH), "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    (f"{EPOCH} ", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    (f"{EPOCH}.0", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00"),
    (f"{EPOCH * 1000 + 1}", "2024-01-31T12:00:00.001Z", "2024-01-31T12:00:00.001000"),
    (100_000_000, "1973-03-03T09:46:40Z", "1973-03-03T09:46:40"),
    (-100_000_000, "1966-10-31T14:13:20Z", "1966-10-31T14:13:20"),
    (-100_000_000.25, "1966-10-31T14:13:19.75Z", "1966-10-31T14:13:19.750000"),
    (99_999_999_999, "5138-11-16T09:46:39Z", "5138-11-16T09:46:39"),
    (100_000_000_000, "1973-03-03T09:46:40Z", "1973-03-03T09:46:40"),
    (9_999_999_999_999, "2286-11-20T17:46:39.999Z", "2286-11-20T17:46:39.999000"),
    (-60_000_000_000, "0068-09-03T13:20:00Z", "0068-09-03T13:20:00"),
]
#: Values that name no instant, or that may as well mean something else.
NO_FORMS: list[Any] = [
    *(None, True, False, {}, []),
    *("", "  ", "N/A", "soon", "nan", "inf", "1e9", "01/02/2024", "31.01.2024", "1706702400 Z"),
    *("0000-00-00", "0000-00-00 00:00:00", "0000-01-01T00:00:00Z", "2024-1-1", "2024-01", "2024-W01-1T00:00:00Z"),
    *("2024-02-30T00:00:00Z", "2023-02-29", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-04-31T00:00:00Z"),
    *("2024-01-01T24:00:00Z", "2024-01-01T25:00:00", "2016-12-31T23:59:60Z", "2024-01-31T12:00:00Z and more"),
    *("2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+05:60", "2024-01-31T12:00:00,5Z", "2024-01-31T12:00:00.Z"),
    # in UTC, these are in the years 0 and 10000
    *(
        "0001-01-01T00:00:00+01:00",
        "0001-01-01T13:59:59+14:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59.1234567-01:00",
    ),
    *("٢٠٢٤-01-01T00:00:00Z", "١٢٣٤٥٦٧٨٩٠"),
    # years, counts, dates without hyphens, and numbers beyond all clocks
    *("2024", "20240131", "20240131120000", "0001706702400", "1706702400." + "1" * 5000),
    *(0, -1, 2024, 20240131, 20240131120000, 10**8 - 1, 10**13, -(10**13), -(10**11 - 1), 10**400, 1e300),
    *(Decimal("0E+999999999"), Decimal("1E-999999999"), Decimal("1e400"), Decimal("NaN")),
    *(float("nan"), float("inf")),
]


@pytest.mark.parametrize(("value", "text", "instant"), FORMS)
def test_forms(value: Any, text: str, instant: str) -> None:
    """A record has every digit, in UTC; an instant is in UTC, too, and cut to microseconds."""
    assert normalize(value) == text
    assert is_date_time(text)
    moment = parse_instant(value)
    assert moment == datetime.fromisoformat(f"{instant}+00:00")
    assert moment.tzinfo is UTC
    assert parse_instant(text) == moment
    assert normalize(text) == text


@pytest.mark.parametrize("value", NO_FORMS)
def test_what_is_no_timestamp(value: Any) -> None:
    """Neither the record nor the bookmark takes it for one."""
    assert normalize(value) is None
    assert parse_instant(value) is None


def exact_instant(text: str) -> Fraction:
    """Seconds since 1970 of a text in RFC 3339 in UTC, by Python's own calendar and with all digits."""
    match = re.fullmatch(r"(.{19})(?:\.(\d+))?Z", text)
    assert match is not None
    moment = datetime.fromisoformat(match[1] + "+00:00") - datetime(1970, 1, 1, tzinfo=UTC)
    return Fraction(moment // timedelta(seconds=1)) + Fraction(f"0.{match[2] or 0}")


def zones() -> st.SearchStrategy[timezone]:
    """Zones of whole minutes."""
    return st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def texts() -> st.SearchStrategy[str]:
    """Texts that are nearly timestamps, and many that are."""
    return st.from_regex(
        r"\A ?(\d{4}|2024|0001|9999|0000)-([01]\d|12|02|00)-([0-3]\d|28|29|30|31)"
        r"(([Tt _]|  )([012]\d|23|24):[0-6]\d(:[0-6]\d([.,]\d{0,9})?)?"
        r"( ?(Z|z|UTC|utc|[+-][012]\d(:?[0-6]\d)?)| )?)?\n?\Z",
        alphabet=st.characters(codec="ascii"),
    )


@given(
    st.one_of(
        texts(),
        st.datetimes(timezones=zones() | st.none()).map(str),
        st.integers(-(10**14), 10**14),
        st.integers(-(10**14), 10**14).map(str),
        st.floats(),
        st.floats(-1e13, 1e13).map(repr),
        st.decimals("-9999999999999", "9999999999999", places=9),
        st.text(),
        st.booleans(),
    )
)
@example("2024-01-31T12:00:00.1234567")  # as long as microseconds in UTC
@example("2024-01-31T12:00:00.123456z")
def test_a_record_and_a_bookmark_agree(value: Any) -> None:
    """What is a date-time in a record is an instant for the bookmark, the same one, and the reverse."""
    text, moment = normalize(value), parse_instant(value)
    assert (text is None) == (moment is None)
    if text is None or moment is None:
        return
    assert is_date_time(text)
    assert normalize(text) == text
    assert parse_instant(text) == moment
    seconds = exact_instant(text)
    assert (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == seconds * 10**6 // 1
    if not isinstance(value, str):
        number = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
        assert seconds == (number / 1000 if abs(number) >= 10**11 else number)


@pytest.mark.parametrize(
    ("pattern", "down", "up"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "2024-01-31T12:34:56Z", "2024-01-31T12:34:57Z"),
        ("%Y-%m-%dT%H:%M:%S.%fZ", "2024-01-31T12:34:56.789012Z", "2024-01-31T12:34:56.789012Z"),
        ("%Y-%m-%d %H:%M", "2024-01-31 12:34", "2024-01-31 12:35"),
        ("%Y-%m-%dT%H", "2024-01-31T12", "2024-01-31T13"),
        ("%Y-%m-%d", "2024-01-31", "2024-02-01"),
        ("%%Y %Y-%m-%d", "%Y 2024-01-31", "%Y 2024-02-01"),
        ("epoch", "1706704496", "1706704497"),
        ("epoch_ms", "1706704496789", "1706704496790"),
    ],
)
def test_formats(pattern: str, down: str, up: str) -> None:
    """What a pattern does not show is cut off at the beginning of a range, and rounded up at its end."""
    moment = datetime(2024, 1, 31, 14, 34, 56, 789012, tzinfo=timezone(timedelta(hours=2)))
    assert (format_instant(moment, pattern), format_instant(moment, pattern, round_up=True)) == (down, up)


@pytest.mark.parametrize("pattern", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d", "epoch", "epoch_ms"])
def test_whole_moments_stay(pattern: str) -> None:
    """A moment that a pattern shows whole is the same in both directions."""
    midnight = NOON - timedelta(hours=12)
    assert format_instant(midnight, pattern) == format_instant(midnight, pattern, round_up=True)


@pytest.mark.parametrize(
    ("moment", "pattern", "down", "up"),
    [
        (datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), "epoch", "-1", "0"),
        (datetime(1, 1, 1, tzinfo=UTC), "%Y-%m-%d", "0001-01-01", "0001-01-01"),
        (datetime(999, 1, 1, tzinfo=UTC), "%Y%%Y", "0999%Y", "0999%Y"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), "%Y-%m-%dT%H:%M:%SZ", *["9999-12-31T23:59:59Z"] * 2),
        (datetime(9999, 12, 31, tzinfo=UTC), "%Y-%m-%d", "9999-12-31", "9999-12-31"),
    ],
)
def test_the_ends_of_the_calendar(moment: datetime, pattern: str, down: str, up: str) -> None:
    """Before 1970, cutting off goes back in time; a year has four digits; no year follows the last one."""
    assert (format_instant(moment, pattern), format_instant(moment, pattern, round_up=True)) == (down, up)


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 31 Jan 2024 12:00:00 GMT",
        "Wed, 31 Jan 2024 14:00:00 +0200",
        "Wed, 31 Jan 2024 12:00:00 -0000",
        "Wednesday, 31-Jan-24 12:00:00 GMT",
        "Wed Jan 31 12:00:00 2024",
    ],
)
def test_http_dates(text: str) -> None:
    """All forms that HTTP has known, in UTC."""
    moment = parse_http_date(text)
    assert moment == NOON
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "0", "soon", "Thu, 32 Foo 2024", "Wed, 31 Jan 2024 25:00:00 GMT", "Wed, 31 Jan 2024 12:00:00 +9999"]
)
def test_what_is_no_http_date(text: str) -> None:
    """What cannot be read has no instant, and raises nothing."""
    assert parse_http_date(text) is None
