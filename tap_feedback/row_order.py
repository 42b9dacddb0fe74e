"""Order of the rows of a chain: checked row by row, and used to stop if all further rows are older."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.paging.history import History
from tap_feedback.records.time_range import OVERLAP
from tap_feedback.records.timestamps import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from singer_sdk.helpers.types import Context

    from tap_feedback.paging.keys import Keys
    from tap_feedback.ranged_stream import RangedStream
    from tap_feedback.records.time_range import SyncClock

    Row = dict[str, Any]
    Order = Literal["asc", "desc"]

#: Pages whose rows are remembered, at least: rows that come in front move known ones to a later page.
LEAST_PAGES = 2


def is_behind(place: Any, other: Any, order: Order) -> bool:
    """Return whether a value may follow another one. Equal ones may."""
    return bool(place >= other if order == "asc" else place <= other)


def in_order(places: Iterable[Any], order: Order) -> bool:
    """Return whether values are in an order."""
    return all(is_behind(second, first, order) for first, second in pairwise(places))


def as_number(value: Any) -> Any:
    """Return a value of a numeric key, which may come as a text; None if it is not a number."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
        return value if value.is_finite() else None
    return value if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else None


def order_of(stream: RangedStream, context: Context | None) -> RowOrder | None:
    """Return a check for a new chain of a stream, of one parent if it is a child; None without a promised order."""
    key, incremental, replication = stream.replication_key, stream.declaration.incremental, stream.replication
    if key is None or incremental.row_order is None:
        return None
    return RowOrder(
        key,
        incremental.row_order,
        post_process=(lambda row: stream.post_process(row, context)) if stream.post_processes else None,
        is_instant=stream.is_timestamp_replication_key,
        keys=stream.row_keys,
        clock=stream.clock,
        start=None if replication is None or incremental.trust_filter else replication.start,
    )


class RowOrder:
    """Checks that the rows of a chain are in the order of the replication key.

    Each response must be in this order, and so must a page and the one before. Values that are equal may follow each
    other. A row without a value that can be compared has no place in the order, and is passed over.

    Rows that were read before prove nothing: rows that come in front move them to a later page. In descending order so
    many may come that a page has only new ones: they are newer than any row before, or came since the sync began.

    Args:
        key: The replication key.
        order: The order.
        post_process: What the stream makes of a row first; None if it leaves rows as they are.
        is_instant: Whether the values are points in time.
        keys: Returns the keys that tell rows apart.
        clock: The moment the sync began.
        start: Where the range begins if older rows are not wanted, so that a descending chain may stop there.

    Attributes:
        last: The furthest value, as it is compared; None before the first one.
        last_key: The key of its row.
        is_past: Whether the last page, and so all that follows, is older than the start.
        is_broken: Whether the pages show that rows are missing, or in another order.
    """

    def __init__(
        self,
        key: str,
        order: Order,
        *,
        post_process: Callable[[Row], Row | None] | None = None,
        is_instant: bool,
        keys: Keys,
        clock: SyncClock,
        start: Any = None,
    ) -> None:
        self.last: Any = None
        self.last_key: Any = None
        self.is_past = False
        self.is_broken = False
        self._key = key
        self._order = order
        self._post_process = post_process
        self._place = parse_instant if is_instant else as_number
        self._is_instant = is_instant
        self._history = History(keys, least_pages=LEAST_PAGES)
        self._clock = clock
        self._start = start
        self._reach = 0
        self._newest: Any = None  # the value of the first row, in descending order

    def take(self, rows: list[Row], *, reach: int) -> None:
        """Check a page.

        Args:
            rows: All rows of the response.
            reach: How far the paginator has come, which grows with each page behind those before.

        Raises:
            FatalAPIError: The rows are in another order.
        """
        shape = self._post_process
        shaped = rows if shape is None else [shape(row.copy()) or {} for row in rows]
        places = [self._place(row.get(self._key)) for row in shaped]
        follows, restarts = reach > self._reach, reach < self._reach
        self._reach = reach
        if restarts:
            self.last = None
        sighting = self._history.look(rows)
        self._history.remember(sighting)
        shown = [place for place in places if place is not None]
        new = [
            place for place, before in zip(places, sighting.before, strict=True) if place is not None and before is None
        ]
        if not in_order(shown, self._order) or (follows and not self._continues(new)):
            raise FatalAPIError(
                f"the rows are not in the order of `{self._key}` that `incremental.row_order` promises "
                f"(`{self._order}`); request it in `params`, or set `incremental.row_order` to null"
            )
        if shown and (self._newest is None or shown[0] > self._newest):
            self._newest = shown[0]
        if follows and shown and (self.last is None or is_behind(shown[-1], self.last, self._order)):
            self.last = shown[-1]
            self.last_key = next(
                key for key, place in zip(reversed(sighting.keys), reversed(places), strict=True) if place is not None
            )
        if follows or restarts:
            self.is_past = follows and self._are_past(places)

    def _continues(self, new: Sequence[Any]) -> bool:
        """Return whether the new rows of a page lie behind those of the pages before."""
        if self.last is None or self._order == "asc":
            return self.last is None or all(place >= self.last for place in new[:1])
        came_since = min(self._newest, self._clock.began - OVERLAP) if self._is_instant else self._newest
        return all(place >= came_since for place in new if place > self.last)

    def _are_past(self, places: Sequence[Any]) -> bool:
        """Return whether all values of a page are before the start, in descending order."""
        if self._order == "asc" or self._start is None or not places:
            return False
        return all(place is not None and place < self._start for place in places)
