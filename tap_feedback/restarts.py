"""Restarts of paging, if an API serves only so many pages: a new chain starts from the last row of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.records.time_range import EARLIEST, OVERLAP
from tap_feedback.records.timestamps import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tap_feedback.page import Page
    from tap_feedback.paging import Paginator
    from tap_feedback.paging.keys import Keys
    from tap_feedback.row_order import RowOrder
    from tap_feedback.settings import Stream


class Chain(NamedTuple):
    """A chain of pages, with its paginator. `order` is None if the settings do not promise an order."""

    pages: Iterator[Page]
    paginator: Paginator
    order: RowOrder | None


class Begun(NamedTuple):
    """Where a chain begins: as it was sent, and as a moment if it is the restart of another one."""

    sent: str | None
    moment: datetime | None = None

    def before(self, moment: datetime, pattern: str) -> Begun | None:
        """Return where another chain begins, from a moment on; None if that is not behind where this one does."""
        sent = format_instant(moment, pattern)
        is_behind = self.moment is None or moment > self.moment
        return Begun(sent, moment) if is_behind and sent != self.sent else None


class Restarts:
    """Reads a time range in several chains if one is not enough.

    The rows are in ascending order of the replication key, so all that is missing is in the range from the last value
    on. The last row comes again there. If it does not, the API leaves out the very start of a range, and with it rows
    of the same value; then the chain starts a second earlier.

    Args:
        stream: The stream's settings.
        key: The replication key.
        keys: Returns the keys that tell rows apart.
        can_start: Whether requests have a place for the start, and the key is a point in time.
    """

    def __init__(self, stream: Stream, key: str | None, keys: Keys, *, can_start: bool) -> None:
        self._incremental = stream.incremental
        self._pages = stream.paginator.max_pages
        self._key = key
        self._keys = keys
        self._can_start = can_start

    def pages(self, chain: Chain, start: str | None, again: Callable[[str | None], Chain]) -> Iterator[Page]:
        """Yield the pages of a range.

        Args:
            chain: The first chain.
            start: Where it begins, as it was sent.
            again: Returns the chain from another start.

        Raises:
            FatalAPIError: The rows behind a chain cannot be reached.
        """
        begun = Begun(start)
        while True:
            yield from chain.pages
            if not chain.paginator.is_capped:
                return
            last, last_key = self._last(chain)
            pattern = self._incremental.format
            begins = begun.before(last, pattern)
            if begins is None:
                raise FatalAPIError(self._stuck)
            chain = again(begins.sent)
            page = next(chain.pages, None)
            if page is None or last_key not in self._keys(page.rows):
                begins = begun.before(max(last, EARLIEST + OVERLAP) - OVERLAP, pattern)
                if begins is None:
                    raise FatalAPIError(self._stuck)
                chain = again(begins.sent)
            else:
                yield page
            begun = begins

    def _last(self, chain: Chain) -> tuple[datetime, object]:
        """Return the value and the key of the last row of a chain.

        Raises:
            FatalAPIError: No other chain can start there.
        """
        words = f"the API serves {self._pages:,} pages (`paginator.max_pages`), but more rows may follow"
        split = "set a smaller `incremental.window`" if self._incremental.window else "set `incremental.window`"
        if not self._can_start:
            raise FatalAPIError(f"{words}; request fewer rows at a time, in `params` or `passes`")
        if self._incremental.trust_filter:
            raise FatalAPIError(
                f"{words}, and as the API filters by another field than `{self._key}`, the tap cannot start again from "
                f"the last row; {split}"
            )
        if chain.order is None or self._incremental.row_order != "asc":
            raise FatalAPIError(
                f"{words}; if the API can sort them by `{self._key}`, request that in `params` and set "
                f"`incremental.row_order` to `asc`; or {split}"
            )
        if chain.order.last is None:
            raise FatalAPIError(f"{words}, and no row has a `{self._key}` to start again from; {split}")
        return chain.order.last, chain.order.last_key

    @property
    def _stuck(self) -> str:
        return (
            f"all rows of the {self._pages:,} pages that the API serves (`paginator.max_pages`) share one "
            f"`{self._key}`, as `incremental.format` shows it, so there is no way behind them; raise "
            "`paginator.limit`, or request fewer rows at a time, in `params` or `passes`"
        )
