"""Singer state: its check, and its conversion if a singer-io tap wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


def checked_state(state: Any, streams: AbstractSet[str]) -> dict[str, Any]:
    """Return a state with `bookmarks`, which a singer-io tap leaves out.

    Args:
        state: The state that a runner passed in: any JSON value.
        streams: The stream names by which to recognise the state of a singer-io tap.

    Raises:
        ConfigurationError: It is not a Singer state.
    """
    if isinstance(state, dict) and "bookmarks" not in state:
        bare = {name: value for name, value in state.items() if name != "currently_syncing"}
        state = {"bookmarks": bare} if bare.keys() <= streams else state
    bookmarks = state.get("bookmarks") if isinstance(state, dict) else None
    if not isinstance(bookmarks, dict) or not all(isinstance(value, dict) for value in bookmarks.values()):
        raise ConfigurationError(
            "state: not a Singer state, which is {} or an object like "
            '{"bookmarks": {"forums": {"replication_key": "updated_at", "replication_key_value": "…"}}}, '
            'without the "type" and "value" of a message around it'
        )
    return dict(state)
