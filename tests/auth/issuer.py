"""A local API that issues access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.retry import TransientError
from tests.connections import connected, send
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_PATH = "/oauth/token"
SECRET = "s3cret/with+signs&=%é"
AUTH = {"type": "oauth2_client_credentials", "access_token_url": TOKEN_PATH, "client_id": "client 1"}


class TokenServer(Server):
    """An API that issues numbered tokens, and returns an empty page for each accepted token.

    Args:
        tokens: Responds to requests for tokens; the default issues `token-1`, `token-2` and so on.
        accepts: Whether a token is accepted.
    """

    def __init__(
        self,
        tokens: Callable[[RecordedRequest], Any] | None = None,
        *,
        accepts: Callable[[str], bool] = lambda token: token.startswith("token-"),
        **members: Any,
    ) -> None:
        self.forms: list[RecordedRequest] = []
        self.used: list[str] = []
        self.accepts = accepts
        self.tokens = tokens or (lambda asked: {"access_token": self.issue(), "token_type": "Bearer", **members})
        super().__init__(self.respond)

    def issue(self) -> str:
        """The next token."""
        return f"token-{len(self.forms)}"

    def respond(self, asked: RecordedRequest) -> Any:
        """A token, or a page."""
        if asked.path == TOKEN_PATH:
            self.forms.append(asked)
            return self.tokens(asked)
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        self.used.append(token)
        return [] if self.accepts(token) else Reply({}, 401)


def settings_for(**auth: Any) -> dict[str, Any]:
    """Settings with this auth."""
    return {"auth": {**AUTH, **auth}, "api_key": SECRET}


def form(asked: RecordedRequest) -> dict[str, str]:
    """The form of a request."""
    assert (asked.method, asked.headers["Content-Type"]) == ("POST", "application/x-www-form-urlencoded")
    return dict(parse_qsl(asked.body.decode(), keep_blank_values=True))


def failure_of(tokens: Callable[[RecordedRequest], Any], **settings: Any) -> tuple[Exception, TokenServer]:
    """What a request fails with if requests for tokens get these responses."""
    with TokenServer(tokens) as server, connected(server, **settings_for(), **settings) as connection:
        with pytest.raises((FatalAPIError, TransientError)) as raised:
            send(connection)
        return raised.value, server
