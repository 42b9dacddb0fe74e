"""Access to an API of the sandbox: by its key, or by an OAuth2 token."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

from sandbox.exchange import Refused, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.exchange import RecordedRequest

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address


class Access(Protocol):
    """How an API checks requests."""

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's settings for it, without the address."""

    def check(self, request: RecordedRequest) -> None:
        """Refuse a request without the right credentials."""


@dataclass(frozen=True)
class KeyAccess:
    """The key in a header, as a bearer token or as the user of basic auth, and with `in_query` also in the query."""

    key: str
    in_query: bool

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's settings for it, without the address."""
        return {"api_key": self.key}

    def check(self, request: RecordedRequest) -> None:
        """Refuse a request without the key.

        Raises:
            Refused: The key is missing or wrong.
        """
        offered = self._offered(request)
        if self.key not in offered:
            # Some vendors quote the credentials that they received.
            raise Refused(401, f"the key is wrong or missing; received {offered}")

    def _offered(self, request: RecordedRequest) -> list[str]:
        keys = [request.headers[name] for name in ("X-API-Key", "api_key") if name in request.headers]
        if self.in_query:
            keys += [value for name, value in request.query if name == "api_key"]
        scheme, value = authorization(request.headers)
        if scheme == "bearer":
            keys.append(value)
        elif scheme == "basic":
            user, _, password = decoded(value).partition(":")
            keys += [] if password else [user]
        return keys


@dataclass
class TokenAccess:
    """OAuth2 client credentials: the key is the client's secret, and a token lasts for some seconds."""

    client: str
    key: str
    lifetime: float
    #: The issued tokens, each with the time at which it expires.
    tokens: dict[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's settings for it, without the address."""
        auth = {"type": "oauth2_client_credentials", "access_token_url": TOKEN_PATH, "client_id": self.client}
        return {"api_key": self.key, "auth": auth}

    def check(self, request: RecordedRequest) -> None:
        """Refuse a request without a current token.

        Raises:
            Refused: The token is missing, expired or unknown.
        """
        scheme, token = authorization(request.headers)
        if scheme != "bearer" or self.tokens.get(token, 0) <= time.monotonic():
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Refused(401, f"the access token is missing, unknown or expired: {token!r}", headers=challenge)

    def issue(self) -> Response:
        """Return a response with a new token."""
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + self.lifetime
        body = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.lifetime)}
        return Response.of(200, body, {"Cache-Control": "no-store"})

    def expire(self) -> None:
        """Make all issued tokens expire now."""
        self.tokens.clear()


def token_response(request: RecordedRequest, clients: Mapping[str, TokenAccess]) -> Response:
    """Return the response of the token endpoint: a token, or one of the errors of RFC 6749.

    Raises:
        Refused: The method is not POST.
    """
    if request.method != "POST":
        raise Refused(405, f"{request.method} is not allowed here, only POST")
    if not request.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return Response.of(400, {"error": "invalid_request"})
    form = {name: values[-1] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
    scheme, value = authorization(request.headers)
    basic = decoded(value).partition(":") if scheme == "basic" else ("", "", "")
    client = clients.get(form.get("client_id", basic[0]))
    if client is None or form.get("client_secret", basic[2]) != client.key:
        return Response.of(401, {"error": "invalid_client"})
    if form.get("grant_type") != "client_credentials":
        return Response.of(400, {"error": "unsupported_grant_type"})
    return client.issue()


def authorization(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return the scheme, in lower case, and the credentials of a request."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    return scheme.lower(), value.strip()


def decoded(value: str) -> str:
    """Return the text of a basic credential; empty if it cannot be decoded."""
    try:
        return base64.b64decode(value).decode()
    except ValueError:
        return ""
