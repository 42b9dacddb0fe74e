"""Output of one stream: makes rows fit the schema, maps them, and writes them as records."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.batches import Batches
from tap_feedback.records.conform import EXTRA, Conformer, MissingKey
from tap_feedback.records.mapping import Mapper, closed
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from datetime import datetime

    from tap_feedback.client import FeedbackStream
    from tap_feedback.page import Page
    from tap_feedback.records.conform import Findings

Record = dict[str, Any]


class Output:
    """Turns the rows of one stream into records, and writes them.

    Args:
        stream: The stream, with the catalog applied.
    """

    def __init__(self, stream: FeedbackStream) -> None:
        self._stream = stream
        first = stream.stream_maps[0]
        depth = first.flattening_options.max_level if first.flattening_enabled and first.flattening_options else None
        schema = stream.effective_schema
        # With flattening, members of objects that SCHEMA lacks do not pass.
        self._conform = Conformer(
            schema if depth is None else closed(schema, depth),
            key_properties=stream.primary_keys,
            keep_unknown=EXTRA in schema["properties"],
            on_first_misfit=self._warn_of_misfit,
        )
        settings, version = stream.general.batch_config, stream.version
        #: The batch files; None if records are written as RECORD messages.
        self.batches = Batches(settings, writer=stream.writer, lock=stream.lock, version=version) if settings else None

    @property
    def findings(self) -> Findings:
        """What the conformer has found."""
        return self._conform.findings

    def conform(self, page: Page) -> list[Record]:
        """Return the records of a page, made from copies of its rows, as the paginator still compares the rows.

        Raises:
            FatalAPIError: A row has no primary key.
        """
        stream, conform, scrub = self._stream, self._conform, page.unstorable
        records: list[Record] = []
        try:
            for row in page.rows:
                records.append(conform(row.copy(), scrub))  # noqa: PERF401 - the position is needed
        except MissingKey as error:
            raise FatalAPIError(
                f"page {stream.progress.pages}, new row {len(records) + 1}: {error}; "
                f"set `{stream.api}.streams.{stream.name}.primary_key` to a property that identifies a row"
            ) from None
        return records

    def _warn_of_misfit(self, name: str, reason: str) -> None:
        """Warn of the first value of a property that does not fit."""
        stream = self._stream
        kept = EXTRA in stream.effective_schema["properties"] and stream.mask[("properties", EXTRA)]
        place = f"kept in `{EXTRA}`" if kept else "dropped"
        stream.stream_log.warning(
            "`%s` had a value that does not fit (%s): %s; the property is null", one_line(name), reason, place
        )

    @cached_property
    def _mapper(self) -> Mapper:
        """The selection, stream maps and flattening of the stream."""
        stream = self._stream
        return Mapper(
            stream.name,
            stream.stream_maps,
            mask=stream.mask,
            configured=stream.config.get("stream_maps") or {},
        )

    def write(self, records: list[Record], received: datetime) -> None:
        """Write the records of a page, under each stream map.

        Raises:
            FatalSyncError: A batch file cannot be written.
            MappingFailedError: A stream map failed.
        """
        if records and self._mapper.is_plain:
            self._put(self._stream.name, records, received)
            return
        for record in records:
            for alias, mapped in self._mapper(record):
                self._put(alias, [mapped], received)

    def _put(self, alias: str, records: list[Record], received: datetime) -> None:
        stream = self._stream
        stream.announce()
        if self.batches is not None:
            self.batches.write(alias, records)
        else:
            stream.writer.write_records(alias, records, version=stream.version, time_extracted=received)

    def flush(self) -> None:
        """Write the messages for all batch files so far, so that a STATE that covers their records may follow.

        Raises:
            FatalSyncError: A batch file cannot be written.
        """
        if self.batches is not None:
            self.batches.flush()

    def close(self) -> None:
        """Remove batch files that are not complete."""
        if self.batches is not None:
            self.batches.discard()

    def try_maps(self, records: list[Record]) -> None:
        """Map records without writing them.

        Raises:
            MappingFailedError: A stream map failed.
        """
        for record in records:
            deque(self._mapper(record), maxlen=0)
