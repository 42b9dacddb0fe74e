"""Checkpoints of a running sync: the state follows the windows that are complete, and rows that come in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.exceptions import FatalAPIError
from singer_sdk.singerlib.encoding.simple import StateMessage

from tap_feedback.frontier import Frontier
from tap_feedback.records.place import PLACE, Place, exact, forget_place, has_place, stored_place
from tap_feedback.records.time_range import EARLIEST, OVERLAP, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_feedback.client import FeedbackStream
    from tap_feedback.output import Output
    from tap_feedback.page import Page
    from tap_feedback.paging import Paginator
    from tap_feedback.records.replication import Replication
    from tap_feedback.row_order import RowOrder

#: Part of the time of a sync that its STATE messages may take, and number of seconds that they may take at first. A
#: state may be large, as it is that of all streams.
SHARE, AT_FIRST = 0.01, 0.005
#: With `batch_config`, each state closes a file: seconds that one more file costs a target, and all files may at first.
FILE_COST, FILES_AT_FIRST = 0.1, 2.0


def checkpoints_of(stream: FeedbackStream, output: Output) -> Checkpoints | None:
    """Return the checkpoints of a new sync; None if its state can only move at its end.

    Args:
        stream: The stream.
        output: Has written its records.
    """
    replication, incremental = stream.replication, stream.declaration.incremental
    # Rows that are in order of the key are not in that of another field, by which the API filters.
    follows_rows = incremental.row_order == "asc" and not incremental.trust_filter
    if replication is None or not (follows_rows or stream.time_range.is_split):
        return None

    def flush() -> None:
        output.flush()
        stream.writer.flush()

    def write() -> None:
        stream.progress.is_resumable = has_place(stream.stream_state)
        stream.writer.write_message(StateMessage(stream.tap_state))

    return Checkpoints(
        replication,
        len(stream.passes),
        follows_rows=follows_rows,
        closes_files=output.batches is not None,
        flush=flush,
        write=write,
    )


class Mark(NamedTuple):
    """One window in one pass, whose pages are followed."""

    checkpoints: Checkpoints
    frontier: Frontier
    number: int
    window: Window

    @property
    def rest(self) -> Window | None:
        """What a sync that was stopped has left of the window; None if nothing."""
        window, resumed = self.window, self.frontier.resumed
        if resumed is None or not self.checkpoints.replication.is_instant:
            return window
        if window.until is not None and window.until <= resumed:
            self.frontier.complete(self.number, window.until)
            return None
        return window if window.start is not None and window.start >= resumed else window._replace(start=resumed)

    def follow(self, pages: Iterator[Page], order: RowOrder, paginator: Paginator) -> Iterator[Page]:
        """Yield the pages of a chain, and note how far its rows reach, if they are in ascending order.

        Raises:
            FatalAPIError: The chain cannot be read completely. If that shows in its rows, the state is taken back.
        """
        try:
            for page in pages:
                yield page  # comes back when its rows are written
                # Rows before the last one may be missing as long as the paginator has to look at a page again.
                if order.last is not None and (paginator.finished or paginator.moves_on):
                    self._reach(order.last)
        except FatalAPIError:
            if order.is_broken:
                self.checkpoints.take_back()
            raise

    def _reach(self, place: Any) -> None:
        """Note the place of the last row. The next page may have more rows like it.

        APIs may leave out the very start of a range, so it is a second earlier.
        """
        if self.checkpoints.replication.is_instant:
            place = max(place, EARLIEST + OVERLAP) - OVERLAP
            place = place if self.window.until is None else min(place, self.window.until)
        self.frontier.reach(self.number, place)
        self.checkpoints.save()

    def complete(self, pages: Iterator[Page]) -> Iterator[Page]:
        """Yield the pages of the window in this pass, and note its end when the last one is written."""
        yield from pages
        self.frontier.complete(self.number, self.window.until or self.checkpoints.latest)
        self.checkpoints.save()


class Checkpoints:
    """The checkpoints of one sync of a stream.

    Args:
        replication: Has the state.
        passes: Number of passes.
        follows_rows: Whether rows come in ascending order of the replication key, in each chain.
        closes_files: Whether each state closes a batch file.
        flush: Writes what the target does not have yet of the records so far.
        write: Writes the state.
    """

    def __init__(
        self,
        replication: Replication,
        passes: int,
        *,
        follows_rows: bool,
        closes_files: bool,
        flush: Callable[[], None],
        write: Callable[[], None],
    ) -> None:
        self.replication = replication
        self.follows_rows = follows_rows
        self._closes_files = closes_files
        self._flush = flush
        self._write = write
        self._began = time.monotonic()
        self._spent = 0.0  # seconds for states so far
        self._saved: list[Any] = [None] * passes
        self._frontiers = [Frontier(resumed) for resumed in replication.until or [None] * passes]

    @property
    def latest(self) -> Any:
        """The latest time of which this sync has all rows, if it has come that far; None if the key is a number."""
        replication = self.replication
        if not replication.is_instant:
            return None
        newest = None if replication.newest is None else replication.place(replication.newest)
        return replication.latest(replication.clock.began, newest)

    def mark(self, number_of_pass: int, number: int, window: Window) -> Mark:
        """Return a mark for a window in one pass. Windows are numbered in the order of their times."""
        return Mark(self, self._frontiers[number_of_pass], number, window)

    def save(self) -> None:
        """Save how far the sync has come, unless states have taken too much time already."""
        until = [frontier.until for frontier in self._frontiers]
        at_first = FILES_AT_FIRST if self._closes_files else AT_FIRST
        if until == self._saved or self._spent > at_first + SHARE * (time.monotonic() - self._began):
            return
        self._saved = until
        self._flush()
        began = time.thread_time()
        self._note()
        self._write()
        self._spent += FILE_COST if self._closes_files else time.thread_time() - began

    def _note(self) -> None:
        """Note in the state how far the sync has come. The bookmark follows, but not beyond the newest row.

        Without a bookmark, the state says so: one of another replication key or of an earlier sync must not remain.
        """
        replication = self.replication
        latest = self.latest
        until = [_capped(frontier, latest) for frontier in self._frontiers]
        if all(place is None for place in until):
            return
        if None not in until and replication.newest is not None:
            replication.move_to(*self._reached(min(until), replication.newest))
        state = replication.state
        state.update(replication_key=replication.key, replication_key_value=replication.bookmark)
        state[PLACE] = stored_place(
            replication.bookmark,
            Place(replication.before, replication.began, until, replication.newest, replication.query),
        )

    def _reached(self, place: Any, newest: Any) -> tuple[Any, Any]:
        """Return the bookmark, as it is compared and as it is written."""
        replication = self.replication
        at = replication.place(newest)
        if replication.is_instant:
            place = min(place, replication.latest(replication.began, at))
        if at <= place:
            return at, newest
        return place, exact(place) if replication.is_instant else place

    def take_back(self) -> None:
        """Take the state back to where the sync began, as its rows are not as they were promised."""
        replication = self.replication
        if not has_place(replication.state):
            return
        replication.bookmark = replication.before
        replication.state.update(replication_key=replication.key, replication_key_value=replication.before)
        forget_place(replication.state, leaves_mark=True)
        self._write()


def _capped(frontier: Frontier, latest: Any) -> Any:
    """Return how far a pass has come, but not beyond the latest time of which the sync has all rows."""
    until = frontier.until
    if until is None or latest is None or until <= latest:
        return until
    return latest if frontier.resumed is None else max(latest, frontier.resumed)
