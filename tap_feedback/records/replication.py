"""Incremental replication: the start of the time range, the filter for its records, and the bookmark."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone
from types import NoneType
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError

from tap_feedback.records.place import SECONDS, forget_place, query_of, read_place
from tap_feedback.records.time_range import EARLIEST
from tap_feedback.records.timestamps import format_instant, normalize, parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_feedback.records.time_range import SyncClock
    from tap_feedback.settings import General, Stream

#: What to do about a bookmark that cannot be used.
REMEDY = "remove it from the state to read from `start_date` on"

#: How far the date of a place can be behind that of UTC.
MOST_BEHIND = timedelta(hours=12)


def is_instant(schema: Mapping[str, Any]) -> bool:
    """Return whether the values of a property are points in time."""
    return any(variant.get("format") in {"date-time", "date"} for variant in _variants(schema))


def is_date(schema: Mapping[str, Any]) -> bool:
    """Return whether the values of a property are dates without a time."""
    return any(variant.get("format") == "date" for variant in _variants(schema))


def is_number(schema: Mapping[str, Any]) -> bool:
    """Return whether the values of a property are only numbers or null."""
    kinds: set[str] = set()
    for variant in _variants(schema):
        types = variant.get("type", "any")
        kinds |= {types} if isinstance(types, str) else {*types}
    return kinds - {"null"} in ({"integer"}, {"number"}, {"integer", "number"})


def _variants(schema: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the schemas of which a value must fit one."""
    return schema.get("anyOf") or schema.get("oneOf") or [schema]


class Replication:
    """The incremental sync of one stream.

    Values of the replication key are compared as instants if the key is a point in time, else as numbers.

    Args:
        stream: Its settings.
        key: The replication key.
        is_instant: Whether the key is a point in time.
        state: The stream's state, which changes with the bookmark. The bookmark is in the SDK's format, or in that of a
            singer-io tap, under the name of the key.
        settings: Their `start_date` and `end_date` apply if the key is a point in time.
        clock: The moment the sync began.

    Attributes:
        until: How far a sync that was stopped had come, in each pass; None if the last one was complete, or had other
            passes.
        before: The bookmark with which this sync began, or the first of those that were stopped.
    """

    def __init__(
        self,
        stream: Stream,
        key: str,
        *,
        is_instant: bool,
        state: dict[str, Any],
        settings: General,
        clock: SyncClock,
    ) -> None:
        self.key = key
        self.is_instant = is_instant
        self.state = state
        self.incremental = stream.incremental
        self.clock = clock
        own = state.get("replication_key_value") if state.get("replication_key") == key else None
        self.is_taken_over = own is None and state.get(key) is not None
        self.bookmark = state.get(key) if self.is_taken_over else own
        self.end = settings.end_date if is_instant else None
        place = read_place(stream.name, state, key, self.bookmark, is_instant=is_instant)
        self._passes, self._start_date = stream.passes, settings.start_date
        continues = place is not None and len(place.until) == max(len(stream.passes), 1)
        if place is not None and place.query is not None:
            continues = continues and place.query == self.query
        self.until = place.until if place is not None and continues else None
        self.before = self.bookmark if place is None else place.before
        self._first_began = None if place is None else place.began
        self.start = self._start(stream.name, settings.start_date)
        self._newest: tuple[Any, Any] | None = None  # the latest value: as compared, and as received
        #: Whether any row has a usable value of the key; None before the first row.
        self.has_values: bool | None = None
        self.note_newest(None if place is None else place.newest)

    @property
    def query(self) -> str:
        """Digest of the passes in their order, and of `start_date` as long as there is no bookmark in its place."""
        start = self._start_date if self.bookmark is None else None
        return query_of(self._passes, start)

    def _start(self, stream: str, start_date: datetime | None) -> Any | None:
        """Return where a stopped sync had come, else the bookmark minus the lookback; or `start_date` if later.

        Raises:
            ConfigurationError: The bookmark is not a point in time, or is in the future; or it is not a number.
        """
        if not self.is_instant:
            if not isinstance(self.bookmark, (int, float, NoneType)) or isinstance(self.bookmark, bool):
                raise ConfigurationError(
                    f"state: the bookmark of {stream} is not a number, as `{self.key}` is: remove it from the state, "
                    "to read from the beginning"
                )
            return self.bookmark if self._resumed is None else self._resumed
        start = None if self.bookmark is None else self._after_bookmark(stream)
        start = start if self._resumed is None else self._resumed
        if start is None or start_date is None:
            return start_date if start is None else start
        return max(start, start_date)

    def _after_bookmark(self, stream: str) -> datetime:
        """Return the bookmark minus the lookback.

        Raises:
            ConfigurationError: The bookmark is not a point in time, or is in the future.
        """
        moment = parse_instant(self.bookmark)
        if moment is None:
            raise ConfigurationError(f"state: the bookmark of {stream} is not a point in time; {REMEDY}")
        if moment > self.clock.began:
            raise ConfigurationError(
                f"state: the bookmark of {stream} is in the future, so nothing would be read; {REMEDY}"
            )
        lookback = timedelta(seconds=self.incremental.lookback)
        return max(moment, EARLIEST + lookback) - lookback

    @property
    def _resumed(self) -> Any:
        """Where a sync that was stopped is continued; None if in one pass it had not come anywhere.

        The lookback was read then. What appears later comes with the next sync, whose bookmark does not pass the moment
        that one began.
        """
        return None if self.until is None or None in self.until else min(self.until)

    def start_with_day(self) -> None:
        """Begin the range with a whole day, as keys that are dates without a time need it."""
        if self.is_instant and self.start is not None:
            self.start = datetime.combine(self.start.astimezone(timezone.utc), time.min, timezone.utc)

    @property
    def origin(self) -> str:
        """The start of the range, for the log."""
        if self.start is None:
            return "the beginning"
        return format_instant(self.start, SECONDS) if self.is_instant else str(self.start)

    # What the API returns

    def place(self, value: Any) -> Any:
        """Return the value of the key for comparisons; None if it cannot be compared."""
        return parse_instant(value) if self.is_instant else value

    def filter(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the records in the range, and those without a value of the key."""
        trusts = self.incremental.trust_filter
        start, end = (None, None) if trusts else (self.start, self.end)
        key, newest = self.key, self._newest
        place_of = parse_instant if self.is_instant else self.place
        kept = []
        for record in records:
            value = record.get(key)
            place = None if value is None else place_of(value)
            if place is not None:
                if (start is not None and place < start) or (end is not None and place >= end):
                    continue
                if newest is None or place > newest[0]:
                    newest = (place, value)
            kept.append(record)
        self._newest = newest
        if records and not self.has_values:
            self.has_values = newest is not None or len(kept) < len(records)
        return kept

    @property
    def newest(self) -> Any:
        """The latest value so far, as it came; None before the first."""
        return self._newest[1] if self._newest else None

    @property
    def is_ahead(self) -> bool:
        """Whether the latest value is later than the bookmark, so that the bookmark will move."""
        return self._newest is not None and (self.bookmark is None or bool(self._newest[0] > self.place(self.bookmark)))

    def note_newest(self, value: Any) -> None:
        """Take in the latest value of a sync that was stopped, which this one continues."""
        place = None if value is None else self.place(value)
        if place is not None:
            self._newest, self.has_values = (place, value), True

    @property
    def _limit(self) -> datetime:
        """The moment that the bookmark must not pass.

        If the API filters by another field, a row may have a time beyond `end_date` in the range before it. A bookmark
        of that time would pass rows that the API has between the two.
        """
        return self._up_to_end(self.began)

    def _up_to_end(self, moment: datetime) -> datetime:
        return moment if self.end is None else min(moment, self.end)

    @property
    def began(self) -> datetime:
        """The moment this sync began, or the first of those that were stopped."""
        return self.clock.began if self._first_began is None else min(self.clock.began, self._first_began)

    def latest(self, began: datetime, newest: datetime | None) -> datetime:
        """Return the latest time of which a sync that began then has all rows.

        Rows that change later in that second may have its beginning as their time, and rows with dates alone the
        beginning of their day, in any time zone.
        """
        limit = self._up_to_end(began)
        if limit == began and (newest is None or _is_day(newest)):
            return datetime.combine((limit - MOST_BEHIND).astimezone(timezone.utc), time.min, timezone.utc)
        return limit.replace(microsecond=0)

    def move_bookmark(self) -> None:
        """Move the bookmark to the newest record, but never back, and never past its limit. The sync is complete."""
        # Only the lookback of the next sync depends on it.
        forget_place(self.state, leaves_mark=self.incremental.lookback > 0)
        if self._newest is None:
            return
        place, value = self._newest
        if self.is_instant and place > self._limit:
            is_day = _is_day(place) and self._limit == self.began
            place = self.latest(self.began, place)
            value = format_instant(place, "%Y-%m-%d" if is_day else SECONDS)
        self.move_to(place, value)

    def move_to(self, place: Any, value: Any) -> None:
        """Move the bookmark, but never back."""
        if self.bookmark is not None and place < self.place(self.bookmark):
            return
        if self.is_instant and not isinstance(value, str):
            value = normalize(value)  # an epoch of a column that is a number
        self.state.update(replication_key=self.key, replication_key_value=value)
        self.bookmark = value


def _is_day(moment: datetime) -> bool:
    """Return whether a moment may stand for a date."""
    return moment.astimezone(timezone.utc).time() == time.min
