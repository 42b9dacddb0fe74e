"""Who may read a vendor's API, and how it refuses all others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

from sandbox.access import authorization, decoded
from sandbox.exchange import Refused, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.vendors.request import VendorRequest

KEY = "correct-key-0123456789"


class Access(Protocol):
    """How an API checks requests."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """What a user sets beside vendor, address and key."""

    def check(self, request: VendorRequest) -> Response | None:
        """A response of its own, in place of rows; None if the request may have rows. Refuses wrong credentials."""


@dataclass(frozen=True)
class HeaderKey:
    """The key in a header, behind a prefix.

    Args:
        name: The header.
        prefix: What stands before the key.
        status: The status of a refusal.
    """

    name: str = "Authorization"
    prefix: str = "Bearer "
    status: int = 401
    settings: Mapping[str, Any] = field(default_factory=dict)

    def check(self, request: VendorRequest) -> Response | None:
        """Refuse another key."""
        if request.sent.headers.get(self.name) != self.prefix + KEY:
            raise Refused(self.status, "unauthorized")
        return None


@dataclass(frozen=True)
class Basic:
    """HTTP Basic: the key is the password of a user, or the user with any password.

    Args:
        user: The user's name; None if it is the key.
    """

    user: str | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The user's name."""
        return {} if self.user is None else {"auth": {"username": self.user}}

    def check(self, request: VendorRequest) -> Response | None:
        """Refuse other credentials."""
        scheme, value = authorization(request.sent.headers)
        user, _, password = decoded(value).partition(":")
        if scheme != "basic" or (user != KEY if self.user is None else (user, password) != (self.user, KEY)):
            raise Refused(401, "unauthorized")
        return None


@dataclass(frozen=True)
class BodyKey:
    """The key in the body. A wrong one is answered with 200 and an error."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def check(self, request: VendorRequest) -> Response | None:
        """Answer a wrong key with an error."""
        if request.params.get(self.name) != KEY:
            return Response.of(200, {"error": "invalid api key"})
        return None


@dataclass
class Credentials:
    """OAuth client credentials: a token is good for some requests, and then expires.

    Args:
        path: The path of the token endpoint.
        client: The client's id.
        requests: The number of requests that a token is good for.
    """

    path: str
    client: str = "the-client"
    requests: int = 5
    _left: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The client's id."""
        return {"auth": {"client_id": self.client}}

    def check(self, request: VendorRequest) -> Response | None:
        """Issue a token, or refuse a request without a good one."""
        if request.sent.path == self.path:
            return self._issue(request)
        scheme, token = authorization(request.sent.headers)
        if scheme != "bearer" or self._left.get(token, 0) < 1:
            raise Refused(401, "the token is missing, unknown or expired")
        self._left[token] -= 1
        return None

    def _issue(self, request: VendorRequest) -> Response:
        form = {name: values[-1] for name, values in parse_qs(request.sent.body.decode()).items()}
        wanted = {"grant_type": "client_credentials", "client_id": self.client, "client_secret": KEY}
        if request.sent.method != "POST" or form != wanted:
            raise Refused(401, "invalid_client")
        token = f"token-{len(self._left)}"
        self._left[token] = self.requests
        return Response.of(200, {"token_type": "bearer", "access_token": token, "expires_in": 172800})
