"""Time range of a sync: its windows, and their bounds in the API's format."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from tap_feedback.records.timestamps import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_feedback.settings import Incremental

EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
#: The overlap of two windows, as an API may or may not include the ends of a range.
OVERLAP = timedelta(seconds=1)

#: Start and end of a range in the API's format; None for an open end.
Bounds = tuple[str | None, str | None]


class SyncClock:
    """The moment the sync began: by our clock, or by the API's if that is behind."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self._knows_api = False

    def note(self, sent: datetime | None) -> None:
        """Note when the first request was sent by the API's clock.

        That clock dates the rows that change from then on, so a bookmark beyond this moment could pass them.
        """
        if sent is not None and not self._knows_api:
            self._knows_api = True
            self.began = min(self.began, sent)


class Window(NamedTuple):
    """A time range, without its end; None for an open end.

    `until` is where the next window begins; None if the range is not split there.
    """

    start: datetime | None = None
    end: datetime | None = None
    until: datetime | None = None


class TimeRange:
    """The time range that a stream requests.

    `initial_value` opens it if it has no start. An API that wants an initial value may want both ends, so an open end
    is sent as the moment the sync began.

    Args:
        start: From when on rows are wanted; None for all.
        end: Up to when; None for all.
        incremental: How to request a range.
        clock: The moment the sync began.
        is_whole: Whether the stream is read whole, so that each row that exists must come.
        sends_end: Whether the requests of the stream have a place for the end.
    """

    def __init__(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        incremental: Incremental,
        clock: SyncClock,
        is_whole: bool,
        sends_end: bool,
    ) -> None:
        self.start = start if start is not None else parse_instant(incremental.initial_value)
        self.end = end
        self._format = incremental.format
        self._days = None if is_whole else incremental.window
        self._is_whole = is_whole
        self._clock = clock
        self._closes = incremental.initial_value is not None and sends_end

    @property
    def is_over(self) -> bool:
        """Whether the range is empty, so there is nothing to request."""
        return self.start is not None and self.end is not None and self.start >= self.end

    @property
    def is_split(self) -> bool:
        """Whether the range is read in windows."""
        return self._days is not None and self.start is not None

    def windows(self) -> Iterator[list[Window]]:
        """Yield groups of windows. The windows of a group may be read concurrently, the groups one after the other.

        The first group ends at the moment the sync began. The time after it is read last: a row that changes during the
        sync moves there, perhaps out of a window that was not read yet. By then the API's clock is known.

        A range without windows that ends at that moment lacks such rows. An incremental stream has them in the next
        sync, but one that is read whole would seem to have lost them, so it has a second group, too.
        """
        if self.is_over:
            return
        began, end = self._clock.began, self.end
        if self._days is None or self.start is None:
            yield [Window(self.start, end)]
            if not (self._is_whole and self._closes):
                return
        else:
            step, last = timedelta(days=self._days), min(began, end or began)
            windows, start = [], self.start
            while start < last:
                until = min(start + step, last)
                windows.append(Window(start, until + OVERLAP, until))
                start += step
            yield windows
        last = min(self._clock.began, end or self._clock.began)
        if end is None or last < end:
            yield [Window(last if self.start is None else max(last, self.start), end)]

    @property
    def whole(self) -> Bounds:
        """The start and the end of the whole range, as `bounds` returns them."""
        return self.bounds(Window(self.start, self.end))

    def bounds(self, window: Window) -> Bounds:
        """Return the start and the end of a window in the API's format."""
        start, end, _ = window
        is_first = start == self.start
        if start is not None and not is_first:
            start = max(start, EARLIEST + OVERLAP) - OVERLAP
        if end is None and self._closes:
            end = self._clock.began if is_first else datetime.now(timezone.utc)
            end = end if start is None else max(end, start + OVERLAP)
        return (
            format_instant(start, self._format) if start is not None else None,
            format_instant(end, self._format, round_up=True) if end is not None else None,
        )
