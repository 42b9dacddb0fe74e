"""The base of all paginators and of their settings: page size, total, flag that says whether more follows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, TypedDict

from msgspec import Meta, Struct
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import is_full, more_follows, uncounted
from tap_feedback.fields import Count, DottedPath, Name
from tap_feedback.page import MISSING, lookup
from tap_feedback.paging.history import History
from tap_feedback.paging.keys import NO_KEY
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Unpack

    from tap_feedback.page import Page
    from tap_feedback.paging.history import Sighting
    from tap_feedback.paging.keys import Keys

    Row = dict[str, Any]

SAME_KEYS = "most rows of a page have the primary key of another row, so they cannot be told apart; check `primary_key`"
#: Number of rows from which a key that most of them share cannot be by chance.
SEVERAL = 10
#: The values of a flag; some APIs write it as a text or a number.
FLAGS = {"true": True, "1": True, "false": False, "0": False}
#: What `overlap` has in common where it is a setting.
Overlap = Annotated[
    int,
    Meta(
        ge=0,
        description="For `offset`: number of rows to request again from the page before. For `page_number`: number of "
        "pages to request again after the next one. Either notices rows that shift; 0 to disable.",
    ),
]


class Address(NamedTuple):
    """The address of a stream's first request, in its three parts, without parameters."""

    base_url: str
    path_prefix: str = ""
    path: str = ""


class StreamView(TypedDict):
    """What a paginator knows of its stream.

    Attributes:
        keys: Returns the keys that tell the rows of a page apart.
        notice: Logs a text at a level, both of which it is given.
        address: The address of the first request.
    """

    keys: Keys
    notice: Callable[[int, str], None]
    address: Address


class PageRequest(NamedTuple):
    """What a paginator changes in the stream's request: parameters, or the whole address.

    `url` is an absolute address of the same origin, to be requested as it is. `is_first` marks the first request of a
    chain, which alone sends the parameters in `first_page_only`.
    """

    params: Mapping[str, Any] = {}
    url: str | None = None
    is_first: bool = False


class PagingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings that all paginators have."""

    limit: Annotated[Count, Meta(description="Number of rows to request in a page, if `limit_param` is set.")] = 100
    limit_param: Annotated[Name | None, Meta(description="Parameter for the page size; null to omit it.")] = None
    total_path: Annotated[
        DottedPath | None,
        Meta(description="Dotted path of the total count of rows (`page_number`: of pages); null for none."),
    ] = None
    has_more_path: Annotated[
        DottedPath | None,
        Meta(
            description="Dotted path of a flag that says whether more rows follow, with a leading `!` if it says that "
            "none do; null for none."
        ),
    ] = None
    max_pages: Annotated[
        Count | None,
        Meta(
            description="Number of pages after which the API serves no more: if more rows follow, the tap starts again "
            "from the last row (see `incremental.row_order`) or fails; null for no limit."
        ),
    ] = None
    location: Annotated[
        Literal["query", "body"], Meta(description="Place of the paging values: `query`, or the JSON `body` of a POST.")
    ] = "query"
    first_page_only: Annotated[
        tuple[Name, ...], Meta(description="List of parameters that only the first request of a chain sends.")
    ] = ()

    #: Whether the total counts pages, not rows.
    counts_pages: ClassVar[bool] = False
    #: What a test of the connection says if a second page had rows, and if none had.
    proof: ClassVar[tuple[str, str]] = ("", "")

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong among these settings: the name of one, and words that follow it."""
        if self.has_more_path in {"!", "!$"}:
            yield "has_more_path", "must have a dotted path after the `!`"

    def start(self, **stream: Unpack[StreamView]) -> Paginator:
        """Return a fresh paginator for a stream."""
        raise NotImplementedError


class Paginator(ABC):
    """The base of all paginators.

    Args:
        paging: The settings.
        stream: What it knows of its stream.

    Attributes:
        finished: Whether there is nothing more to request: the end is proven, or `is_capped`.
        is_capped: Whether the API serves no further page, though more rows follow.
        total: Number of rows that the last response with a total reported; None if none did.
        distinct: Number of distinct rows received, as far as the remembered rows show.
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

    def upcoming(self, most: int) -> list[PageRequest]:  # noqa: ARG002
        """The next request, and those that will most likely follow; at most `most` in all."""
        return [self.request]

    @abstractmethod
    def take(self, page: Page) -> list[Row]:
        """Take the page that came back; its rows that are new.

        Raises:
            FatalAPIError: The stream cannot be read whole; the message names the setting to check.
            TransientError: The response contradicts another one, so the request is worth a retry.
        """

    def mind_cap(self, page: Page) -> None:
        """Stop after a page behind which the API serves no more, by `max_pages`."""
        if self.paging.max_pages is None or self.finished or not self._is_behind(self.paging.max_pages):
            return
        flag = self._read_flag(page)
        self.is_capped = self._lacks_rows or (self._goes_on(page) if flag is None else flag)
        self.finished = True

    def _is_behind(self, pages: int) -> bool:
        """Whether the next request is for what lies behind so many pages."""
        return self.reach >= pages

    def _goes_on(self, page: Page) -> bool:
        """Whether more rows may follow the last page: it was a full one, or its response says so."""
        count, largest = len(self._history.last), self._history.largest
        is_cut = count >= largest if self._history.count > 1 else is_full(count, self.paging.limit)
        return (count > 0 and is_cut) or more_follows(page) is not None

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
        """Whether the response says that more rows follow; None if `has_more_path` is not set, or nothing is there.

        Nothing need be there if there are no rows at all.

        Raises:
            FatalAPIError: The flag is not there, or is neither true nor false.
            TransientError: It is not there, but was there before.
        """
        if self.paging.has_more_path is None:
            return None
        path = self.paging.has_more_path.removeprefix("!")
        value = lookup(page.response, path)
        if value is MISSING or value is None:
            if self._has_flag:
                raise TransientError(
                    f"the response has no `{path}`, unlike those before", hint="; check `paginator.has_more_path`"
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
        """The words for a flag at `has_more_path` that says that more rows follow."""
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
