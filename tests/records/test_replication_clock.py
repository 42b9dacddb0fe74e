"""The clock of the API, beside ours: a bookmark passes neither."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest

from tap_feedback.records.timestamps import parse_instant
from tests.records.forums import bookmark, forums, reached, rows
from tests.server import RecordedRequest, Reply, Server


def http_date(moment: datetime) -> str:
    """A moment as a `Date` header."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def as_text(moment: datetime) -> str:
    """A moment as a row and its record have it."""
    return moment.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("window", [None, 1])
def test_no_change_is_lost_if_the_clock_of_the_api_is_behind(window: float | None) -> None:
    """Row 1 changes after its page was read, and row 2 later, but before its own is: the next sync reads row 1."""
    behind = timedelta(minutes=1)
    start = datetime.now(timezone.utc) - timedelta(days=1, hours=12)
    table = dict.fromkeys((1, 2), start + timedelta(hours=1))
    changes = iter([True])

    def answer(asked: RecordedRequest) -> Reply:
        now = datetime.now(timezone.utc) - behind
        first = parse_instant(asked.query["updated_after"]) or now
        last = parse_instant(asked.query.get("updated_before")) or now + timedelta(days=1)
        found = [row for row in table.items() if first <= row[1] <= last]
        here = found[1:] if "cursor" in asked.query else found[:1]
        body: dict[str, Any] = {"forums": [{"id": row[0], "updated_at": as_text(row[1])} for row in here]}
        if len(found) > 1 and "cursor" not in asked.query:
            body["pagination"] = {"cursor": "2"}
            if next(changes, False):
                table.update({1: now + timedelta(seconds=1), 2: now + timedelta(seconds=2)})
        return Reply(body, headers={"Date": http_date(now)})

    with Server(answer) as server:
        more: dict[str, Any] = {"top": {"start_date": start.isoformat()}, "incremental": {"window": window}}
        began = datetime.now(timezone.utc)
        first = forums(server, **more)
        second = forums(server, state=first.state, **more)
    assert first.error is second.error is None
    moment = parse_instant(reached(first))
    assert moment is not None
    assert timedelta(seconds=-1) <= moment - (began - behind) <= timedelta(seconds=1)
    # Row 2 left its window, which ends later than this clock; what is behind the windows is read from this clock on.
    assert set(first.ids("forums")) == {1, 2}
    newest = {row["id"]: row["updated_at"] for run in (first, second) for row in run.records("forums")}
    assert newest == {number: as_text(moment) for number, moment in table.items()}


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (timedelta(hours=-1), timedelta(hours=-1)),
        (timedelta(hours=1), timedelta(0)),
        (timedelta(days=36500), timedelta(0)),
        ("Thu, 32 Foo 2024", timedelta(0)),
        ("0", timedelta(0)),
        ("", timedelta(0)),
    ],
)
def test_the_earlier_of_both_clocks_bounds_the_bookmark(date: timedelta | str, expected: timedelta) -> None:
    """A `Date` in the future, or one that cannot be read, has no effect."""
    began = datetime.now(timezone.utc)
    header = date if isinstance(date, str) else http_date(began + date)
    table = rows(f"{began + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}")
    with Server(lambda asked: Reply({"forums": table}, headers={"Date": header})) as server:
        run = forums(server)
    moment = parse_instant(reached(run))
    assert moment is not None
    assert timedelta(seconds=-1) <= moment - began - expected <= datetime.now(timezone.utc) - began


def test_the_first_response_sets_the_clock() -> None:
    """What changes after the first page was read counts, so the clock of later responses does not."""
    began = datetime.now(timezone.utc).replace(microsecond=0)
    dates = [began - timedelta(minutes=minutes) for minutes in (30, 20)]
    later = f"{began:%Y-%m-%dT%H:%M:%SZ}"

    def answer(asked: RecordedRequest) -> Reply:
        page = int(asked.query.get("cursor", 0))
        body = {"forums": [{"id": page, "updated_at": later}], "pagination": {"cursor": None if page else "1"}}
        return Reply(body, headers={"Date": http_date(dates[page])})

    with Server(answer) as server:
        assert reached(forums(server)) == f"{dates[0]:%Y-%m-%dT%H:%M:%SZ}"


def test_a_bookmark_does_not_move_back_to_the_clock_of_the_api() -> None:
    """A corrected clock, or another server of the API, does not move the bookmark."""
    hour_ago = http_date(datetime.now(timezone.utc) - timedelta(hours=1))
    minute_ago = f"{datetime.now(timezone.utc) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    with Server(lambda asked: Reply({"forums": rows(minute_ago)}, headers={"Date": hour_ago})) as server:
        assert reached(forums(server, state=bookmark(minute_ago))) == minute_ago
