"""The base of the paginators that follow what each response has for the next: a cursor or an address."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import is_full, looks_like_error, more_follows, not_the_only_page
from tap_feedback.page import MISSING
from tap_feedback.paging.base import Paginator
from tap_feedback.retry import TransientError
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.base import PagingSettings, StreamView
    from tap_feedback.paging.history import Sighting

    Row = dict[str, Any]

#: Empty pages in a row, and pages in a row of which most rows are known, before the stream fails.
MOST_EMPTY, MOST_STALE = 100, 10
#: What an API returns in the place of a token on the last page. Some count a cursor down to 0.
NO_TOKEN: tuple[Any, ...] = (None, "", False, 0, "0", {}, [])


class Words(NamedTuple):
    """How messages speak of a token.

    Attributes:
        noun: What it is.
        place: Where it is looked for.
        lack: The beginning of a sentence about a response without it.
        again: The beginning of a sentence about one that comes again.
        setting: The setting that says where it is.
        check: The settings to check.
        remedy: What to set if it is in another place, as the end of a message.
    """

    noun: str
    place: str
    lack: str
    again: str
    setting: str
    check: str
    remedy: str = ""


def is_no_token(value: Any) -> bool:
    """Whether a value in the place of a token means that no page follows."""
    return value is MISSING or any(value == none and type(value) is type(none) for none in NO_TOKEN)


class ChainPaginator(Paginator):
    """Follows the token that each response has for the next, until one has none.

    Tokens and pages that come again mean that the API goes round in a circle. Remembering all of them would cost
    memory on a long sync, so each is compared with the one before and with one kept from the last power of two (Brent's
    cycle detection): a circle of n pages is noticed within three rounds. Rows are told apart by their keys, as
    their content may change with every request.
    """

    #: Whether one token may stand for all pages.
    _may_stay = False

    def __init__(self, paging: PagingSettings, **stream: Unpack[StreamView]) -> None:
        super().__init__(paging, **stream)
        self._token: str | None = None  # of the next request
        self._names: set[str] = set()  # at the top level of the responses so far
        self._pages = 0
        self._taken = 0  # pages, the last one included
        self._kept_token: str | None = None
        self._kept_rows: int | None = None
        self._empty = 0  # pages in a row without rows
        self._stale = 0  # pages in a row of which most rows are known

    @property
    def reach(self) -> int:
        """Number of pages that were read."""
        return self._taken

    def _goes_on(self, page: Page) -> bool:  # noqa: ARG002
        """Whether more rows may follow the last page: there is a token for them."""
        return True

    @property
    @abstractmethod
    def words(self) -> Words:
        """How messages speak of a token."""

    @abstractmethod
    def _find(self, page: Page) -> str | None:
        """The token that a response has for the next; None if it has none.

        Raises:
            FatalAPIError: The value in its place is not a token.
        """

    def _missing(self, page: Page, names: set[str]) -> str | None:
        """What a response lacks that may show that it is unlike the others; None if nothing."""

    def take(self, page: Page) -> list[Row]:
        """Take a page and its token.

        Raises:
            FatalAPIError: The token or the rows came before, or the token is missing though more rows follow.
            TransientError: The response to a token has no content, or is unlike those before.
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
        """See that the response to a token is like those before it.

        Raises:
            TransientError: It is not.
        """
        names = page.response.keys() if isinstance(page.response, dict) else set()
        if self._token is not None:
            if page.response is MISSING:
                raise TransientError(f"answered 204 No Content for a {self.words.noun} of the response before")
            strange = sorted(filter(looks_like_error, names - self._names))
            missing = self._missing(page, set(names)) if strange else None
            if missing:
                named = ", ".join(f"`{one_line(name)}`" for name in strange[:3])
                raise TransientError(f"the response lacks {missing} and has {named}, unlike those before")
        self._names |= names

    def _check_rows(self, page: Page, sighting: Sighting) -> None:
        """Compare rows with those before.

        Raises:
            FatalAPIError: They came before, or there were none for too long.
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
        """Whether a token is that of the end, behind which rows may come some day; some APIs repeat the last row."""
        stays = self._may_stay and token == self._token
        return stays and not sighting.brings_new and len(sighting.rows) < self._history.largest

    def _follow(self, token: str, sighting: Sighting) -> None:
        """Go on with another token, or with the same one if it may stand for all pages.

        Raises:
            FatalAPIError: It came before.
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
        """Count and remember the rows of a page; those to emit."""
        if sighting.rows:
            self._history.add(sighting._replace(rows=[]))  # no content is compared
            self.distinct += sighting.new
        return sighting.rows

    def _end(self, page: Page, *, more: bool | None) -> None:
        """End, unless the response shows that more rows follow.

        Raises:
            FatalAPIError: It does, or the API reports more rows than it returned.
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
        """Whether a first page has not even an empty place for a token."""
        raise NotImplementedError

    def _look_at_only_page(self, page: Page) -> None:
        """Judge a first page without a token: it may be in another place.

        Raises:
            FatalAPIError: The page is full, and the response counts more rows.
        """
        place, setting = self.words.place, self.words.setting
        full = is_full(len(page.rows), self.paging.limit)
        if sign := not_the_only_page(page, self.paging.limit):
            checks = setting if setting == "`paginator.type`" else f"`paginator.type` and {setting}"
            raise FatalAPIError(f"the response has no {place}, but {sign}; check {checks}")
        hint = f"; if there are more rows, check {setting}" if full else ""
        level = logging.WARNING if full else logging.INFO
        self._notice(level, f"the first page has no {place}, so it is the only one{hint}")
