"""Parents of a child stream: which are read, and which are done."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_feedback.catalog import without_null
from tap_feedback.columns import with_bounds, with_null
from tap_feedback.parent_progress import ParentProgress
from tap_feedback.parent_rows import ParentRows, digest
from tap_feedback.progress import count
from tap_feedback.records.time_range import EARLIEST
from tap_feedback.request_check import check_requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tap_feedback.client import FeedbackStream
    from tap_feedback.parent_rows import Parent

#: Seconds between two STATE messages of a stream, and the bytes of its state that take another second.
STATE_INTERVAL = 5
BYTES_PER_SECOND = 100_000
#: Number of parents that do not all vanish between their list and the next request.
MANY = 10
#: A column whose type the parent does not have.
TEXT = {"type": ["string", "null"]}


class Parents:
    """The parents of one child stream.

    Args:
        child: The stream that is read once for each.
        stream: Lists them. It is the child's alone, so that a sync of the same rows as a stream goes its own way.
    """

    def __init__(self, child: FeedbackStream, stream: FeedbackStream) -> None:
        self.child = child
        self.rows = ParentRows(child, stream)
        self._changed_field = child.declaration.parent_changed_field
        self._lookback = timedelta(seconds=stream.declaration.incremental.lookback)
        self._running: set[str] = set()
        self._finished = 0
        self._gone: list[str] = []  # those that returned 404, as long as all do
        self._newest: datetime | None = None
        self._next_state = 0.0
        stream.forced_replication_method = REPLICATION_FULL_TABLE  # which has no bookmark, and no start
        stream.clock = child.clock

    def add_columns(self, known: Mapping[str, Any]) -> None:
        """Give the child the columns that it takes from its parent.

        Args:
            known: The columns of the parent, whose types they have, unless the child has its own.
        """
        child, properties = self.child, self.child.schema["properties"]
        for name, field in child.declaration.include_from_parent.items():
            if name in child.declaration.columns or (name in properties and name not in child.primary_keys):
                continue
            if name in child.primary_keys:
                properties[name] = without_null(known[field]) if field in known else properties[name]
            elif field in known or not child.declaration.infers:
                properties[name] = with_bounds(with_null(known.get(field, TEXT)))

    def check(self) -> None:
        """Check the state, and the requests for the list, before any request is sent.

        Raises:
            ConfigurationError: They are wrong; the message says what to change.
        """
        _ = self.progress
        check_requests(self.rows.stream, self.rows.stream.time_range.whole)

    # State

    @cached_property
    def progress(self) -> ParentProgress:
        """Which of them are done.

        Raises:
            ConfigurationError: The state has something else in its place.
        """
        child, own = self.child, self.child.declaration
        request = (own.path, own.method, own.params, own.json, own.passes, own.data_selector, own.include_from_parent)
        key = child.replication_key if child.replication else None
        query = repr((request, key, child.time_range.start, child.time_range.end))
        # A target would delete the rows of a version before, and a batch may not be written when its parent is done.
        keeps = child.version is None and child.general.batch_config is None
        progress = ParentProgress(child.name, child.stream_state, query=digest(query.encode()), keeps=keeps)
        if progress.began is not None:
            child.clock.began = min(child.clock.began, progress.began)
        if child.replication is not None:
            child.replication.note_newest(progress.newest)
        return progress

    # List

    def left(self) -> Iterator[Parent]:
        """The parents to read: not done, and changed since the last sync if that is known.

        Raises:
            FatalAPIError: Their list could not be read, or a row lacks what the child needs.
        """
        since = self.since
        if self.progress.resumed:
            self.child.stream_log.info("continues a sync that was stopped: %s parents are done", self.progress.resumed)
        for parent in self.rows.read(since):
            if parent.changed is not None:
                self._newest = max(self._newest or parent.changed, parent.changed)
                if since is not None and parent.changed < since:
                    continue
            if parent.digest not in self._running and not self.progress.is_done(parent.digest):
                self._running.add(parent.digest)
                yield parent

    @cached_property
    def _is_proven(self) -> bool:
        """Whether any parent has returned something else than 404."""
        return self.progress.resumed > 0

    @cached_property
    def since(self) -> datetime | None:
        """The change from which on parents are read; None for all of them."""
        changed, lookback = self.progress.changed, self._lookback
        # Of a version, a target deletes the rows that do not come.
        if changed is None or self._changed_field is None or self.child.version is not None:
            return None
        return max(changed, EARLIEST + lookback) - lookback

    # End

    def finish(self, parent: Parent, *, is_gone: bool) -> None:
        """Note that a parent is done, after its last row was written.

        Args:
            parent: The parent.
            is_gone: Whether the API said 404. That is no proof as long as it says so for all: the path may be wrong.
        """
        child, progress = self.child, self.progress
        self._finished += 1
        if is_gone and not self._is_proven:
            self._gone.append(parent.digest)
            return
        self._is_proven = True
        newest = child.replication.newest if child.replication else None
        for done in (*self._gone, parent.digest):
            progress.finish(done, child.clock.began, newest)
            self._running.discard(done)
        self._gone.clear()
        total = self.rows.stream.progress.total if self.since is None else 0
        number = progress.resumed + self._finished
        child.progress.parents = f"{number:,} of {total:,} parents" if total else count(number, "parent")
        now = time.monotonic()
        if progress.size and now >= self._next_state:
            child.tap.state_writer.write_state(child.tap_state)
            self._next_state = now + max(STATE_INTERVAL, progress.size / BYTES_PER_SECOND)

    def complete(self) -> None:
        """Note that all parents are done.

        Raises:
            FatalAPIError: So many of them returned 404, and no other one anything else, that the path must be wrong.
        """
        child, field, gone = self.child, self._changed_field, len(self._gone)
        setting = f"`{child.api}.streams.{child.name}"
        if gone:
            words = f"returned 404 Not Found for {count(gone, 'parent')}, and for no parent anything else"
            if gone >= MANY:
                raise FatalAPIError(f"{words}; check {setting}.path`")
            child.stream_log.warning("%s, so there are no rows; check %s.path`", words, setting)
        if field is not None and self.rows.count and self._newest is None:
            child.stream_log.warning(
                "no row of %s has a time in `%s`, so every sync reads all of them; check %s.parent_changed_field`",
                *(self.rows.stream.name, field, setting),
            )
        changed = self.progress.changed if field is not None else None
        if self._newest is not None and not gone:
            newest = min(self._newest, child.clock.began)
            changed = max(changed or newest, newest)
        replication = child.replication
        self.progress.complete(changed, has_moved=replication is not None and replication.is_ahead)
