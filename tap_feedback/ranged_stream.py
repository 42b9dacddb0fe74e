"""Time ranges of a stream: the windows, passes and parents in which its pages are read."""

from __future__ import annotations

from functools import cached_property
from itertools import chain, count, islice
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

    from tap_feedback.checkpoint import Checkpoints
    from tap_feedback.page import Page
    from tap_feedback.records.time_range import TimeRange, Window
    from tap_feedback.row_order import RowOrder


class RangedStream(ApiStream):
    """A stream with its replication and its pages, in all time ranges, passes and parents."""

    @cached_property
    def replication(self) -> Replication | None:
        """The incremental sync: its range and its bookmark. None for a full-table sync."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        replication = Replication(
            self.declaration,
            str(self.replication_key),
            is_instant=self.is_timestamp_replication_key,
            state=self.stream_state,
            settings=self.general,
            clock=self.clock,
        )
        if has_dates(self):
            replication.start_with_day()
        if replication.until is not None:
            self.stream_log.info("continues a sync that was stopped")
            had_start = replication.before or self.general.start_date or self.declaration.incremental.initial_value
            if replication.is_instant and self.assembler.sends_start and not had_start:
                self.stream_log.warning(
                    "rows without `%s` that the stopped sync had not read are left out; if there are such rows, remove "
                    "`progress` from the state",
                    self.replication_key,
                )
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
        for windows in self.groups(self.time_range, checkpoints=self.new_checkpoints()):
            yield from interleave(windows, self.connection.api.max_connections)

    def new_checkpoints(self) -> Checkpoints | None:
        """Return the checkpoints of a new sync; None if its state can only move at its end."""
        return None

    def groups(
        self, time_range: TimeRange, context: Context | None = None, *, checkpoints: Checkpoints | None = None
    ) -> Iterator[Iterator[Iterator[Page]]]:
        """Yield groups of windows, each as its pages.

        Those of one group may be read concurrently, and the next group only after them.
        """
        numbers = count()
        for group in time_range.windows():
            yield (
                self._window_pages(next(numbers), window, time_range, context, checkpoints=checkpoints)
                for window in group
            )

    def _window_pages(
        self,
        number: int,
        window: Window,
        time_range: TimeRange,
        context: Context | None,
        *,
        checkpoints: Checkpoints | None,
    ) -> Iterator[Page]:
        """Return the pages of a window, in one pass after the other. The first request is sent immediately."""

        def passes() -> Iterator[Iterator[Page]]:
            for number_of_pass, params in enumerate(self.passes):
                mark = checkpoints.mark(number_of_pass, number, window) if checkpoints else None
                rest = mark.rest if mark else window
                if rest is not None:
                    pages = self.range_pages(time_range.bounds(rest), params, context, mark=mark)
                    yield mark.complete(pages) if mark else pages

        chains = passes()
        return chain.from_iterable(chain(list(islice(chains, 1)), chains))
