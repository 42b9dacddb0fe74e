"""What all paginators share: the page size, the total, and the count of distinct rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import uncounted
from tap_feedback.page import lookup
from tap_feedback.paging.history import History

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.settings import CursorPaging, OffsetPaging, SinglePage

    Row = dict[str, Any]
    Params = dict[str, Any]
    Keys = Callable[[list[Row]], list[Hashable]]

SAME_KEYS = "most rows of a page have the primary key of another row, so they cannot be told apart; check `primary_key`"
#: Rows from which on a key that most of them share is no chance.
SEVERAL = 10
#: Types of keys that can be compared as they are.
PLAIN_KEYS = {str, int}
#: What `keys_by` returns for a row without a key, which conforming the record reports.
NO_KEY = "None"


class Paginator(ABC):
    """The base of all paginators.

    Args:
        paging: The settings.
        keys: Returns the keys that tell rows apart.
        notice: Logs a text at a level, both of which it is given.

    Attributes:
        finished: Whether the end is proven.
        total: Number of rows that the last response with a total reported; None if none did.
        distinct: Number of distinct rows received, as far as the rows that are remembered tell.
    """

    def __init__(
        self, paging: OffsetPaging | CursorPaging | SinglePage, *, keys: Keys, notice: Callable[[int, str], None]
    ) -> None:
        self.paging = paging
        self._notice = notice
        self.finished = False
        self.total: int | None = None
        self.distinct = 0
        self._history = History(keys)
        self._size = {} if paging.limit_param is None else {paging.limit_param: paging.limit}

    @property
    @abstractmethod
    def params(self) -> Params:
        """The query parameters of the next request."""

    def upcoming(self, most: int) -> list[Params]:  # noqa: ARG002
        """The parameters of the next request, and of those that will most likely follow; at most `most` in all."""
        return [self.params]

    @abstractmethod
    def take(self, page: Page) -> list[Row]:
        """Take the page that came back; its rows that are new.

        Raises:
            FatalAPIError: The stream cannot be read whole; the message names the setting to check.
            TransientError: The response contradicts another one, so the request is worth a retry.
        """

    def recover(self, status: int) -> bool:  # noqa: ARG002
        """Whether there is another request to send after the API refused one with this status."""
        return False

    def _look(self, rows: list[Row]) -> Sighting:
        """The rows beside what is remembered of them.

        Raises:
            FatalAPIError: Most of them have the key of another one.
        """
        sighting = self._history.look(rows)
        if len(rows) >= SEVERAL and 2 * sighting.different <= len(rows) and sighting.keys[0] != NO_KEY:
            last = dict(zip(sighting.keys, rows, strict=True))
            if any(last[key] != row for key, row in zip(sighting.keys, rows, strict=True)):
                raise FatalAPIError(SAME_KEYS)
        return sighting

    def _remark(self, page: Page) -> str | None:
        """What is worth a warning at the end of a chain of pages; None if nothing is."""
        path = self.paging.total_path
        if path is not None:
            if self.total is None and self.distinct:
                return f"no response has a number at `{path}`; check `paginator.total_path`"
            return None
        counted = uncounted(page, self.distinct) if self.distinct >= self.paging.limit else None
        if counted is None:
            return None
        return (
            f"`{counted}` counts more rows than the {self.distinct:,} that the API returned; if it is the total of "
            f"this request, set `paginator.total_path` to `{counted}`"
        )

    def _read_total(self, page: Page) -> None:
        """Remember the total that the response reports, if any."""
        if self.paging.total_path is not None:
            total = lookup(page.answer, self.paging.total_path)
            if isinstance(total, str) and total.isdecimal():
                total = int(total)
            if isinstance(total, (int, float)) and not isinstance(total, bool) and total == int(total):
                self.total = int(total)

    @property
    def _lacks_rows(self) -> bool:
        """Whether the API reports more rows than it returned."""
        return self.total is not None and self.total > self.distinct

    def _check_total(self) -> None:
        """Compare the rows received with the total that the last response reported.

        Raises:
            FatalAPIError: Rows are missing.
        """
        if self._lacks_rows:
            raise FatalAPIError(
                f"the API reports a total of {self.total:,} rows but returned {self.distinct:,} (by their keys); "
                "check `paginator`, `primary_key`, and whether `paginator.total_path` counts the rows of this request"
            )


def keys_by(names: Sequence[str]) -> Keys:
    """A function that returns the keys of rows, by the names of the primary key."""
    if len(names) == 1:
        name = names[0]

        def single(rows: list[Row]) -> list[Hashable]:
            try:
                values = list(map(itemgetter(name), rows))
            except KeyError:
                values = [row.get(name) for row in rows]
            if PLAIN_KEYS.issuperset(map(type, values)):
                return values
            return [value if type(value) in PLAIN_KEYS else repr(value) for value in values]

        return single
    return lambda rows: [repr([row.get(name) for name in names]) for row in rows]
