"""`incremental.initial_value`: the start to send to an API that hides older rows unless a start is requested."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tap_feedback.records.time_range import SyncClock, TimeRange, Window
from tap_feedback.records.timestamps import parse_instant
from tap_feedback.settings import Incremental
from tests.configs import problems
from tests.records.forums import bookmark, forums, reached, rows
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

OLD, RECENT = "2015-06-01T00:00:00Z", "2024-03-01T00:00:00Z"
SINCE = {"initial_value": "2010-01-01"}


def hiding(asked: RecordedRequest) -> dict[str, Any]:
    """An API that shows older rows only if a start is sent."""
    after = asked.query.get("updated_after", "2024-02-01T00:00:00Z")
    return {"forums": [row for row in rows(OLD, RECENT) if row["updated_at"] >= after]}


def whole(server: Server, **more: Any) -> Run:
    """Sync the forums FULL_TABLE."""
    config = {"analytics": api(server.url, **more), "start_date": "2024-01-01"}
    catalog = catalog_of(config, "forums")
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    return sync(config, catalog=catalog)


def test_an_api_that_hides_old_rows_is_read_whole() -> None:
    """The value is sent if there is neither a bookmark nor `start_date`."""
    with Server(hiding) as server:
        assert forums(server).ids("forums") == [2]
        run = forums(server, incremental=SINCE)
        assert run.ids("forums") == [1, 2]
        assert reached(run) == RECENT
        again = forums(server, incremental=SINCE, state=run.state)
        assert again.ids("forums") == [2]
        forums(server, incremental=SINCE, top={"start_date": "2012-01-01"})
    sent = [request.query.get("updated_after") for request in server.requests]
    assert sent == [None, "2010-01-01T00:00:00Z", RECENT, "2012-01-01T00:00:00Z"]


def test_rows_before_the_value_are_kept() -> None:
    """It opens the window of the API, and is no wish to leave out rows."""
    with Server(lambda _: {"forums": rows("2001-01-01T00:00:00Z", RECENT)}) as server:
        assert forums(server, incremental=SINCE).ids("forums") == [1, 2]
        assert whole(server, incremental=SINCE).ids("forums")[:2] == [1, 2]


def test_a_full_table_sync_sends_it_whatever_start_date_says() -> None:
    """Nothing else opens the window of the API there."""
    with Server(hiding) as server:
        run = whole(server, incremental={**SINCE, "end_param": None})
    assert run.error is None
    assert run.ids("forums") == [1, 2]
    assert [request.query for request in server.requests] == [{"updated_after": "2010-01-01T00:00:00Z"}]


def test_a_stream_without_a_replication_key_sends_it() -> None:
    """A report has rows without a time of change, and still needs a start and an end."""
    own = {
        "path": "/ratings",
        "data_selector": "results",
        "paginator": {"type": "single_page"},
        "incremental": {"start_param": "start", "end_param": "end", "initial_value": "2010-01-01"},
    }

    def report(asked: RecordedRequest) -> Any:
        if not {"start", "end"} <= asked.query.keys():
            return Reply({"error": "start and end are required"}, 400)
        return {"results": [{"id": "a"}]}

    began = datetime.now(timezone.utc).replace(microsecond=0)
    with Server(report) as server:
        config = {"support": api(server.url, streams={"ratings": own}), "start_date": "2024-01-01"}
        run = sync(config, catalog=catalog_of(config, "ratings"))
    assert (run.error, set(run.ids("ratings"))) == (None, {"a"})
    assert server.requests[0].query["start"] == "2010-01-01T00:00:00Z"
    end = parse_instant(server.requests[0].query["end"])
    assert end is not None
    assert began <= end <= datetime.now(timezone.utc) + timedelta(seconds=1)


def test_a_row_that_changes_during_a_full_table_sync_is_not_lost() -> None:
    """It leaves the range that ends when the sync began, before its page is read; the range behind that has it."""

    def answer(asked: RecordedRequest) -> Any:
        if asked.query["updated_after"] == "2010-01-01T00:00:00Z":
            return {"forums": rows(OLD)}
        return {"forums": [{"id": 2, "updated_at": asked.query["updated_before"]}]}

    with Server(answer) as server:
        run = whole(server, incremental=SINCE)
    assert (run.error, run.ids("forums")) == (None, [1, 2])
    first, behind = server.requests
    assert behind.query["updated_after"] < first.query["updated_before"] <= behind.query["updated_before"]


def test_an_incremental_stream_sends_the_moment_the_sync_began_as_its_end() -> None:
    """One range, from the value or the bookmark; `end_date` has precedence, and the bookmark stays below both."""
    with Server(hiding) as server:
        first = forums(server, incremental=SINCE)
        forums(server, incremental=SINCE, state=first.state)
        forums(server, incremental=SINCE, top={"end_date": "2024-06-01"})
        forums(server)
    ends = [parse_instant(request.query.get("updated_before")) for request in server.requests]
    assert len(ends) == 4
    assert all(end is not None and end.year >= 2026 for end in ends[:2])
    assert ends[2:] == [datetime(2024, 6, 1, tzinfo=timezone.utc), None]


@pytest.mark.parametrize(("pattern", "start"), [("epoch", 1262304000), ("epoch_ms", 1262304000000)])
def test_it_is_sent_in_the_format_of_the_api_and_in_a_body(pattern: str, start: int) -> None:
    """A date is written as `start_date` is, and an API of epochs receives a number, as its variable too."""
    own = {
        "path": "/search",
        "method": "POST",
        "data_selector": "data",
        "json": {"query": {"field": "updated_at"}, "copy": "{incremental.start_value}"},
        "paginator": {"type": "single_page"},
        "incremental": {"start_param": "query.value", "format": pattern, **SINCE},
    }
    with Server(lambda _: {"data": [{"id": "a"}]}) as server:
        config = {"support": api(server.url, streams={"tickets": own})}
        run = sync(config, catalog=catalog_of(config, "tickets"))
    assert run.error is None
    assert [request.json for request in server.requests] == [
        {"query": {"field": "updated_at", "value": start}, "copy": start}
    ]


def test_windows_begin_at_the_value() -> None:
    """A first sync is split as one from `start_date` is."""
    incremental = {"initial_value": "2024-01-01", "window": 10}
    with Server(hiding) as server:
        run = forums(server, incremental=incremental, top={"end_date": "2024-01-31"})
    assert run.error is None
    assert sorted(request.query["updated_after"] for request in server.requests) == [
        "2024-01-01T00:00:00Z",
        "2024-01-10T23:59:59Z",
        "2024-01-20T23:59:59Z",
    ]


def test_discovery_and_the_connection_test_send_it() -> None:
    """Columns are inferred from the rows that a sync reads."""
    with Server(hiding) as server:
        config = {"analytics": api(server.url, incremental=SINCE, streams={"forums": {"schema": "infer"}})}
        catalog_of(config, "forums")
    assert [request.query["updated_after"] for request in server.requests] == ["2010-01-01T00:00:00Z"]


def test_an_end_is_never_before_its_start() -> None:
    """A sync in the very second of its bookmark still requests a range."""
    now = datetime(2024, 1, 1, tzinfo=timezone.utc)
    incremental = Incremental(start_param="a", end_param="b", initial_value="2010-01-01")
    wanted = TimeRange(now, None, incremental=incremental, clock=SyncClock(now), is_whole=False, sends_end=True)
    assert [wanted.bounds(window) for group in wanted.windows() for window in group] == [
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z")
    ]
    assert wanted.bounds(Window(now, now + timedelta(days=1)))[1] == "2024-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("incremental", "line"),
    [
        ({"initial_value": "soon"}, "must be a date or date-time, as in"),
        ({"initial_value": 5}, "must be a date or date-time, as in"),
        ({"initial_value": "2999-01-01"}, "lies in the future, so nothing would be read"),
        ({"initial_value": "2024-06-01"}, "must be before `end_date`"),
        (
            {"initial_value": "2010-01-01", "start_param": None},
            "needs `start_param`, or `{incremental.start_value}` in `params` or `json`",
        ),
    ],
)
def test_what_cannot_work_is_refused(incremental: dict[str, Any], line: str) -> None:
    """For an API and for a stream alike."""
    block: dict[str, Any] = {"base_url": "https://a.b", "api_key": "k"}
    top = {"end_date": "2024-06-01"} if "end_date" in line else {}
    (found,) = problems({"analytics": {**block, "incremental": incremental}, **top})
    assert found.startswith(f"`analytics.incremental.initial_value` {line}")
    (found,) = problems({"analytics": {**block, "streams": {"forums": {"incremental": incremental}}}, **top})
    assert found.startswith(f"`analytics.streams.forums.incremental.initial_value` {line}")


def test_a_variable_can_take_the_place_of_the_parameter() -> None:
    """The start may be part of a query that the API has a language for."""
    params = {"jql": "updated >= {incremental.start_value}"}
    block = {"base_url": "https://a.b", "api_key": "k", "incremental": {**SINCE, "start_param": None}}
    assert problems({"analytics": {**block, "streams": {"forums": {"params": params}}}}) == []
    assert problems({"analytics": {**block, "params": params}}) == []


def test_a_bookmark_still_goes_before() -> None:
    """An older one than the value, too: the state knows what was read."""
    with Server(hiding) as server:
        forums(server, incremental=SINCE, state=bookmark("2005-01-01T00:00:00Z"))
    assert server.requests[0].query["updated_after"] == "2005-01-01T00:00:00Z"
