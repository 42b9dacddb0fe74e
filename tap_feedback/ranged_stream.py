"""Time ranges of a stream: from where to where it is read, in which chains of pages."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_feedback.api_stream import ApiStream
from tap_feedback.chains import interleave
from tap_feedback.children import child_pages
from tap_feedback.records.replication import Replication
from tap_feedback.replication_check import has_dates, has_timestamps
from tap_feedback.row_order import order_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context

    from tap_feedback.page import Page
    from tap_feedback.records.time_range import TimeRange
    from tap_feedback.row_order import RowOrder


class RangedStream(ApiStream):
    """A stream with its replication and its pages, in all time ranges, passes and parents."""

    @cached_property
    def replication(self) -> Replication | None:
        """The incremental sync: its range and its bookmark. None for a full-table sync."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        replication = Replication(
            self.name,
            str(self.replication_key),
            is_instant=self.is_timestamp_replication_key,
            state=self.stream_state,
            settings=self.general,
            incremental=self.declaration.incremental,
            clock=self.clock,
        )
        if has_dates(self):
            replication.start_with_day()
        if replication.is_taken_over:
            self.stream_log.info("takes over the bookmark of a singer-io tap, `%s`", self.replication_key)
        return replication

    @property
    def is_timestamp_replication_key(self) -> bool:
        """Whether values of the replication key are compared as points in time."""
        return has_timestamps(self)

    @cached_property
    def time_range(self) -> TimeRange:
        """The time range to request."""
        replication = self.replication
        if replication is None or not replication.is_instant:
            return self.range_between(None, None, is_whole=True)
        return self.range_between(replication.start, replication.end, is_whole=False)

    def new_order(self, context: Context | None) -> RowOrder | None:
        """Return a check of the order of a chain's rows by the replication key; None without a promised order."""
        return order_of(self, context)

    def pages(self) -> Iterator[Page]:
        """Yield the pages, each with only its new rows, as the API sent them."""
        if self.time_range.is_over and self.replication is not None:
            self.stream_log.info(
                "nothing to read: `end_date` is not after %s, where this sync would start", self.replication.origin
            )
            return
        if self.parents is not None:
            yield from child_pages(self, self.parents)
            return
        for chains in self.groups(self.time_range):
            yield from interleave(chains, self.connection.api.max_connections)

    def groups(self, time_range: TimeRange, context: Context | None = None) -> Iterator[Iterator[Iterator[Page]]]:
        """Yield groups of chains; those of one group may be read concurrently, and the next group only after them."""
        for params in self.passes:
            for group in time_range.windows():
                yield (self.range_pages(time_range.bounds(window), params, context) for window in group)
