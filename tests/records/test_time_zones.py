"""Timestamps with an offset: the same instants in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_feedback.records.timestamps import normalize

UTC = timezone.utc


def in_utc(local: datetime, fraction: str = "") -> str | None:
    """What a record has of a local time, by Python's own calendar."""
    try:
        return f"{local.astimezone(UTC).isoformat()[:19]}{fraction}Z"
    except OverflowError:
        return None


def zones() -> st.SearchStrategy[timezone]:
    """Zones of whole minutes; half of them of whole hours."""
    hours = st.integers(-23, 23).map(lambda hours: 60 * hours)
    return st.one_of(hours, st.integers(-1439, 1439)).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(
    st.datetimes(timezones=zones()).map(lambda moment: moment.replace(microsecond=0)),
    st.from_regex(r"(\.[0-9]{1,12})?", fullmatch=True),
    st.sampled_from("T t"),
)
@example(datetime(1, 1, 1, tzinfo=timezone(timedelta(minutes=1))), "", "T")  # in UTC, this is in the year 0
@example(datetime(1, 1, 1, tzinfo=UTC), ".000", "T")
@example(datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-1))), ".9", "T")
@example(datetime(2024, 2, 29, 23, tzinfo=timezone(timedelta(hours=-1))), ".123456789", "T")
def test_any_offset_is_the_same_instant(local: datetime, fraction: str, between: str) -> None:
    """A text with any offset becomes the same instant in UTC, with its digits as they were."""
    text = local.isoformat(between)
    assert normalize(f"{text[:19]}{fraction}{text[19:]}") == in_utc(local, fraction)


@pytest.mark.parametrize("offset", range(-23, 24))
def test_each_hour(offset: int) -> None:
    """Hours of the same day are converted without a calendar, and agree with it."""
    for hour in range(24):
        local = datetime(2024, 3, 1, hour, 30, 15, tzinfo=timezone(timedelta(hours=offset)))
        assert normalize(local.isoformat()) == in_utc(local)
