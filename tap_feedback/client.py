"""Behaviour that all streams share: requests → pages → records → messages, and the three APIs they belong to."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import AbortedSyncFailedException, FatalSyncError
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.encoding.simple import ActivateVersionMessage

from tap_feedback.catalog import with_fixed_parts
from tap_feedback.checkpoint import checkpoints_of
from tap_feedback.connection_test import prove
from tap_feedback.lock import LockClosed
from tap_feedback.output import Output
from tap_feedback.progress import extras
from tap_feedback.ranged_stream import RangedStream
from tap_feedback.records.conform import EXTRA
from tap_feedback.records.mapping import MappingFailedError
from tap_feedback.replication_check import check_replication, warn_of_older_catalog, warn_of_rows_without_key
from tap_feedback.request_check import check_requests

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_feedback.checkpoint import Checkpoints
    from tap_feedback.writer import MessageWriter

Record = dict[str, Any]


class FeedbackStream(RangedStream):
    """A stream with its catalog entry, its records, its messages and its state."""

    def __init__(self, tap: Tap, **parts: Any) -> None:
        self.tap = tap
        self._is_announced = False
        self._output: Output | None = None
        super().__init__(tap, **parts)
        self.writer: MessageWriter = tap.message_writer  # type: ignore[assignment]  # TapFeedback makes no other

    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log a message of the SDK: the start of a sync with its starting point, errors at the debug level only.

        To the SDK, every exception is an unhandled error, even the one that ends its own tests after some rows. The
        tap reports errors itself.
        """
        if message.startswith("Beginning sync of"):
            origin = self.replication.origin if self.replication else "the beginning"
            message, args = f"{message} from %s", (*args, origin)
        super().log(message, *args, level=logging.DEBUG if level == logging.ERROR else level, **kwargs)

    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply the catalog's entry for this stream. What it leaves out keeps the stream's own value."""
        own_keys = self.primary_keys
        if entry := catalog.get_stream(self.name):
            root = entry.metadata.get(())
            keys = entry.key_properties or getattr(root, "table_key_properties", None) or own_keys
            schema = with_fixed_parts(entry.schema.to_dict(), keys, keep_unknown=self.keeps_unknown)
            # The SDK's mapper reads both from here, too. An empty list is kept: SCHEMA then has no key.
            entry.schema = Schema.from_dict(schema)
            if entry.key_properties is None:
                entry.key_properties = list(keys)
        super().apply_catalog(catalog)
        self.primary_keys = self.primary_keys or own_keys

    def check(self) -> None:
        """Check, before any request is sent, that the stream can be synced with this catalog and state.

        Raises:
            ConfigurationError: It cannot. The message says what to change.
        """
        warn_of_older_catalog(self)
        check_replication(self)
        check_requests(self, self.time_range.whole)
        if self.parents is not None:
            self.parents.check()

    def run(self) -> None:
        """Sync the stream to its end, and record that in the state."""
        self.progress.result = "running"
        self.sync()
        self.complete()
        self.progress.result = "complete"

    def clean_up(self) -> None:
        """Remove batch files that are not complete. A stream that waits when a signal comes cannot do that itself."""
        if self._output is not None:
            self._output.close()

    def test_connection(self) -> None:
        """Read the first two pages with rows without writing them, and log what they prove, as `--test` does."""
        self.progress.result = "running"
        self.stream_log.info("ok, %s", prove(self))

    # Record and message

    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Return None, as the SDK would write batch files more slowly, and compressed in any case."""

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Record, Any, Any]:
        """Sync page by page. The SDK would handle one record at a time, and compare bookmarks as text.

        Yields:
            Nothing, as the records have been written.
        """
        del context, write_messages  # no stream has partitions, and all records are written
        output = self._output = Output(self)
        with ExitStack() as metrics:
            counter = metrics.enter_context(self.get_record_counter())
            metrics.enter_context(self.get_sync_timer())
            batches = metrics.enter_context(self.get_batch_counter()) if output.batches else None
            try:
                counted = 0  # the counter starts again when it is logged
                for _ in self._sync_pages(output):
                    counter.increment(self.progress.rows - counted)
                    counted = self.progress.rows
                output.flush()
            except LockClosed:
                metrics.pop_all()  # another thread writes the last messages and log lines
                raise
            except BaseException:
                self.writer.flush()
                raise
            finally:
                output.close()
                if batches and output.batches:
                    batches.increment(output.batches.count)
            self.writer.flush()
        yield from ()

    def _sync_pages(self, output: Output) -> Iterator[None]:
        """Sync each page in turn."""
        findings = output.findings
        for page in self.pages():
            if self.post_processes:
                page = self.post_processed(page)  # noqa: PLW2901
            extras_before = findings.rows_with_extra
            rows = output.conform(page)
            records = rows if self.replication is None else self.replication.filter(rows)
            if self.ABORT_AT_RECORD_COUNT is not None:
                records = records[: self.ABORT_AT_RECORD_COUNT - self.progress.rows]
            try:
                output.write(records, page.received)
            except MappingFailedError as error:
                position = next(number for number, row in enumerate(rows, 1) if row is error.record)
                raise FatalSyncError(f"page {self.progress.pages}, new row {position}: {error}") from None
            self.progress.rows += len(records)
            with_extras = findings.rows_with_extra - extras_before
            if len(records) < len(page.rows):  # the other rows are not written
                with_extras = min(with_extras, sum(record.get(EXTRA, True) is not None for record in records))
            self.progress.rows_with_extras += with_extras
            yield
            if self.ABORT_AT_RECORD_COUNT is not None and self.progress.rows >= self.ABORT_AT_RECORD_COUNT:
                output.flush()
                self.tap.state_writer.write_state(self.tap_state)  # as the SDK does
                raise AbortedSyncFailedException("the dry run reached its limit of records")

    def _write_schema_message(self) -> None:
        """Write the SCHEMA messages; in a sync not yet, but before the first record.

        The SDK calls this before the first request, and a target creates a table immediately. If the stream then failed
        on its primary key, for example, it would leave a table with the wrong key behind.
        """
        if self.progress.result == "running":
            self._is_announced = False
        else:
            super()._write_schema_message()

    def announce(self) -> None:
        """Write the SCHEMA messages, unless this sync has already written them."""
        if not self._is_announced:
            self._is_announced = True
            super()._write_schema_message()

    # State

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return None: the replication itself keeps the bookmark from passing the start of the sync."""

    @property
    def emit_activate_version_messages(self) -> bool:
        """False, as the SDK would write it before the rows, and the target would delete what a failed sync lacks."""
        return False

    @property
    def version(self) -> int | None:
        """The version of the table; None if the target should keep rows that the API no longer has."""
        is_wanted = self.general.emit_activate_version_messages and self.replication is None
        return self.tap.initialized_at // 1000 if is_wanted else None

    def new_checkpoints(self) -> Checkpoints | None:
        """Return the checkpoints of a new sync; None if its state can only move at its end."""
        return checkpoints_of(self, self._output) if self._output else None

    def complete(self) -> None:
        """Move the bookmark, activate the version and write the state, after the last row of a successful sync."""
        if self.parents is not None:
            self.parents.complete()
        self.progress.is_resumable = False
        self.announce()  # in case there was no row
        if self.replication is not None:
            self.replication.move_bookmark()
            self.progress.bookmark = str(self.replication.bookmark or "")
            warn_of_rows_without_key(self, self.replication)
        elif self.version is not None:
            for stream_map in self.stream_maps:
                if not isinstance(stream_map, RemoveRecordTransform):
                    self.writer.write_message(ActivateVersionMessage(stream_map.stream_alias, self.version))
        self.tap.state_writer.write_state(self.tap_state)
        found = self._output.findings if self._output else None
        if found and (line := extras(self.progress.rows_with_extras, found.extra, found.misfits, found.replaced)):
            self.stream_log.info("%s", line)


class FeedbackAPI(FeedbackStream):
    """A stream of the customer feedback API."""

    api = "feedback"


class AnalyticsAPI(FeedbackStream):
    """A stream of the product feedback ("analytics") API, whose rows have the time of their last update."""

    api = "analytics"
    replication_key = "updated_at"


class SupportAPI(FeedbackStream):
    """A stream of the customer support API."""

    api = "support"
