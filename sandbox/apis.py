"""APIs of the sandbox: for each its key, how it checks requests and how it pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.access import Access, KeyAccess, TokenAccess
from sandbox.paging import Cursor, Offset, Paging
from sandbox.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The default style of each API.
PAGING: dict[str, Paging] = {"feedback": Offset(), "analytics": Cursor(), "support": Offset()}


@dataclass(frozen=True)
class Options:
    """Options of an API that differ from its defaults.

    Args:
        key: Its key.
        paging: Its style of paging.
        token_lifetime: Lifetime of an access token in seconds. If it is set, the API accepts OAuth2 tokens and no keys.
    """

    key: str | None = None
    paging: Paging | None = None
    token_lifetime: float | None = None


class Api:
    """An API, with its defaults except for some options."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.key = options.key or f"{name}-key"
        self.paging = options.paging or PAGING[name]
        self.access: Access = KeyAccess(self.key, in_query=name != "analytics")
        if options.token_lifetime is not None:
            self.access = TokenAccess(f"{name}-client", self.key, options.token_lifetime)
        self.in_flight = self.most_in_flight = 0

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's settings for it, without the address."""
        settings = self.access.settings
        if self.paging != PAGING[self.name]:
            settings["paginator"] = self.paging.settings
        if self.paging.method == "POST":
            names = [stream.name for stream in STREAMS if stream.api == self.name]
            settings["streams"] = {name: {"method": "POST"} for name in names}
        return settings


def make_apis(options: Mapping[str, Options]) -> dict[str, Api]:
    """Return the three APIs by name.

    Raises:
        ValueError: The options are for an API that does not exist.
    """
    if unknown := sorted(options.keys() - PAGING.keys()):
        raise ValueError(f"unknown API {', '.join(unknown)}")
    return {name: Api(name, options.get(name, Options())) for name in PAGING}
