"""Settings that all paginators share, with a paginator's view of its stream and its part of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, TypedDict

from msgspec import Meta, Struct

from tap_feedback.evidence import flag_says_more
from tap_feedback.fields import Count, DottedPath, Name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from typing_extensions import Unpack

    from tap_feedback.paging.base import Paginator
    from tap_feedback.paging.keys import Keys

#: The setting `overlap`, for the paginators that have it.
Overlap = Annotated[
    int,
    Meta(
        ge=0,
        description="For `offset`: number of rows to request again from the page before. For `page_number`: number of "
        "pages to request again after the next one. Both detect rows that shift; 0 to disable.",
    ),
]


class Address(NamedTuple):
    """The URL of a stream's first request, in three parts and without parameters."""

    base_url: str
    path_prefix: str = ""
    path: str = ""


class StreamView(TypedDict):
    """The parts of a stream that a paginator needs.

    Attributes:
        keys: Returns the keys of the rows of a page.
        notice: Logs a text at a level; takes both.
        address: The URL of the first request.
    """

    keys: Keys
    notice: Callable[[int, str], None]
    address: Address


class PageRequest(NamedTuple):
    """The paginator's part of a request: parameters, or the whole URL.

    `url` is an absolute URL of the same origin, which is requested unchanged. `is_first` marks the first request of a
    paginator, the only one that sends the parameters in `first_page_only`.
    """

    params: Mapping[str, Any] = {}
    url: str | None = None
    is_first: bool = False


class PagingSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings that all paginators have."""

    limit: Annotated[Count, Meta(description="Number of rows to request per page, if `limit_param` is set.")] = 100
    limit_param: Annotated[Name | None, Meta(description="Parameter for the page size; null to omit it.")] = None
    total_path: Annotated[
        DottedPath | None,
        Meta(description="Dotted path of the total count of rows (`page_number`: of pages); null for none."),
    ] = None
    has_more_path: Annotated[
        DottedPath | None,
        Meta(
            description="Dotted path of a flag that is true if more rows follow, or with a leading `!`, of one that is "
            "true on the last page; null for none."
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
        tuple[Name, ...], Meta(description="List of parameters to send only with the request for the first page.")
    ] = ()

    #: Whether the total counts pages, not rows.
    counts_pages: ClassVar[bool] = False
    #: What the connection test reports if a second page had rows, and if it had no rows.
    proof: ClassVar[tuple[str, str]] = ("", "")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Yield the faults of these settings: the name of a setting, and words that follow it."""
        if self.has_more_path in {"!", "!$"}:
            yield "has_more_path", "must have a dotted path after the `!`"
        elif self.has_more_path is not None:
            path = self.has_more_path.removeprefix("!")
            says_more = flag_says_more(path.rpartition(".")[2])
            if says_more is not None and says_more is self.has_more_path.startswith("!"):
                words = "without a `!`, as it is true" if says_more else "with a `!` before it, as it is false"
                yield "has_more_path", f"must be {words} while more rows follow"

    def start(self, **stream: Unpack[StreamView]) -> Paginator:
        """Return a fresh paginator for a stream."""
        raise NotImplementedError
