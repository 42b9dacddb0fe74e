"""Progress of a child stream in its state: which of its parents are done, and since when they are read."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import msgspec
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.records.timestamps import format_instant, parse_instant

#: Where the state of a stream has it.
PARENTS = "parents"
#: Progress is kept to the microsecond: a parent that changes later must count as changed.
PATTERN = "%Y-%m-%dT%H:%M:%S.%fZ"


class Stored(msgspec.Struct, forbid_unknown_fields=True):
    """The part of a state.

    While parents are left, `done` has the digests of the others, `began` is when the first of them was read, `newest`
    the latest value of the replication key so far, and `query` a digest of what is requested of each parent. `changed`
    is the latest change of a parent that is read.
    """

    query: str = ""
    began: str | None = None
    done: list[str] = []
    newest: str | int | float | None = None
    changed: str | None = None


class ParentProgress:
    """Which parents of one child stream are done.

    Args:
        stream: Name of the child stream, for messages.
        state: Its state, which changes with each parent that is done.
        query: Digest of what is requested of each parent: the progress of another query counts for nothing.
        keeps: Whether the next sync may leave out what this one has written.

    Raises:
        ConfigurationError: The state has something else in this place.
    """

    def __init__(self, stream: str, state: dict[str, Any], *, query: str, keeps: bool) -> None:
        self._state = state
        self._query = query
        self._keeps = keeps
        stored = _read(stream, state)
        continues = keeps and stored.query == query
        self._done = set(stored.done if continues else ())
        self.resumed = len(self._done)
        self.began = parse_instant(stored.began) if continues else None
        self.newest = stored.newest if continues else None
        #: The latest change of a parent that all syncs before have read; None to read all parents.
        self.changed = parse_instant(stored.changed)

    def is_done(self, digest: str) -> bool:
        """Whether a parent was read to its end, in this sync or in one that was stopped."""
        return digest in self._done

    def finish(self, digest: str, began: datetime, newest: Any) -> None:
        """Note that a parent is done, after its last row was written.

        Args:
            digest: Digest of the parent's key.
            began: The moment the sync began, or that of the first of those that were stopped.
            newest: The latest value of the replication key in all rows so far.
        """
        self._done.add(digest)
        if not self._keeps:
            return
        part = self._state.setdefault(PARENTS, {})
        if part.get("query") != self._query:
            # All members, as a runner may merge them with those of another sync.
            part.update(query=self._query, done=[], newest=None, changed=part.get("changed"))
        part["began"] = format_instant(began, PATTERN)
        part["done"].append(digest)
        if newest is not None:
            part["newest"] = newest

    def complete(self, changed: datetime | None, *, has_moved: bool) -> None:
        """Forget the single parents, as all are done.

        A runner may merge the state with the one before, which has them. If the next sync requests the same of each
        parent, an empty list remains, so that it does not leave them out.

        Args:
            changed: The latest change of a parent; None if that is not known.
            has_moved: Whether the bookmark moves, so that the next sync requests something else.
        """
        part = self._state.pop(PARENTS, {})
        latest = None if changed is None else format_instant(changed, PATTERN)
        if "done" in part and not has_moved:
            self._state[PARENTS] = {"query": "", "done": [], "changed": latest}
        elif latest is not None:
            self._state[PARENTS] = {"changed": latest}

    @property
    def size(self) -> int:
        """Number of bytes in the state, about."""
        return 14 * len(self._done) if self._keeps else 0


def _read(stream: str, state: dict[str, Any]) -> Stored:
    """The part of a state.

    Raises:
        ConfigurationError: It is something else.
    """
    remedy = f"remove `{PARENTS}` from the state of {stream}, to read all its parents again"
    try:
        stored = msgspec.convert(state.get(PARENTS, {}), Stored)
    except msgspec.ValidationError:
        raise ConfigurationError(
            f"state: `{PARENTS}` of {stream} is not what the tap writes there, an object with `changed`, or with "
            f"`began` and `done`; {remedy}"
        ) from None
    for name, moment in (("began", stored.began), ("changed", stored.changed)):
        if moment is not None and parse_instant(moment) is None:
            raise ConfigurationError(f"state: `{PARENTS}.{name}` of {stream} is not a point in time; {remedy}")
    if stored.done and stored.began is None:
        raise ConfigurationError(f"state: `{PARENTS}` of {stream} has `done` without `began`; {remedy}")
    changed = parse_instant(stored.changed)
    if changed is not None and changed > datetime.now(timezone.utc):
        raise ConfigurationError(
            f"state: `{PARENTS}.changed` of {stream} is in the future, so nothing would be read; {remedy}"
        )
    return stored
