"""Links to the next page: resolved, and followed only on the API's own origin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from tap_feedback.paging.chain import ChainPaginator
from tap_feedback.paging.paging_settings import PageRequest

if TYPE_CHECKING:
    from tap_feedback.paging.paging_settings import Address

#: Characters that URL parsers read in different ways, so that a link could hide its host behind them.
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]").search
ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//").match
PORTS = {"http": 80, "https": 443}


class LinkError(ValueError):
    """A link leads to another origin, or cannot be parsed. The message says what is wrong, without a subject."""


def resolve(link: str, address: Address, current: str) -> str:
    """Return the absolute URL of a link.

    Args:
        link: An absolute URL, a path or a query. A path is on the origin if it begins with the API's prefix, with or
            without the path of `base_url` before it. Any other path follows both.
        address: The URL of the stream.
        current: The URL of the request that returned the link. A link that is only a query replaces its query.

    Raises:
        LinkError: The link is invalid, or leads to another origin than the API's.
    """
    link = link.strip().partition("#")[0]
    base = _split(address.base_url)
    if not link or UNSAFE(link):
        raise LinkError("has characters that are not valid in a URL" if link else "is only a fragment")
    if ABSOLUTE(link):
        url = f"{base.scheme}:{link}" if link.startswith("//") else link
    elif link.startswith("?"):
        url = current.partition("?")[0] + link
    else:
        path = link if link.startswith("/") else f"/{link}"
        prefix = address.path_prefix
        is_whole = _begins_with(path, base.path + prefix) or _begins_with(path, prefix)
        url = f"{base.scheme}://{base.netloc}{path}" if is_whole else f"{address.base_url}{prefix}{path}"
    _check_origin(_split(url), base)
    return url


def _begins_with(path: str, prefix: str) -> bool:
    """Return whether a path, with or without a query, begins with a prefix that is not empty."""
    return bool(prefix) and path.startswith(prefix) and path[len(prefix) :][:1] in {"", "/", "?"}


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed when it is read
    except ValueError:
        raise LinkError("cannot be parsed") from None
    return parts


def _check_origin(parts: SplitResult, base: SplitResult) -> None:
    """Compare two origins.

    Raises:
        LinkError: They differ.
    """
    if parts.scheme != base.scheme:
        raise LinkError(f"does not begin with `{base.scheme}://`, as `base_url` does")
    if parts.hostname != base.hostname:
        raise LinkError("has a different host from `base_url`")
    if (parts.port or PORTS.get(parts.scheme)) != (base.port or PORTS.get(base.scheme)):
        raise LinkError("has a different port from `base_url`")
    if parts.username is not None or parts.password is not None:
        raise LinkError("has a user name")


class LinkPaginator(ChainPaginator):
    """Follows the URL that each response has for the next page, without changing it."""

    @property
    def request(self) -> PageRequest:
        """The next request: the stream's own for the first page, then a whole URL."""
        if self._token is None:
            return PageRequest(self._size, is_first=True)
        return PageRequest(url=self._token)

    def _resolve(self, link: str) -> str:
        """Return the absolute URL of a link.

        Raises:
            LinkError: The link is invalid, or leads to another origin than the API's.
        """
        return resolve(link, self._address, self._token or "".join(self._address))
