"""URLs of requests: where they lead, and their query."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus, urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Container
    from urllib.parse import SplitResult


class Origin(NamedTuple):
    """Scheme, host and port of a URL, in one spelling."""

    scheme: str
    host: str | None
    port: int

    def __str__(self) -> str:
        """The origin as the beginning of a URL."""
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
        """Path and query, as a request line has them."""
        return f"{self.path}?{self.query}" if self.query else self.path


def origin(parts: SplitResult) -> Origin:
    """The origin of a URL."""
    return Origin(parts.scheme, parts.hostname, parts.port or _usual_port(parts.scheme))


def _usual_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


@lru_cache
def quoted(url: str) -> str:
    """A URL as requests sends it, quoted where it needs to be."""
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


@lru_cache
def locate(url: str) -> Location:
    """Where a URL leads.

    Raises:
        ValueError: It is not a URL; or RequestException.
    """
    parts = urlsplit(quoted(url))
    return Location(origin(parts), parts.path or "/", parts.query)


def join_queries(query: str, other: str, *, replaced: Container[str] = ()) -> str:
    """Two queries as one.

    Args:
        query: A query; it keeps its spelling, but loses the parameters in `replaced`.
        other: Another one, to follow it.
        replaced: Names of parameters.
    """
    if query and replaced:
        kept = [pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in replaced]
        query = "&".join(kept)
    return f"{query}&{other}" if query and other else query or other
