"""Replication: from where to where an incremental stream is read, and the bookmark that it reaches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.exceptions import ConfigurationError, FatalAPIError

from tap_feedback.instants import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_feedback.settings import General, Incremental

#: What to do about a bookmark that cannot be used.
MEND = "remove it from the state, to read from `start_date`"

#: What two windows share, as nobody knows whether an API includes the ends of a range.
SHARED = timedelta(seconds=1)
#: Whole seconds, as most APIs tell them.
SECONDS = "%Y-%m-%dT%H:%M:%SZ"


def is_instant(schema: Mapping[str, Any]) -> bool:
    """Whether the values of a property are points in time."""
    return any(variant.get("format") in {"date-time", "date"} for variant in _variants(schema))


def is_number(schema: Mapping[str, Any]) -> bool:
    """Whether the values of a property are numbers, and nothing else but null."""
    kinds: set[str] = set()
    for variant in _variants(schema):
        types = variant.get("type", "any")
        kinds |= {types} if isinstance(types, str) else {*types}
    return kinds - {"null"} in ({"integer"}, {"number"}, {"integer", "number"})


def _variants(schema: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The schemas of which one has to fit."""
    return schema.get("anyOf") or schema.get("oneOf") or [schema]


class Span(NamedTuple):
    """A range of time; None where it is open."""

    start: datetime | None = None
    end: datetime | None = None


class Replication:
    """The incremental sync of one stream.

    Values of the replication key are compared as instants if it is a point in time, else as the numbers that they are.

    Args:
        stream: Its name, for messages.
        key: The replication key.
        is_instant: Whether that is a point in time.
        state: The stream's state, which is read, and written by `move_bookmark`. The bookmark is the SDK's own, or
            else that of a singer-io tap, which stands under the name of the key.
        settings: `start_date` and `end_date` count where the key is a point in time.
        incremental: How the API is asked for a range.
        began: The moment the sync began.
    """

    def __init__(
        self,
        stream: str,
        key: str,
        *,
        is_instant: bool,
        state: dict[str, Any],
        settings: General,
        incremental: Incremental,
        began: datetime,
    ) -> None:
        self.key = key
        self.is_instant = is_instant
        self.state = state
        self.incremental = incremental
        self.began = began
        own = state.get("replication_key_value") if state.get("replication_key") == key else None
        self.is_taken_over = own is None and state.get(key) is not None
        self.bookmark = state.get(key) if self.is_taken_over else own
        self.end = settings.end_date if is_instant else None
        self.start = self._start(stream, settings.start_date)
        self._newest: tuple[Any, Any] | None = None  # the latest value: where it is placed, and as it came
        self._knows_clock = False
        #: Whether any row has a usable value of the key; None before the first row.
        self.has_values: bool | None = None

    def _start(self, stream: str, start_date: datetime | None) -> Any | None:
        """The bookmark less the lookback, or `start_date`, whichever is later.

        Raises:
            ConfigurationError: The bookmark is no point in time, or lies in the future.
        """
        if not self.is_instant:
            return self.bookmark
        if self.bookmark is None:
            return start_date
        moment = parse_instant(self.bookmark)
        if moment is None:
            raise ConfigurationError(f"state: the bookmark of {stream} is not a point in time: {MEND}")
        if moment > self.began:
            raise ConfigurationError(
                f"state: the bookmark of {stream} lies in the future, so nothing would be read: {MEND}"
            )
        start = moment - timedelta(seconds=self.incremental.lookback)
        return start if start_date is None else max(start, start_date)

    @property
    def origin(self) -> str:
        """From where the stream is read, in words."""
        if self.start is None:
            return "the beginning"
        return format_instant(self.start, SECONDS) if self.is_instant else str(self.start)

    @property
    def is_over(self) -> bool:
        """Whether the range ends before it begins, so that there is nothing to ask for."""
        return self.start is not None and self.end is not None and bool(self.start >= self.end)

    def note_clock(self, sent: datetime | None) -> None:
        """Take in when the first request was sent by the API's clock: if that is behind ours, it is what counts.

        A row that changes from then on is dated by that clock, so a bookmark beyond this moment could pass it.
        """
        if sent is not None and not self._knows_clock:
            self._knows_clock = True
            self.began = min(self.began, sent)

    # What the API is asked for

    def spans(self) -> Iterator[list[Span]]:
        """The time ranges to ask for: lists that follow each other, of ranges that may be read at once.

        Windows end at the moment the sync began. What lies behind is read last, as a row that changes meanwhile moves
        there, out of a window that may not have come to it yet. By then the API's clock is known.
        """
        if self.is_over:
            return
        if not self.is_instant or self.incremental.window is None or self.start is None:
            yield [Span(self.start, self.end)]
            return
        step, last = timedelta(days=self.incremental.window), min(self.began, self.end or self.began)
        windows, start = [], self.start
        while start < last:
            windows.append(Span(start, min(start + step, last) + SHARED))
            start += step
        yield windows
        last = min(self.began, self.end or self.began)
        if self.end is None or last < self.end:
            yield [Span(max(last, self.start), self.end)]

    def bounds(self, span: Span) -> tuple[str | None, str | None]:
        """The start and the end of a range as the API wants them; None for an end that is open."""
        if not self.is_instant:
            return None, None
        start, end, pattern = span.start, span.end, self.incremental.format
        if start is not None and start != self.start:
            start -= SHARED
        return (
            format_instant(start, pattern) if start is not None else None,
            format_instant(end, pattern, round_up=True) if end is not None else None,
        )

    # What comes back

    def _place(self, value: Any) -> Any:
        """The value of the key in a form that can be compared; None where it has no place."""
        return parse_instant(value) if self.is_instant else value

    def admit(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The records within the range, whether or not the API looked to it; those without a value among them.

        Raises:
            FatalAPIError: The key is a number here and a text there, or in the bookmark.
        """
        try:
            return self._within(records)
        except TypeError:
            raise FatalAPIError(
                f"the values of `{self.key}` cannot be compared with each other or the bookmark"
            ) from None

    def _within(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        start, end, newest = self.start, self.end, self._newest
        admitted = []
        for record in records:
            value = record.get(self.key)
            place = None if value is None else self._place(value)
            if place is not None:
                if (start is not None and place < start) or (end is not None and place >= end):
                    continue
                if newest is None or place > newest[0]:
                    newest = (place, value)
            admitted.append(record)
        self._newest = newest
        if records and not self.has_values:
            self.has_values = newest is not None or len(admitted) < len(records)
        return admitted

    def move_bookmark(self) -> None:
        """Move the bookmark to the newest record, never back, and not past the moment the sync began."""
        if self._newest is None:
            return
        place, value = self._newest
        if self.is_instant and place > self.began:
            # What changes in the rest of this second may be dated by its beginning.
            value = format_instant(self.began, SECONDS)
            place = self._place(value)
        if self.bookmark is not None and place < self._place(self.bookmark):
            return
        self.state.update(replication_key=self.key, replication_key_value=value)
        self.bookmark = value
