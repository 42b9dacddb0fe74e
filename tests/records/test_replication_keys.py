"""Replication keys: points in time and numbers, and what a catalog makes of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.records.forums import bookmark, forums_server, reached, rows, switched
from tests.runs import api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server


def test_a_number_can_be_the_replication_key() -> None:
    """A catalog may name the id: it is compared as a number, and no time range is requested."""
    table = [{"id": number} for number in (9, 10, 8)]
    with Server(lambda asked: {"forums": table}) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-01"}
        catalog = switched(config, "forums", "id")
        first = sync(config, catalog=catalog)
        second = sync(config, catalog=catalog, state=first.state)
    assert first.ids("forums") == [9, 10, 8]
    assert first.state == bookmark(10, key="id")
    assert second.ids("forums") == [10]
    assert {str(asked.query) for asked in server.requests} == {"{}"}


@pytest.mark.parametrize("value", ["nine", "9", "2024-01-01T00:00:00Z", True, {"at": 9}])
def test_a_bookmark_of_another_kind_is_refused_before_any_request(value: Any) -> None:
    """A bookmark of a numeric key that is no number cannot be compared, and the message says what to do."""
    with Server(lambda asked: {"forums": [{"id": 9}]}) as server:
        config = {"analytics": api(server.url)}
        run = sync(config, catalog=switched(config, "forums", "id"), state=bookmark(value, key="id"))
    assert run.error is not None
    assert run.error.startswith("state: the bookmark of forums is not a number, as `id` is: remove it from the state")
    assert server.requests == []


def test_a_stream_without_a_key_of_its_own_can_be_incremental() -> None:
    """A feedback stream that is switched to INCREMENTAL by its timestamp writes what is new."""
    table = [{"id": str(number), "timestamp": f"2024-01-0{number}T00:00:00Z"} for number in range(1, 6)]

    def answer(asked: RecordedRequest) -> Any:
        start = int(asked.query["offset"])
        return {"data": table[start : start + 2]}

    with Server(answer) as server:
        config = {"feedback": api(server.url, paginator={"limit": 2})}
        catalog = switched(config, "feedback_data", "timestamp")
        first = sync(config, catalog=catalog)
        table.append({"id": "6", "timestamp": "2024-01-06T00:00:00Z"})
        second = sync(config, catalog=catalog, state=first.state)
    assert first.ids("feedback_data") == ["1", "2", "3", "4", "5"]
    assert second.ids("feedback_data") == ["5", "6"]


@pytest.mark.parametrize("column", [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}])
def test_a_row_of_today_is_read_though_the_key_is_a_date(column: dict[str, str]) -> None:
    """A row dated tomorrow, as it is in some places already, does not move the bookmark beyond those of today."""
    now = datetime.now(timezone.utc)
    yesterday, today, tomorrow = (f"{now + timedelta(days=days):%Y-%m-%d}" for days in (-1, 0, 1))
    table = [{"id": "1", "day": today}, {"id": "2", "day": tomorrow}]
    own = {
        "replication_key": "day",
        "schema": {"day": column},
        "paginator": {"type": "single_page"},
        "incremental": {"start_param": "since"},
    }
    with Server(lambda asked: {"data": table}) as server:
        config = {"feedback": api(server.url, streams={"feedback_data": own})}
        first = sync(config)
        table.append({"id": "3", "day": today})
        second = sync(config, state=first.state)
    assert second.ids("feedback_data") == ["1", "2", "3"]
    assert first.state["bookmarks"]["feedback_data"]["replication_key_value"] in {yesterday, today}


def test_a_range_of_dates_begins_with_a_whole_day() -> None:
    """Rows dated like the bookmark may have come after its time."""
    own = {
        "replication_key": "day",
        "schema": {"day": {"type": "string", "format": "date"}},
        "paginator": {"type": "single_page"},
        "incremental": {"start_param": "since"},
    }
    table = [{"id": "1", "day": "2024-01-30"}, {"id": "2", "day": "2024-01-31"}]
    with Server(lambda asked: {"data": table}) as server:
        config = {"feedback": api(server.url, streams={"feedback_data": own})}
        state = {
            "bookmarks": {"feedback_data": {"replication_key": "day", "replication_key_value": "2024-01-31T17:00:00Z"}}
        }
        run = sync(config, state=state)
        moved = sync({**config, "start_date": "2024-01-31T17:00:00Z"})
    assert run.ids("feedback_data") == moved.ids("feedback_data") == ["2"]
    assert {asked.query["since"] for asked in server.requests} == {"2024-01-31T00:00:00Z"}


# Keys that have no order


def refused(config: dict[str, Any], catalog: dict[str, Any] | None) -> str:
    """The message with which a sync ends before any request."""
    run = sync(config, catalog=catalog)
    assert not run.messages
    assert not run.failures
    return str(run.error)


@pytest.mark.parametrize("stream", ["feedback_data", "forums"])
def test_a_text_as_replication_key_is_refused(stream: str) -> None:
    """As texts "10" comes before "9", so the rows after the ninth would be left out by every sync that follows."""
    api_name, key = ("feedback", "id") if stream == "feedback_data" else ("analytics", "name")
    with Server(lambda asked: Reply(status=404)) as server:
        by_settings = {api_name: api(server.url, streams={stream: {"replication_key": key}})}
        by_catalog = {api_name: api(server.url)}
        messages = [
            refused(by_settings, catalog_of(by_settings, stream)),
            refused(by_catalog, switched(by_catalog, stream, key)),
        ]
        assert not server.requests
    for message in messages:
        assert message.startswith(f"{stream}: the replication key {key!r} is neither a point in time nor a number")
        assert f"`{api_name}.streams.{stream}.replication_key`" in message


def retyped(config: dict[str, Any], subschema: dict[str, Any]) -> dict[str, Any]:
    """A catalog of the forums in which `updated_at` has another schema."""
    catalog = catalog_of(config, "forums")
    for entry in catalog["streams"]:
        entry["schema"]["properties"]["updated_at"] = subschema
    return catalog


@pytest.mark.parametrize("lost", [{"type": ["string", "null"]}, {"type": "string"}, {}])
def test_a_catalog_that_lost_the_format_of_a_timestamp_loses_no_row(lost: dict[str, Any]) -> None:
    """The tap's own schema knows a point in time; as texts, 09:45Z and 06:00-05:00 come before 10:00+02:00."""
    table = rows("2024-04-05T10:00:00+02:00", "2024-04-05T09:30:00+00:00")
    with forums_server(table) as server:
        config = {"analytics": api(server.url)}
        catalog = retyped(config, lost)
        first = sync(config, catalog=catalog)
        table += [
            {"id": 3, "updated_at": "2024-04-05T09:45:00+00:00"},
            {"id": 4, "updated_at": "2024-04-05T06:00:00-05:00"},
        ]
        second = sync(config, catalog=catalog, state=first.state)
    assert reached(first) == "2024-04-05T09:30:00+00:00"
    assert second.ids("forums") == [2, 3, 4]
    assert reached(second) == "2024-04-05T06:00:00-05:00"


@pytest.mark.parametrize(
    "number", [{"type": ["integer", "null"]}, {"type": "number"}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}]
)
def test_a_catalog_may_make_a_number_of_a_key(number: dict[str, Any]) -> None:
    """A version that counts up is compared as a number, even if the tap's own schema says a time."""
    with forums_server(rows(10, 9)) as server:
        config = {"analytics": api(server.url)}
        first = sync(config, catalog=retyped(config, number))
        second = sync(config, catalog=retyped(config, number), state=first.state)
    assert first.state == bookmark(10)
    assert second.ids("forums") == [1]
    assert all(not asked.query for asked in server.requests)


def test_a_date_is_a_point_in_time() -> None:
    """A key without a time of day begins its day."""
    with forums_server(rows("2024-01-09", "2024-01-10")) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-10"}
        run = sync(config, catalog=retyped(config, {"type": ["string", "null"], "format": "date"}))
    assert run.ids("forums") == [2]
    assert server.requests[0].query == {"updated_after": "2024-01-10T00:00:00Z"}


@pytest.mark.parametrize(("key", "shown"), [("created_at", "`created_at`"), (None, "none"), ("updated_at", "")])
def test_a_replication_key_that_is_newer_than_the_catalog_is_reported(
    key: str | None, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The catalog wins, as its user may have chosen; the log names both."""
    with forums_server(rows("2024-01-01T00:00:00Z")) as server:
        catalog = catalog_of({"analytics": api(server.url)}, "forums")
        config = {"analytics": api(server.url, streams={"forums": {"replication_key": key}})}
        run = sync(config, catalog=catalog)
    assert run.state["bookmarks"]["forums"]["replication_key"] == "updated_at"
    warnings = [record.getMessage() for record in caplog.records if "the catalog says" in record.getMessage()]
    expected = (
        f"forums: `analytics.streams.forums.replication_key` is {shown}, but the catalog says `updated_at`, and the "
        "catalog wins: run `--discover` again, or change it there"
    )
    assert warnings == ([expected] if shown else [])


def test_a_replication_key_is_reported_if_the_catalog_has_none(caplog: pytest.LogCaptureFixture) -> None:
    """A catalog of the time when a stream was read whole has it read whole each time."""
    with Server(lambda asked: {"data": []}) as server:
        catalog = catalog_of({"feedback": api(server.url)}, "feedback_data")
        sync(
            {"feedback": api(server.url, streams={"feedback_data": {"replication_key": "timestamp"}})}, catalog=catalog
        )
    assert (
        "feedback_data.replication_key` is `timestamp`, but the catalog says none, and the catalog wins" in caplog.text
    )
