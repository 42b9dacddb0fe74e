"""Place of a sync in the state: how far it has read, so that the next one continues there if it is stopped."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.records.timestamps import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Name of the place in the state of a stream.
PLACE = "progress"
#: Times in whole seconds, and those that are finer.
SECONDS, FINER = "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"

Value = str | int | float | None


class Stored(msgspec.Struct, forbid_unknown_fields=True):
    """The place as the state has it.

    Attributes:
        bookmark: The bookmark of the stream in the same state. If it is another one by now, the place does not count.
        before: The bookmark with which the sync began.
        began: The moment the sync began.
        until: For each pass, up to where all its rows were written; null for a pass that had not come anywhere.
        newest: The latest value of the replication key so far.
        query: Digest of what was requested. `until` does not count for anything else.
    """

    bookmark: Value
    before: Value
    began: str
    until: list[Value]
    newest: Value = None
    query: str | None = None


def has_place(state: Mapping[str, Any]) -> bool:
    """Return whether the state of a stream has a place."""
    part = state.get(PLACE)
    return part is not None and not (isinstance(part, dict) and part.get("until") == [])


def forget_place(state: dict[str, Any], *, leaves_mark: bool) -> None:
    """Take the place out of the state of a stream.

    Args:
        state: The state of the stream.
        leaves_mark: Whether an object with an empty list remains. Without it, the place comes back in a runner that
            merges a state with the one before, member by member. An object cannot be merged into null either.
    """
    if state.pop(PLACE, None) is not None and leaves_mark:
        state[PLACE] = {"until": []}


class Place(NamedTuple):
    """The place of a sync that was stopped: as `Stored`, with times as moments."""

    before: Value
    began: datetime
    until: list[Any]
    newest: Any = None
    query: str | None = None


def read_place(stream: str, state: Mapping[str, Any], key: str, bookmark: object, *, is_instant: bool) -> Place | None:
    """Return the place in a state; None if its last sync was complete, or its bookmark is another one by now.

    Args:
        stream: Name of the stream, for messages.
        state: Its state.
        key: The replication key.
        bookmark: The bookmark in it.
        is_instant: Whether the replication key is a point in time.

    Raises:
        ConfigurationError: What the state has there is not a place.
    """
    if not has_place(state):
        return None
    remedy = f"remove `{PLACE}` from the state of {stream}, to read from its bookmark on"
    try:
        stored = msgspec.convert(state[PLACE], Stored)
    except msgspec.ValidationError:
        raise ConfigurationError(
            f"state: `{PLACE}` of {stream} is not what the tap writes there, an object with `bookmark`, `before`, "
            f"`began`, `until`, `newest` and `query`; {remedy}"
        ) from None
    if stored.bookmark != bookmark or state.get("replication_key") != key:
        return None
    now = datetime.now(timezone.utc)

    def checked(name: str, value: Value, *, is_instant: bool) -> Any:
        found = parse_instant(value) if is_instant else value
        if found is None or isinstance(found, str):
            kind = "a point in time" if is_instant else "a number"
            raise ConfigurationError(f"state: `{PLACE}.{name}` of {stream} is not {kind}; {remedy}")
        if isinstance(found, datetime) and found > now:
            raise ConfigurationError(
                f"state: `{PLACE}.{name}` of {stream} is in the future, so rows would be left out; {remedy}"
            )
        return found

    began = checked("began", stored.began, is_instant=True)
    until = [None if each is None else checked("until", each, is_instant=is_instant) for each in stored.until]
    newest = stored.newest if is_instant or not isinstance(stored.newest, str) else None
    return Place(stored.before, began, until, newest, stored.query)


def stored_place(bookmark: Value, place: Place) -> dict[str, Any]:
    """Return a place as the state has it."""
    until = [exact(each) if isinstance(each, datetime) else each for each in place.until]
    return msgspec.structs.asdict(Stored(bookmark, place.before, exact(place.began), until, place.newest, place.query))


def exact(moment: datetime) -> str:
    """Return a moment as a text, to the microsecond."""
    return format_instant(moment, FINER if moment.microsecond else SECONDS)


def query_of(*parts: object) -> str:
    """Return a digest of what a sync requests."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()
