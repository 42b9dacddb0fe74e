"""States that a runner returns."""

from __future__ import annotations

from typing import Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.state import checked_state

STREAMS = {"forums", "features"}
BOOKMARK = {"replication_key": "updated_at", "replication_key_value": "2024-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("state", "bookmarks"),
    [
        ({}, {}),
        ({"bookmarks": {}}, {}),
        ({"bookmarks": {"forums": BOOKMARK}}, {"forums": BOOKMARK}),
        ({"bookmarks": {"forumz": BOOKMARK}}, {"forumz": BOOKMARK}),
        ({"forums": {"updated_at": "2024-01-01"}}, {"forums": {"updated_at": "2024-01-01"}}),
        ({"forums": {}, "currently_syncing": "features"}, {"forums": {}}),
        ({"currently_syncing": None}, {}),
    ],
)
def test_states(state: dict[str, Any], bookmarks: dict[str, Any]) -> None:
    """A state has bookmarks; that of a singer-io tap has them at the top."""
    assert checked_state(state, STREAMS)["bookmarks"] == bookmarks


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        "forums",
        {"bookmarks": []},
        {"bookmarks": None},
        {"bookmarks": {"forums": "2024-01-01"}},
        {"forums": "2024-01-01"},
        {"forumz": {"updated_at": "2024-01-01"}},
        {"type": "STATE", "value": {"bookmarks": {"forums": BOOKMARK}}},
        {"singer_state": {"bookmarks": {"forums": BOOKMARK}}},
    ],
)
def test_wrong_states(state: object) -> None:
    """Anything else is refused, as a sync would read everything again, and overwrite what it was."""
    with pytest.raises(ConfigurationError, match=r"^state: not a Singer state"):
        checked_state(state, STREAMS)
