"""Replication: what is asked for, which rows are written, and where the bookmark comes to stand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.runs import Run, api, catalog_of, sync
from tests.server import Asked, Reply, Server


def rows(*updated: Any) -> list[dict[str, Any]]:
    """Forums, numbered from 1, each with its `updated_at`."""
    return [{"id": number, "updated_at": value} for number, value in enumerate(updated, 1)]


def forums_server(table: list[dict[str, Any]]) -> Server:
    """A server that gives all forums in one page, whatever time range is asked for."""
    return Server(lambda asked: {"forums": table})


def bookmark(value: Any, key: str = "updated_at") -> dict[str, Any]:
    """A state with a bookmark of the forums."""
    return {"bookmarks": {"forums": {"replication_key": key, "replication_key_value": value}}}


def forums(
    server: Server, *, state: dict[str, Any] | None = None, top: dict[str, Any] | None = None, **more: Any
) -> Run:
    """Sync the forums of a server."""
    config = {"analytics": api(server.url, **more), **(top or {})}
    return sync(config, catalog=catalog_of(config, "forums"), state=state)


def reached(run: Run) -> Any:
    """The bookmark of the forums at the end."""
    return run.state["bookmarks"]["forums"].get("replication_key_value")


# What the server is asked for


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
    ],
)
def test_the_server_is_asked_for_the_range(
    settings: dict[str, Any], top: dict[str, Any], state: Any, query: dict[str, str]
) -> None:
    """The bookmark less the lookback, or `start_date`, and `end_date` are sent as the settings say."""
    with forums_server([]) as server:
        run = forums(server, incremental=settings, top=top, state=state and bookmark(state))
    assert run.error is None
    assert server.asked[0].query == query


def test_a_full_table_sync_asks_for_everything() -> None:
    """`start_date` and bookmarks are for incremental syncs."""
    with forums_server(rows("2020-01-01T00:00:00Z")) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-01"}
        catalog = catalog_of(config, "forums")
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        run = sync(config, catalog=catalog, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [1]
    assert server.asked[0].query == {}


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
        (["2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z"], "2024-01-01T00:00:00.5Z"),
        (["2024-01-01T00:00:00Z", 1704153600], "2024-01-02T00:00:00Z"),
        (["2024-01-01T00:00:00Z", 1704153600000], "2024-01-02T00:00:00Z"),
        (["2024-01-01T00:00:00Z", None, "nonsense", "0000-00-00"], "2024-01-01T00:00:00Z"),
        ([None, None], None),
        ([], None),
    ],
)
def test_the_bookmark_is_the_latest_instant(updated: list[Any], expected: str | None) -> None:
    """Values are compared as points in time; those that are none move nothing, and their rows are written."""
    with forums_server(rows(*updated)) as server:
        run = forums(server)
    assert run.error is None
    assert len(run.ids("forums")) == len(updated)
    assert reached(run) == expected


def test_a_bookmark_never_moves_back() -> None:
    """Where nothing newer comes, the bookmark stays as it was handed in."""
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
        # A change in the second in which the sync began, told by a clock that shows whole seconds.
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

    def answer(asked: Asked) -> Any:
        if "cursor" in asked.query:
            return Reply(status=404)
        return {"forums": rows("2024-03-01T00:00:00Z"), "pagination": {"cursor": "b"}}

    with Server(answer) as server:
        run = forums(server, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [1]
    assert run.error is not None
    assert reached(run) == "2024-02-01T00:00:00Z"


def test_the_bookmark_of_another_key_is_not_used() -> None:
    """A stream whose replication key was changed begins anew."""
    with forums_server(rows("2024-01-01T00:00:00Z")) as server:
        run = forums(server, state=bookmark("2024-02-01T00:00:00Z", key="created_at"))
    assert run.ids("forums") == [1]
    assert run.state == bookmark("2024-01-01T00:00:00Z")


def switched(config: dict[str, Any], stream: str, key: str) -> dict[str, Any]:
    """A catalog with one stream, switched to this replication key."""
    catalog = catalog_of(config, stream)
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == stream:
            root = next(item["metadata"] for item in entry["metadata"] if not item["breadcrumb"])
            root.update({"replication-method": "INCREMENTAL", "replication-key": key})
    return catalog


def test_a_number_can_be_the_replication_key() -> None:
    """A catalog may name the id: it is compared as a number, and no time range is asked for."""
    table = [{"id": number} for number in (9, 10, 8)]
    with Server(lambda asked: {"forums": table}) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-01"}
        catalog = switched(config, "forums", "id")
        first = sync(config, catalog=catalog)
        second = sync(config, catalog=catalog, state=first.state)
    assert first.ids("forums") == [9, 10, 8]
    assert first.state == bookmark(10, key="id")
    assert second.ids("forums") == [10]
    assert {str(asked.query) for asked in server.asked} == {"{}"}


def test_a_bookmark_of_another_kind_fails_in_words() -> None:
    """A text as bookmark of a numeric key cannot be compared, which is told as such."""
    with Server(lambda asked: {"forums": [{"id": 9}]}) as server:
        config = {"analytics": api(server.url)}
        run = sync(config, catalog=switched(config, "forums", "id"), state=bookmark("nine", key="id"))
    assert "`id` cannot be compared" in run.failures["forums"]


def test_a_stream_without_a_key_of_its_own_can_be_incremental() -> None:
    """A feedback stream that is switched to INCREMENTAL by its timestamp writes what is new."""
    table = [{"id": str(number), "timestamp": f"2024-01-0{number}T00:00:00Z"} for number in range(1, 6)]

    def answer(asked: Asked) -> Any:
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


# ACTIVATE_VERSION


def test_activate_version_follows_the_last_row() -> None:
    """A complete FULL_TABLE sync activates the version that its records carry, after them and before the state."""
    with Server(lambda asked: {"data": [{"id": "1"}, {"id": "2"}] if asked.query["offset"] == "0" else []}) as server:
        run = sync({"feedback": api(server.url), "emit_activate_version_messages": True})
    kinds = [message["type"] for message in run.messages]
    assert kinds[-4:] == ["RECORD", "RECORD", "ACTIVATE_VERSION", "STATE"]
    assert kinds.count("ACTIVATE_VERSION") == 1
    versions = {message["version"] for message in run.messages if message["type"] in {"RECORD", "ACTIVATE_VERSION"}}
    assert len(versions) == 1


def test_failed_sync_does_not_activate_its_version() -> None:
    """A sync that fails half-way must not have the target delete what did not come."""
    pages = {"0": {"data": [{"id": "1"}, {"id": "2"}]}}
    with Server(lambda asked: pages.get(asked.query["offset"], Reply(status=401))) as server:
        config = {"feedback": api(server.url, paginator={"overlap": 0}), "emit_activate_version_messages": True}
        run = sync(config)
    assert run.ids("feedback_data") == ["1", "2"]
    assert run.error is not None
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}


def test_an_incremental_sync_activates_no_version() -> None:
    """What an incremental sync does not read is not gone."""
    with forums_server(rows("2024-01-01T00:00:00Z")) as server:
        run = forums(server, top={"emit_activate_version_messages": True})
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}
    assert "version" not in next(message for message in run.messages if message["type"] == "RECORD")
