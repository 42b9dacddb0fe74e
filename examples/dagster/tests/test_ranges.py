"""Ranges of a backfill follow each other without a gap."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from feedback_loads.ranges import is_over, moment, ranges


def test_quarters() -> None:
    """Each range ends at the start of the next one, also from one year to the next."""
    found = list(ranges(date(2023, 7, 1), date(2024, 7, 1), 3))
    assert [each.name for each in found] == ["2023-07", "2023-10", "2024-01", "2024-04"]
    assert [each.end for each in found[:-1]] == [each.start for each in found[1:]]
    assert moment(found[-1].end) == "2024-07-01T00:00:00Z"


def test_the_last_range_ends_with_the_backfill() -> None:
    """It may be shorter than the others."""
    assert [each.end for each in ranges(date(2023, 1, 1), date(2023, 6, 1), 3)] == [date(2023, 4, 1), date(2023, 6, 1)]


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2023, 1, 2), date(2023, 4, 1), 3),
        (date(2023, 1, 1), date(2023, 4, 5), 3),
        (date(2023, 4, 1), date(2023, 4, 1), 3),
        (date(2023, 1, 1), date(2023, 4, 1), 0),
    ],
)
def test_ranges_that_are_refused(start: date, end: date, months: int) -> None:
    """Ranges are whole months."""
    with pytest.raises(ValueError, match="`backfill"):
        list(ranges(start, end, months))


def test_the_end_of_a_range() -> None:
    """A range is over a day after its end, so that no row comes into it late."""
    today = datetime.now(tz=timezone.utc).date()
    assert [is_over(today + timedelta(days=days)) for days in (-2, -1, 1)] == [True, True, False]
