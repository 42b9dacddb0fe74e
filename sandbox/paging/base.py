"""Base of all styles of paging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlencode

from sandbox.exchange import RecordedRequest, Refused, flat, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.table import Selection


class Page(NamedTuple):
    """Rows, each as its number and the instant of its last update, with further members and headers."""

    rows: list[tuple[int, int]]
    beside: dict[str, Any]
    headers: dict[str, str]


@dataclass(frozen=True)
class Paging:
    """The options of all styles.

    Args:
        limit_param: Parameter for the page size.
        limit: Page size if the request has none.
        most: Largest page size; a larger one is capped.
        location: Where the parameters are: in the query, or in the JSON body of a POST, as dotted paths.
        total: Whether the response has a total count.
        has_more: Whether the response has a flag that says whether more rows follow.
    """

    limit_param: str = "limit"
    limit: int = 100
    most: int = 1_000
    location: Literal["query", "body"] = "query"
    total: bool = True
    has_more: bool = False

    @property
    def method(self) -> str:
        """The method of the requests."""
        return "POST" if self.location == "body" else "GET"

    def params(self, request: RecordedRequest) -> dict[str, Any]:
        """Return the parameters of a request by name."""
        if self.location == "query":
            return dict(request.query)
        params = dict(flat(request.json))
        for name in self.numbers & params.keys():
            if isinstance(params[name], str):
                raise Refused(400, f"{name} must be a number, not a text")
        return params

    @property
    def numbers(self) -> frozenset[str]:
        """The parameters that are numbers."""
        return frozenset({self.limit_param})

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's `paginator` settings for this style."""
        more = {"has_more_path": "has_more"} if self.has_more else {}
        return {"limit_param": self.limit_param, "location": self.location, **more}

    def page(self, rows: Selection, params: Mapping[str, Any], url: str) -> Page:
        """Return the page that a request is for.

        Args:
            rows: The rows that the request selects, over all pages.
            params: The parameters of the request.
            url: The URL of the request without its query.

        Raises:
            Refused: A parameter has an impossible value.
        """
        raise NotImplementedError

    def size(self, params: Mapping[str, Any]) -> int:
        """Return the page size of a request."""
        return min(whole(params, self.limit_param, self.limit, least=1), self.most)

    def flag(self, *, more: bool) -> dict[str, Any]:
        """Return the flag, if this style has one."""
        return {"has_more": more} if self.has_more else {}


def link(url: str, params: Mapping[str, Any], **changes: object) -> str:
    """Return a URL with the parameters of a request, with some changes and without the key."""
    return f"{url}?{urlencode({**{name: params[name] for name in params if name != 'api_key'}, **changes})}"
