"""Base of all paginators: history, total, flag for more rows, and the last page that the API serves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import is_full, more_follows, uncounted
from tap_feedback.page import MISSING, lookup
from tap_feedback.paging.history import History
from tap_feedback.paging.keys import NO_KEY
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.paging_settings import PageRequest, PagingSettings, StreamView

    Row = dict[str, Any]

SAME_KEYS = "most rows of a page share their primary key with another row; check `primary_key`"
#: Number of rows from which a key that most of them share is not a coincidence.
SEVERAL = 10
#: The values of a flag; some APIs write it as a text or a number.
FLAGS = {"true": True, "1": True, "false": False, "0": False}


class Paginator(ABC):
    """The base of all paginators.

    Args:
        paging: The settings.
        stream: The parts of the stream that it needs.

    Attributes:
        finished: Whether there is nothing more to request: the end is proven, or `is_capped`.
        is_capped: Whether the API serves no further page, though more rows may follow.
        total: Number of rows that the last response with a total reported; None without a total.
        distinct: Number of distinct rows received, judging by the remembered rows.
    """

    def __init__(self, paging: PagingSettings, **stream: Unpack[StreamView]) -> None:
        self.paging = paging
        self._notice = stream["notice"]
        self._address = stream["address"]
        self.finished = False
        self.is_capped = False
        self.total: int | None = None
        self.distinct = 0
        self._history = History(stream["keys"])
        self._has_total = False  # whether a response had a total at `total_path`
        self._has_flag = False  # whether a response had the flag at `has_more_path`
        self._size = {} if paging.limit_param is None else {paging.limit_param: paging.limit}

    @property
    @abstractmethod
    def request(self) -> PageRequest:
        """The next request."""

    @property
    def reach(self) -> int:
        """How far it has come, in pages or rows: grows with each page behind those before."""
        return 0

    @property
    def moves_on(self) -> bool:
        """Whether the next request is for a page behind those before, and none of those has to be checked again."""
        return True

    def upcoming(self, most: int) -> list[PageRequest]:  # noqa: ARG002
        """Return the next request, and those that will most likely follow: up to `most` in total."""
        return [self.request]

    @abstractmethod
    def take(self, page: Page) -> list[Row]:
        """Take the page for the request, and return its new rows.

        Raises:
            FatalAPIError: The stream cannot be read completely. The message names the setting to check.
            TransientError: The response contradicts another one, so a retry may help.
        """

    def mind_cap(self, page: Page) -> None:
        """Stop after a page behind which the API serves no more, by `max_pages`."""
        if self.paging.max_pages is None or self.finished or not self._is_behind(self.paging.max_pages):
            return
        flag = self._read_flag(page)
        self.is_capped = self._lacks_rows or (self._goes_on(page) if flag is None else flag)
        self.finished = True

    def _is_behind(self, pages: int) -> bool:
        """Return whether the next request is for what lies behind so many pages."""
        return self.reach >= pages

    def _goes_on(self, page: Page) -> bool:
        """Return whether more rows may follow the last page: it was full, or its response says so."""
        count, largest = len(self._history.last), self._history.largest
        is_cut = count >= largest if self._history.count > 1 else is_full(count, self.paging.limit)
        return (count > 0 and is_cut) or more_follows(page) is not None

    def recover(self, status: int) -> bool:  # noqa: ARG002
        """Return whether there is another request to send, after the API refused one with this status."""
        return False

    def _look(self, rows: list[Row]) -> Sighting:
        """Return the rows of a page, compared with the remembered rows.

        Raises:
            FatalAPIError: Most of them share their key with another row.
        """
        sighting = self._history.look(rows)
        if len(rows) >= SEVERAL and 2 * sighting.different <= len(rows) and sighting.keys[0] != NO_KEY:
            last = dict(zip(sighting.keys, rows, strict=True))
            if any(last[key] != row for key, row in zip(sighting.keys, rows, strict=True)):
                raise FatalAPIError(SAME_KEYS)
        return sighting

    def _remark(self, page: Page) -> str | None:
        """Return the text of a warning at the end of the pages; None without a warning."""
        path = self.paging.total_path
        if path is not None:
            if not self._has_total and self.distinct:
                return f"no response has a number at `{path}`; check `paginator.total_path`"
            return None
        counted = uncounted(page, self.distinct) if self.distinct >= self.paging.limit else None
        if counted is None:
            return None
        remark = f"`{counted}` counts more rows than the {self.distinct:,} that the API returned"
        if self.paging.counts_pages:
            return f"{remark}; check `paginator`"
        return f"{remark}; if it is the total of this request, set `paginator.total_path` to `{counted}`"

    def _read_flag(self, page: Page) -> bool | None:
        """Return whether the response says that more rows follow; None if it does not, or `has_more_path` is not set.

        The flag may be missing if the page has no rows.

        Raises:
            FatalAPIError: The flag is missing, or is neither true nor false.
            TransientError: The flag is missing, but an earlier response had it.
        """
        if self.paging.has_more_path is None:
            return None
        path = self.paging.has_more_path.removeprefix("!")
        value = lookup(page.response, path)
        if value is MISSING or value is None:
            if self._has_flag:
                raise TransientError(
                    f"the response has no `{path}`, unlike those before it", hint="; check `paginator.has_more_path`"
                )
            if page.rows:
                raise FatalAPIError(f"the response has no `{path}`; check `paginator.has_more_path`")
            return None
        flag = FLAGS.get(str(value).lower()) if isinstance(value, (str, int)) else None
        if flag is None:
            raise FatalAPIError(f"`{path}` is neither true nor false; check `paginator.has_more_path`")
        self._has_flag = True
        return flag is not self.paging.has_more_path.startswith("!")

    @property
    def _flag_says_more(self) -> str:
        """Words for a flag at `has_more_path` that says that more rows follow."""
        return f"`{(self.paging.has_more_path or '').removeprefix('!')}` says that more rows follow"

    def _read_total(self, page: Page) -> None:
        """Remember the total that the response reports, if any."""
        if self.paging.total_path is not None:
            total = lookup(page.response, self.paging.total_path)
            if isinstance(total, str) and total.isdecimal():
                total = int(total)
            if isinstance(total, (int, float)) and not isinstance(total, bool) and total == int(total):
                self.total, self._has_total = int(total), True

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
