"""The state that a stream begins with and ends with, and what the log says of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.records.forums import bookmark, forums, forums_server, reached, rows
from tests.runs import api, sync
from tests.server import Reply, Server

# States of other taps


@pytest.mark.parametrize(
    "state",
    [
        {"currently_syncing": "forums", "bookmarks": {"forums": {"updated_at": "2024-02-01T00:00:00Z"}}},
        {"currently_syncing": None, "forums": {"updated_at": "2024-02-01T00:00:00Z"}},
        {"forums": {"updated_at": "2024-02-01T00:00:00Z"}},
    ],
)
def test_the_state_of_a_singer_io_tap_is_taken_over(state: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """A switch from such a tap reads nothing again; the oldest of them have no `bookmarks`."""
    caplog.set_level("INFO")
    with forums_server(rows("2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z", "2024-02-02T00:00:00Z")) as server:
        run = forums(server, state=state)
        assert "forums: takes over the bookmark of a singer-io tap, `updated_at`" in caplog.text
        caplog.clear()
        again = forums(server, state=run.state)
    assert [asked.query["updated_after"] for asked in server.requests] == [
        "2024-02-01T00:00:00Z",
        "2024-02-02T00:00:00Z",
    ]
    assert (run.ids("forums"), again.ids("forums")) == ([2, 3], [3])
    assert reached(run) == "2024-02-02T00:00:00Z"
    assert "singer-io" not in caplog.text


@pytest.mark.parametrize(
    ("state", "start"),
    [
        ({"updated_at": "2024-03-01", **bookmark("2024-02-01T00:00:00Z")["bookmarks"]["forums"]}, "2024-02-01"),
        ({"updated_at": "2024-01-01", **bookmark("2024-02-01T00:00:00Z")["bookmarks"]["forums"]}, "2024-02-01"),
        ({"updated_at": "2024-01-01", **bookmark("2024-02-01", key="id")["bookmarks"]["forums"]}, "2024-01-01"),
        ({"updated_at": 1704067200}, "2024-01-01"),
        ({"created_at": "2024-01-01"}, None),
        ({"updated_at": None}, None),
    ],
)
def test_the_own_bookmark_goes_before_that_of_a_singer_io_tap(state: dict[str, Any], start: str | None) -> None:
    """The SDK's form counts if it is of this key; a bookmark under another name is of another key."""
    with forums_server([]) as server:
        forums(server, state={"bookmarks": {"forums": state}})
    assert server.requests[0].query == ({"updated_after": f"{start}T00:00:00Z"} if start else {})


@pytest.mark.parametrize(
    ("value", "words"), [("yesterday", "is not a point in time"), ("2123-01-01", "is in the future")]
)
def test_a_singer_io_bookmark_that_cannot_be_used_is_refused(value: str, words: str) -> None:
    """As the SDK's own: before any request."""
    with Server(lambda asked: Reply(status=404)) as server:
        run = forums(server, state={"bookmarks": {"forums": {"updated_at": value}}})
        assert not server.requests
    assert f"state: the bookmark of forums {words}" in str(run.error)


# What the log says


@pytest.mark.parametrize(
    ("table", "state", "words"),
    [
        ([{"id": 1}], None, "there is no bookmark and every sync reads everything"),
        (rows(None, "nonsense"), None, "there is no bookmark and every sync reads everything"),
        (rows(None), "2024-01-01T00:00:00Z", "the bookmark does not move and every sync starts from it"),
        ([], None, None),
        (rows(None, "2024-02-01T00:00:00Z"), None, None),
        (rows("2023-02-01T00:00:00Z", None), "2024-01-01T00:00:00Z", None),
    ],
)
def test_rows_without_the_replication_key_are_reported(
    table: list[dict[str, Any]], state: str | None, words: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """An incremental stream without a bookmark reads everything every time, and looks healthy."""
    with forums_server(table) as server:
        run = forums(server, state=bookmark(state) if state else None)
    assert run.error is None
    warnings = [record.getMessage() for record in caplog.records if "no row has" in record.getMessage()]
    expected = f"forums: no row has `updated_at`, so {words}; check `analytics.streams.forums.replication_key`"
    assert warnings == ([expected] if words else [])


@pytest.mark.parametrize(
    ("settings", "state", "origin"),
    [
        ({}, None, "the beginning"),
        ({"start_date": "2024-01-01"}, None, "2024-01-01T00:00:00Z"),
        ({}, "2024-02-01T02:00:00.5+02:00", "2024-02-01T00:00:00Z"),
        ({"start_date": "2024-03-01"}, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
    ],
)
def test_the_log_says_from_where_a_stream_is_read(
    settings: dict[str, Any], state: str | None, origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each stream has the start that is sent."""
    caplog.set_level("INFO")
    with forums_server([]) as server:
        forums(server, top=settings, state=bookmark(state) if state else None)
    lines = [record.getMessage() for record in caplog.records if "Beginning sync" in record.getMessage()]
    assert lines == [f"Beginning sync of 'forums' in incremental mode from {origin}"]


def test_the_log_says_that_a_full_table_starts_at_the_beginning(caplog: pytest.LogCaptureFixture) -> None:
    """`start_date` has no effect on them, as it is for incremental streams."""
    caplog.set_level("INFO")
    with Server(lambda asked: {"data": []}) as server:
        sync({"feedback": api(server.url), "start_date": "2024-01-01"})
    assert "Beginning sync of 'feedback_data' in full_table mode from the beginning" in caplog.text


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
