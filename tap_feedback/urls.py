"""URLs of requests: their origin, path and query."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus, urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Container
    from urllib.parse import SplitResult


class Origin(NamedTuple):
    """Scheme, host and port of a URL, normalised."""

    scheme: str
    host: str | None
    port: int

    def __str__(self) -> str:
        """Return the origin as the beginning of a URL."""
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host
        is_usual = self.port == _usual_port(self.scheme)
        return f"{self.scheme}://{host}" if is_usual else f"{self.scheme}://{host}:{self.port}"


class Location(NamedTuple):
    """Where a request goes: the origin, and the path and query as they are sent."""

    origin: Origin
    path: str
    query: str

    @property
    def target(self) -> str:
        """Path and query, as in a request line."""
        return f"{self.path}?{self.query}" if self.query else self.path


def origin(parts: SplitResult) -> Origin:
    """Return the origin of a URL."""
    return Origin(parts.scheme, parts.hostname, parts.port or _usual_port(parts.scheme))


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


@lru_cache
def quoted(url: str) -> str:
    """Return a URL as requests sends it, quoted if necessary."""
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


@lru_cache
def locate(url: str) -> Location:
    """Return the location of a URL.

    Raises:
        ValueError: It is not a valid URL. Some invalid URLs raise RequestException.
    """
    parts = urlsplit(quoted(url))
    return Location(origin(parts), parts.path or "/", parts.query)


def join_queries(query: str, other: str, *, replaced: Container[str] = ()) -> str:
    """Return two queries as one.

    Args:
        query: The first query. It keeps its spelling, but loses the parameters in `replaced`.
        other: The second query.
        replaced: Names of parameters.
    """
    if query and replaced:
        kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in replaced]
        query = "&".join(kept)
    return f"{query}&{other}" if query and other else query or other
