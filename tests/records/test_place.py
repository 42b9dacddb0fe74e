"""The place of a stopped sync in the state: what is refused, and when only the bookmark counts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.records.forums import bookmark, forums, forums_server, reached, rows, switched
from tests.runs import api, sync
from tests.server import Reply, Server

BOOKMARK = "2024-02-01T00:00:00Z"
PLACE = {
    "bookmark": BOOKMARK,
    "before": None,
    "began": "2024-04-01T00:00:00Z",
    "until": ["2024-03-01T00:00:00Z"],
    "newest": BOOKMARK,
}


def stopped(value: Any = BOOKMARK, **changed: Any) -> dict[str, Any]:
    """A state with a bookmark and a place."""
    state = bookmark(value)
    state["bookmarks"]["forums"]["progress"] = {**PLACE, **changed}
    return state


def test_a_stopped_sync_is_continued(caplog: pytest.LogCaptureFixture) -> None:
    """From its place on, without the lookback, which it has read. The bookmark does not pass the moment it began."""
    caplog.set_level("INFO")
    table = rows("2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", "2024-05-01T12:00:00Z")
    with forums_server(table) as server:
        run = forums(server, state=stopped(), incremental={"lookback": 86400 * 40})
    assert server.requests[0].query == {"updated_after": "2024-03-01T00:00:00Z"}
    assert run.ids("forums") == [2, 3]
    assert reached(run) == "2024-04-01T00:00:00Z"
    assert run.state["bookmarks"]["forums"]["progress"] == {"until": []}
    assert "forums: continues a sync that was stopped" in caplog.text
    assert "from 2024-03-01T00:00:00Z" in caplog.text


@pytest.mark.parametrize("value", ["2024-01-15T00:00:00Z", "2024-02-15T00:00:00Z"])
def test_a_bookmark_that_someone_has_changed_counts_alone(value: str) -> None:
    """Whoever moves it back wants to read again."""
    with forums_server(rows("2024-05-01T12:00:00Z")) as server:
        run = forums(server, state=stopped(value))
    assert server.requests[0].query == {"updated_after": value}
    assert reached(run) == "2024-05-01T12:00:00Z"


def test_a_place_is_of_one_key() -> None:
    """With another replication key, the stream is read from the beginning."""
    with forums_server([{"id": 1, "updated_at": BOOKMARK, "created_at": "2024-01-01T00:00:00Z"}]) as server:
        config = {"analytics": api(server.url)}
        state = stopped(None, bookmark=None)
        run = sync(config, catalog=switched(config, "forums", "created_at"), state=state)
    assert server.requests[0].query == {}
    assert run.ids("forums") == [1]


def test_a_place_is_of_as_many_passes() -> None:
    """With another pass, rows before the place may be missing."""
    with forums_server([]) as server:
        streams = {"forums": {"passes": [{"archived": "true"}, {"archived": "false"}]}}
        forums(server, state=stopped(), streams=streams)
    assert {asked.query["updated_after"] for asked in server.requests} == {BOOKMARK}


def test_a_later_start_date_counts() -> None:
    """As it does after a bookmark."""
    with forums_server([]) as server:
        forums(server, state=stopped(), top={"start_date": "2024-03-05"})
    assert server.requests[0].query == {"updated_after": "2024-03-05T00:00:00Z"}


def test_a_range_that_was_read_to_its_end_is_complete() -> None:
    """If the sync was stopped behind its last window, nothing is left to request."""
    with forums_server([]) as server:
        run = forums(server, state=stopped(), top={"end_date": "2024-03-01"})
        assert not server.requests
    assert reached(run) == BOOKMARK
    assert "progress" not in run.state["bookmarks"]["forums"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"until": "2024-03-01"}, "`progress` of forums is not what the tap writes there"),
        ({"until": ["soon"]}, "`progress.until` of forums is not a point in time"),
        ({"until": ["2123-01-01"]}, "`progress.until` of forums is in the future, so rows would be left out"),
        ({"began": "2123-01-01"}, "`progress.began` of forums is in the future, so rows would be left out"),
        ({"began": ""}, "`progress.began` of forums is not a point in time"),
        ({"page": 3}, "`progress` of forums is not what the tap writes there"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(changed: dict[str, Any], words: str) -> None:
    """Before any request; the message says what to do."""
    with Server(lambda asked: Reply(status=404)) as server:
        run = forums(server, state=stopped(**changed))
        assert not server.requests
    assert f"state: {words}" in str(run.error)
    assert str(run.error).endswith("; remove `progress` from the state of forums, to read from its bookmark on")
