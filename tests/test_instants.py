"""Points in time, read from what APIs and people write, and written as APIs want them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tap_feedback.instants import format_instant, parse_http_date, parse_instant

NOON = datetime(2024, 1, 31, 12, tzinfo=timezone.utc)
EPOCH = int(NOON.timestamp())


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-31T12:00:00Z",
        "2024-01-31t12:00:00z",
        "2024-01-31 12:00:00",
        "2024-01-31T12:00:00",
        " 2024-01-31T12:00:00.000Z ",
        "2024-01-31T12:00:00.000000000Z",
        "2024-01-31T14:00:00+02:00",
        "2024-01-31T14:00:00+0200",
        "2024-01-31T04:30:00-07:30",
        EPOCH,
        float(EPOCH),
        Decimal(EPOCH),
        EPOCH * 1000,
        str(EPOCH),
        f"{EPOCH}.0",
        str(EPOCH * 1000),
    ],
)
def test_instants_are_read(value: Any) -> None:
    """Each form of one instant gives this instant, in UTC."""
    moment = parse_instant(value)
    assert moment == NOON
    assert moment.tzinfo is timezone.utc


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-01-31", NOON - timedelta(hours=12)),
        ("2024-01-31T12:00:00.123456Z", NOON + timedelta(microseconds=123456)),
        (EPOCH + 0.25, NOON + timedelta(milliseconds=250)),
        (EPOCH * 1000 + 250, NOON + timedelta(milliseconds=250)),
        (0, datetime(1970, 1, 1, tzinfo=timezone.utc)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=timezone.utc)),
    ],
)
def test_fractions_dates_and_epochs(value: Any, moment: datetime) -> None:
    """A date begins in UTC, and fractions of a second count."""
    assert parse_instant(value) == moment


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, [], {}, "", "  ", "soon", "nan", "inf", "1e9", "١٢٣٤٥٦٧٨٩٠"),
        *(float("nan"), float("inf"), 10**400, -(10**30), Decimal("1e400")),
        *("0000-00-00", "0000-00-00 00:00:00", "2024-02-30", "2024-1-1", "2024-01", "2024", "20240131"),
        *("31.01.2024", "2024-01-31T25:00:00Z", "2024-01-31T12:00:00Z and more"),
        *("9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"),
    ],
)
def test_what_is_no_instant(value: Any) -> None:
    """What means no instant, or one beyond the calendar, gives none; a date without hyphens is no epoch."""
    assert parse_instant(value) is None


@pytest.mark.parametrize(
    ("pattern", "down", "up"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "2024-01-31T12:34:56Z", "2024-01-31T12:34:57Z"),
        ("%Y-%m-%dT%H:%M:%S.%fZ", "2024-01-31T12:34:56.789012Z", "2024-01-31T12:34:56.789012Z"),
        ("%Y-%m-%d %H:%M", "2024-01-31 12:34", "2024-01-31 12:35"),
        ("%Y-%m-%dT%H", "2024-01-31T12", "2024-01-31T13"),
        ("%Y-%m-%d", "2024-01-31", "2024-02-01"),
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


def test_before_the_epoch() -> None:
    """Cutting off goes back in time before 1970 too."""
    moment = datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=timezone.utc)
    assert (format_instant(moment, "epoch"), format_instant(moment, "epoch", round_up=True)) == ("-1", "0")


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
def test_dates_of_responses_are_read(text: str) -> None:
    """All forms that HTTP has known, in UTC."""
    moment = parse_http_date(text)
    assert moment == NOON
    assert moment.tzinfo is timezone.utc


@pytest.mark.parametrize(
    "text", ["", "0", "soon", "Thu, 32 Foo 2024", "Wed, 31 Jan 2024 25:00:00 GMT", "Wed, 31 Jan 2024 12:00:00 +9999"]
)
def test_dates_of_responses_that_are_none(text: str) -> None:
    """What cannot be read tells nothing, and raises nothing."""
    assert parse_http_date(text) is None
