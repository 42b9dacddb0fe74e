"""`incremental.trust_filter`: an API that filters by another field than the replication key."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tap_feedback.records.timestamps import parse_instant
from tests.configs import problems
from tests.records.forums import bookmark, forums, reached
from tests.server import RecordedRequest, Server

TRUST = {"trust_filter": True}


class Desk:
    """Conversations with the time `at` that the API filters by, and `updated_at`, which rows show."""

    def __init__(self, **conversations: tuple[str, str]) -> None:
        self.table = conversations

    def __call__(self, asked: RecordedRequest) -> dict[str, Any]:
        """Those in the range; the end is exclusive."""
        after, before = asked.query.get("updated_after", ""), asked.query.get("updated_before", "9")
        return {
            "forums": [
                {"id": int(name[1:]), "updated_at": shown}
                for name, (at, shown) in self.table.items()
                if after <= at < before
            ]
        }


def test_rows_that_the_api_finds_changed_are_written_whatever_their_key_says() -> None:
    """A workflow touched conversation 1, which moves the field that the API filters by, and no other."""
    desk = Desk(c1=("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"), c2=("2024-02-01T00:00:00Z",) * 2)
    with Server(desk) as server:
        first = forums(server, incremental=TRUST)
        desk.table["c1"] = ("2024-03-01T00:00:00Z", "2024-01-01T00:00:00Z")
        assert forums(server, state=first.state).ids("forums") == [2]
        second = forums(server, incremental=TRUST, state=first.state)
    assert second.ids("forums") == [1, 2]
    assert reached(second) == "2024-02-01T00:00:00Z"
    assert server.requests[-1].query["updated_after"] == "2024-02-01T00:00:00Z"


def test_the_bookmark_does_not_pass_the_moment_the_sync_began() -> None:
    """The key may lie later than the field that the API filters by: rows that come from now on may lie between."""
    began = datetime.now(timezone.utc)
    with Server(Desk(c1=("2024-01-01T00:00:00Z", f"{began + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}"))) as server:
        run = forums(server, incremental=TRUST)
    moment = parse_instant(reached(run))
    assert moment is not None
    assert timedelta(seconds=-1) <= moment - began <= timedelta(seconds=9)


def test_the_next_range_begins_the_lookback_before_the_bookmark() -> None:
    """A rating is listed by its creation, and may still change for so long."""
    desk = Desk(c1=("2024-01-01T00:00:00Z",) * 2, c2=("2024-01-10T00:00:00Z",) * 2)
    incremental = {**TRUST, "lookback": 14 * 86400}
    with Server(desk) as server:
        first = forums(server, incremental=incremental)
        desk.table["c1"] = ("2024-01-01T00:00:00Z", "2024-01-12T00:00:00Z")
        second = forums(server, incremental=incremental, state=first.state)
    assert second.records("forums")[0]["updated_at"] == "2024-01-12T00:00:00Z"
    assert reached(second) == "2024-01-12T00:00:00Z"


def test_a_part_up_to_end_date_passes_no_row_of_the_next_part() -> None:
    """Row 1 is in the first part by its creation; row 2, which was created later, lies before it by the key."""
    desk = Desk(c1=("2024-01-01T00:00:00Z", "2024-08-01T00:00:00Z"), c2=("2024-07-01T00:00:00Z",) * 2)
    with Server(desk) as server:
        first = forums(server, incremental=TRUST, top={"end_date": "2024-06-01"})
        second = forums(server, incremental=TRUST, state=first.state)
    assert first.ids("forums") == [1]
    assert reached(first) == "2024-06-01T00:00:00Z"
    assert second.ids("forums") == [2]


def test_an_old_key_does_not_move_the_bookmark_back() -> None:
    """What the state had reached stays."""
    state = bookmark("2024-02-01T00:00:00Z")
    with Server(Desk(c1=("2024-03-01T00:00:00Z", "2020-01-01T00:00:00Z"))) as server:
        run = forums(server, incremental=TRUST, state=state)
    assert run.ids("forums") == [1]
    assert reached(run) == "2024-02-01T00:00:00Z"


@pytest.mark.parametrize("place", ["api", "stream"])
def test_there_must_be_a_filter_to_trust(place: str) -> None:
    """Without a start in the request the API returns everything, at every sync."""
    incremental = {"incremental": {**TRUST, "start_param": None}}
    more: dict[str, Any] = incremental if place == "api" else {"streams": {"forums": incremental}}
    (found,) = problems({"analytics": {"base_url": "https://a.b", "api_key": "k", **more}})
    assert "trust_filter` needs `start_param`, or `{incremental.start_value}` in `params` or `json`" in found
