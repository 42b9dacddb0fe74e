"""Incremental replication: the range that is requested, the rows that are written, and the bookmark."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.records.forums import bookmark, forums, forums_server, reached, rows
from tests.runs import api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%fZ"

# What is requested


@pytest.mark.parametrize(
    ("settings", "top", "state", "query"),
    [
        ({}, {}, None, {}),
        ({}, {"start_date": "2024-01-31"}, None, {"updated_after": "2024-01-31T00:00:00Z"}),
        ({}, {"start_date": "2024-01-31T01:00:00+01:00"}, None, {"updated_after": "2024-01-31T00:00:00Z"}),
        ({}, {"start_date": "2024-01-01"}, "2024-02-01T00:00:00Z", {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {"start_date": "2024-03-01"}, "2024-02-01T00:00:00Z", {"updated_after": "2024-03-01T00:00:00Z"}),
        ({}, {}, "2024-02-01T02:00:00.75+02:00", {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {}, 1706745600, {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {"end_date": "2024-03-01"}, None, {"updated_before": "2024-03-01T00:00:00Z"}),
        ({}, {"end_date": "2024-03-01T00:00:00.5Z"}, None, {"updated_before": "2024-03-01T00:00:01Z"}),
        ({"lookback": 3600}, {}, "2024-02-01T00:00:00Z", {"updated_after": "2024-01-31T23:00:00Z"}),
        ({"lookback": 3600}, {"start_date": "2024-02-01"}, None, {"updated_after": "2024-02-01T00:00:00Z"}),
        ({"format": "epoch"}, {}, "2024-02-01T00:00:00Z", {"updated_after": "1706745600"}),
        ({"format": "epoch_ms"}, {}, "2024-02-01T00:00:00.5Z", {"updated_after": "1706745600500"}),
        ({"format": "%Y-%m-%d"}, {"end_date": "2024-03-01T12:00:00Z"}, None, {"updated_before": "2024-03-02"}),
        ({"start_param": "since"}, {}, "2024-02-01T00:00:00Z", {"since": "2024-02-01T00:00:00Z"}),
        ({"start_param": None}, {}, "2024-02-01T00:00:00Z", {}),
        # the forms that a record may have
        ({}, {}, "2024-02-01 00:00", {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {}, "2024-02-01 00:00:00 UTC", {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {}, "1706745600000", {"updated_after": "2024-02-01T00:00:00Z"}),
        # more digits than a datetime has: rounded up, the row at the bookmark would be left out
        (
            {"format": MICROSECONDS},
            {},
            "2024-02-01T00:00:00.1234567Z",
            {"updated_after": "2024-02-01T00:00:00.123456Z"},
        ),
        # the ends of the calendar
        ({}, {"start_date": "0001-01-01"}, None, {"updated_after": "0001-01-01T00:00:00Z"}),
        ({"lookback": 3600}, {}, "0001-01-01T00:30:00Z", {"updated_after": "0001-01-01T00:00:00Z"}),
        ({}, {"end_date": "9999-12-31T23:59:59.999Z"}, None, {"updated_before": "9999-12-31T23:59:59Z"}),
    ],
)
def test_the_range_is_requested(
    settings: dict[str, Any], top: dict[str, Any], state: Any, query: dict[str, str]
) -> None:
    """The bookmark less the lookback, or `start_date`, and `end_date` are sent as the settings say."""
    with forums_server([]) as server:
        run = forums(server, incremental=settings, top=top, state=state and bookmark(state))
    assert run.error is None
    assert server.requests[0].query == query


def test_a_full_table_sync_requests_everything() -> None:
    """`start_date` and bookmarks are for incremental syncs."""
    with forums_server(rows("2020-01-01T00:00:00Z")) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-01"}
        catalog = catalog_of(config, "forums")
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        run = sync(config, catalog=catalog, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [1]
    assert server.requests[0].query == {}


# Which rows are written


def test_rows_outside_the_range_are_left_out_whether_or_not_the_api_did() -> None:
    """Rows before the start are not written, nor any from `end_date` on; those at the bookmark come again."""
    table = rows(
        "2024-01-31T23:59:59.999Z",
        "2024-02-01T00:00:00Z",
        "2024-02-01T01:00:00+02:00",  # before, as an instant
        "2024-01-31T23:30:00-01:00",  # behind, as an instant
        "2024-02-29T23:59:59Z",
        "2024-03-01T00:00:00Z",
        None,
    )
    with forums_server(table) as server:
        run = forums(server, top={"end_date": "2024-03-01"}, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [2, 4, 5, 7]
    assert reached(run) == "2024-02-29T23:59:59Z"


def test_a_lookback_reads_rows_again() -> None:
    """Rows within the lookback are written again; the bookmark does not move back."""
    with forums_server(rows("2024-01-31T22:00:00Z", "2024-01-31T23:30:00Z")) as server:
        run = forums(server, incremental={"lookback": 3600}, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [2]
    assert reached(run) == "2024-02-01T00:00:00Z"


# The bookmark


@pytest.mark.parametrize(
    ("updated", "expected"),
    [
        (["2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z", "2024-01-02T00:00:00Z"], "2024-01-03T00:00:00Z"),
        (["2024-01-01T00:30:00Z", "2024-01-01T01:00:00+02:00"], "2024-01-01T00:30:00Z"),
        (["2024-01-01T00:30:00.5Z", "2024-01-01T03:00:00.500+02:00"], "2024-01-01T01:00:00.500Z"),
        (["2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z"], "2024-01-01T00:00:00.5Z"),
        (["2024-01-01T00:00:00Z", 1704153600], "2024-01-02T00:00:00Z"),
        (["2024-01-01T00:00:00Z", 1704153600000], "2024-01-02T00:00:00Z"),
        (["2024-01-01T00:00:00Z", None, "nonsense", "0000-00-00"], "2024-01-01T00:00:00Z"),
        ([None, None], None),
        ([], None),
    ],
)
def test_the_bookmark_is_the_latest_instant(updated: list[Any], expected: str | None) -> None:
    """Values are compared as points in time; others move nothing, and their rows are written."""
    with forums_server(rows(*updated)) as server:
        run = forums(server)
    assert run.error is None
    assert len(run.ids("forums")) == len(updated)
    assert reached(run) == expected


def test_a_bookmark_never_moves_back() -> None:
    """If no newer row comes, the bookmark does not move."""
    with forums_server(rows(None)) as server:
        assert reached(forums(server, state=bookmark("2024-02-01T00:00:00Z"))) == "2024-02-01T00:00:00Z"
    with forums_server([]) as server:
        assert reached(forums(server, state=bookmark("2024-02-01T00:00:00Z"))) == "2024-02-01T00:00:00Z"


def test_bookmark_does_not_pass_the_moment_the_sync_began() -> None:
    """A row that changes while the sync runs, or by a clock that is ahead, is written, and read again by the next."""
    before = datetime.now(timezone.utc)
    table = rows("2024-01-01T00:00:00Z", f"{before + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")
    with forums_server(table) as server:
        run = forums(server)
        after = datetime.now(timezone.utc)
        assert run.ids("forums") == [1, 2]
        moment = datetime.strptime(reached(run), "%Y-%m-%dT%H:%M:%S%z")
        assert before - timedelta(seconds=1) <= moment <= after
        assert forums(server, state=run.state).ids("forums") == [2]
        # A change in the second in which the sync began, by a clock in whole seconds.
        table.append({"id": 3, "updated_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})
        assert forums(server, state=run.state).ids("forums") == [2, 3]


def test_a_second_run_reads_only_what_is_at_the_bookmark() -> None:
    """The state of one run, handed to the next, leaves the rows at the bookmark and what is newer."""
    table = rows("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z")
    with forums_server(table) as server:
        first = forums(server)
        second = forums(server, state=first.state)
        table.append({"id": 4, "updated_at": "2024-01-02T00:00:00.001Z"})
        third = forums(server, state=second.state)
    assert (first.ids("forums"), second.ids("forums"), third.ids("forums")) == ([1, 2, 3], [2, 3], [2, 3, 4])
    assert reached(third) == "2024-01-02T00:00:00.001Z"


def test_a_failed_sync_leaves_the_bookmark() -> None:
    """What a sync wrote before it failed is read again: the state does not pass it."""

    def answer(asked: RecordedRequest) -> Any:
        if "cursor" in asked.query:
            return Reply(status=404)
        return {"forums": rows("2024-03-01T00:00:00Z"), "pagination": {"cursor": "b"}}

    with Server(answer) as server:
        run = forums(server, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [1]
    assert run.error is not None
    assert reached(run) == "2024-02-01T00:00:00Z"


def test_the_bookmark_of_another_key_is_not_used() -> None:
    """A stream whose replication key was changed starts again from the beginning."""
    with forums_server(rows("2024-01-01T00:00:00Z")) as server:
        run = forums(server, state=bookmark("2024-02-01T00:00:00Z", key="created_at"))
    assert run.ids("forums") == [1]
    assert run.state == bookmark("2024-01-01T00:00:00Z")


# Empty ranges


@pytest.mark.parametrize("window", [None, 30])
@pytest.mark.parametrize("end_date", ["2024-02-01", "2024-03-01"])
def test_an_end_before_the_bookmark_requests_nothing(
    window: float | None, end_date: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An API may refuse a range that ends before it begins; the stream has the whole range."""
    caplog.set_level("INFO")
    state = bookmark("2024-03-01T00:00:00Z")
    with Server(lambda asked: Reply(status=400)) as server:
        run = forums(server, top={"end_date": end_date}, state=state, incremental={"window": window})
    assert run.error is None
    assert not server.requests
    assert run.state == state
    assert [message["type"] for message in run.messages] == ["STATE", "SCHEMA", "STATE"]
    assert "forums: nothing to read: `end_date` is not after 2024-03-01T00:00:00Z" in caplog.text
    assert "no row has" not in caplog.text


def test_an_end_within_the_lookback_requests_the_rest() -> None:
    """What is read again before the bookmark counts."""
    with forums_server([]) as server:
        forums(
            server,
            top={"end_date": "2024-02-29T23:30:00Z"},
            state=bookmark("2024-03-01T00:00:00Z"),
            incremental={"lookback": 3600},
        )
    assert server.requests[0].query == {
        "updated_after": "2024-02-29T23:00:00Z",
        "updated_before": "2024-02-29T23:30:00Z",
    }
