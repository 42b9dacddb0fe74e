"""Base of the paginators that follow a token in each response: a cursor or a URL for the next page."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import is_full, is_only_page, looks_like_error, more_follows, not_the_only_page
from tap_feedback.page import MISSING
from tap_feedback.paging.base import Paginator
from tap_feedback.retry import TransientError
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.paging_settings import PagingSettings, StreamView

    Row = dict[str, Any]

#: Maximum number of empty pages in a row, and of pages in a row with mostly known rows. After that, the stream fails.
MOST_EMPTY, MOST_STALE = 100, 10
#: Values that APIs return in place of a token on the last page. Some count a cursor down to 0.
NO_TOKEN: tuple[Any, ...] = (None, "", False, 0, "0", {}, [])


class Words(NamedTuple):
    """Words for a token in messages.

    Attributes:
        noun: The kind of token.
        place: Where the tap looks for it.
        lack: The beginning of a sentence about a response without a token.
        again: The beginning of a sentence about a repeated token.
        setting: The setting that says where the token is.
        check: The settings to check.
        remedy: What to set if the token is in another place, as the end of a message.
    """

    noun: str
    place: str
    lack: str
    again: str
    setting: str
    check: str
    remedy: str = ""


def as_sent(cursor: Any, paging: PagingSettings) -> Any:
    """Return a cursor as a request has it: in a JSON body a number stays one."""
    return cursor if paging.location == "body" else str(cursor)


def is_no_token(value: Any) -> bool:
    """Return whether a value in place of a token means that no page follows."""
    return value is MISSING or any(value == none and type(value) is type(none) for none in NO_TOKEN)


class ChainPaginator(Paginator):
    """Follows the token that each response has for the next page, until a response has no token.

    Repeated tokens or pages mean that the API loops. Remembering all of them would cost memory on a long sync, so each
    is compared with the one before, and with the one at the last power of two (Brent's cycle detection). That detects a
    loop of n pages within three rounds. Rows are compared by their keys, as their content may change with every
    request.
    """

    #: Whether all pages may have the same token.
    _may_stay = False

    def __init__(self, paging: PagingSettings, **stream: Unpack[StreamView]) -> None:
        super().__init__(paging, **stream)
        self._token: str | None = None  # for the next request
        self._names: set[str] = set()  # top-level names in the responses so far
        self._pages = 0
        self._taken = 0  # pages, the last one included
        self._kept_token: str | None = None
        self._kept_rows: int | None = None
        self._empty = 0  # pages in a row without rows
        self._stale = 0  # pages in a row with mostly known rows

    @property
    def reach(self) -> int:
        """Number of pages that were read."""
        return self._taken

    def _goes_on(self, page: Page) -> bool:  # noqa: ARG002
        """Return True: there is a token for more rows."""
        return True

    @property
    @abstractmethod
    def words(self) -> Words:
        """Words for the token in messages."""

    @abstractmethod
    def _find(self, page: Page) -> str | None:
        """Return the token in a response; None without a token.

        Raises:
            FatalAPIError: The value in its place is not a token.
        """

    def _missing(self, page: Page, names: set[str]) -> str | None:
        """Return what a response lacks that may make it unlike the others; None if it lacks nothing."""

    def take(self, page: Page) -> list[Row]:
        """Take a page and its token.

        Raises:
            FatalAPIError: The token or the rows are repeated, or the token is missing although more rows follow.
            TransientError: The response to a token has no content, or is unlike those before it.
        """
        self._check_response(page)
        more = self._read_flag(page)
        self._read_total(page)
        sighting = self._look(page.rows)
        self._check_rows(page, sighting)
        rows = self._remember(sighting)
        self._taken += 1
        token = None if more is False else self._find(page)
        if token is None or (more is None and self._is_last(sighting, token)):
            self._end(page, more=more)
        else:
            self._follow(token, sighting)
        return rows

    def _check_response(self, page: Page) -> None:
        """Check that the response to a token is like those before it.

        Raises:
            TransientError: The response has no content, or looks like an error.
        """
        names = page.response.keys() if isinstance(page.response, dict) else set()
        if self._token is not None:
            if page.response is MISSING:
                raise TransientError(f"returned 204 No Content for the {self.words.noun} in the response before")
            strange = sorted(filter(looks_like_error, names - self._names))
            missing = self._missing(page, set(names)) if strange else None
            if missing:
                named = ", ".join(f"`{one_line(name)}`" for name in strange[:3])
                raise TransientError(f"the response lacks {missing} and has {named}, unlike those before it")
        self._names |= names

    def _check_rows(self, page: Page, sighting: Sighting) -> None:
        """Compare rows with those before.

        Raises:
            FatalAPIError: The rows are repeated, or too many pages in a row were empty.
        """
        if not page.rows:
            self._empty += 1
            if self._empty > MOST_EMPTY:
                raise FatalAPIError(
                    f"the API returned {MOST_EMPTY} empty pages in a row, each with a {self.words.noun}; "
                    f"{self.words.check}"
                )
            return
        self._empty = 0
        self._stale = self._stale + 1 if 2 * sighting.new < len(page.rows) else 0
        if sighting.keys == self._history.last or self._stale > MOST_STALE:
            raise FatalAPIError(self._same_rows)

    @property
    def _same_rows(self) -> str:
        return f"the API returned the same rows for another {self.words.noun}; {self.words.check}"

    def _is_last(self, sighting: Sighting, token: str) -> bool:
        """Return whether a token marks the end of the rows so far. Some APIs repeat the last row for it."""
        stays = self._may_stay and token == self._token
        return stays and not sighting.brings_new and len(sighting.rows) < self._history.largest

    def _follow(self, token: str, sighting: Sighting) -> None:
        """Continue with another token, or with the same one if all pages may have it.

        Raises:
            FatalAPIError: The token or the page is repeated.
        """
        signature = hash(tuple(sighting.keys)) if sighting.rows else None
        if (token == self._token) > self._may_stay or token == self._kept_token != self._token:
            raise FatalAPIError(f"{self.words.again}, so paging would never end; {self.words.check}")
        if sighting.rows and signature == self._kept_rows:
            raise FatalAPIError(self._same_rows)
        self._pages += 1
        if self._pages & (self._pages - 1) == 0:
            self._kept_token, self._kept_rows = token, signature
        self._token = token

    def _remember(self, sighting: Sighting) -> list[Row]:
        """Count and remember the rows of a page, and return those to emit."""
        if sighting.rows:
            self._history.add(sighting._replace(rows=[]))  # only keys are compared
            self.distinct += sighting.new
        return sighting.rows

    def _end(self, page: Page, *, more: bool | None) -> None:
        """End, unless the response shows that more rows follow.

        Raises:
            FatalAPIError: The response shows it, or the API reports more rows than it returned.
        """
        sign = self._flag_says_more if more else more_follows(page, sent=self._token) if more is None else None
        if sign:
            raise FatalAPIError(f"{self.words.lack}, but {sign}; check `paginator.type`{self.words.remedy}")
        self._check_total()
        if more is None and page.rows and self._token is None and self._is_unpaged(page):
            self._look_at_only_page(page)
        if remark := self._remark(page):
            self._notice(logging.WARNING, remark)
        self.finished = True

    def _is_unpaged(self, page: Page) -> bool:
        """Return whether a first page does not even have an empty place for a token."""
        raise NotImplementedError

    def _look_at_only_page(self, page: Page) -> None:
        """Check a first page without a token, as the token may be in another place.

        Raises:
            FatalAPIError: The page is full, and the response counts more rows.
        """
        place, setting = self.words.place, self.words.setting
        full = is_full(len(page.rows), self.paging.limit)
        if sign := not_the_only_page(page, self.paging.limit):
            checks = setting if setting == "`paginator.type`" else f"`paginator.type` and {setting}"
            raise FatalAPIError(f"the response has no {place}, but {sign}; check {checks}")
        full = full and not is_only_page(page) and self.total != self.distinct
        hint = f"; if there are more rows, check {setting}" if full else ""
        level = logging.WARNING if full else logging.INFO
        self._notice(level, f"the first page has no {place}, so it is the only one{hint}")
