"""Requests for access tokens, sent unsigned and at the pace of their host, which may not be the API's."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.auth.base import TokenError, TokenResponse
from tap_feedback.body import encode
from tap_feedback.host import Host
from tap_feedback.page import decode
from tap_feedback.responses import check_transient
from tap_feedback.retry import TransientError
from tap_feedback.transport import merge_headers
from tap_feedback.urls import locate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.gate import Gate, Gates
    from tap_feedback.settings import Api

#: The setting with the URL.
SETTING = "auth.access_token_url"


class TokenClient:
    """Sends the requests for access tokens of one API, one after the other.

    Args:
        api: The API's settings.
        user_agent: Sent with every request.
        gates: The gates of all hosts.
        closed: Ends waits, together with `close`.
    """

    def __init__(self, api: Api, user_agent: str, gates: Gates, closed: threading.Event) -> None:
        self.api = api
        self._user_agent = user_agent
        self._gates = gates
        self._closed = closed
        self._lock = threading.Lock()
        self._route: tuple[Host, Gate] | None = None  # set by the first request

    def __call__(self, request: HTTPRequest) -> TokenResponse:
        """Send a request, without retries.

        Raises:
            TransientError: The request failed, and a retry may help.
            TokenError: The request failed, and a retry would not help.
            CancelledError: The connection was closed first.
        """
        url = self.api.base_url + request.url if request.url.startswith("/") else request.url
        with self._lock:
            if self._route is None:
                host = Host(self.api, url, self._user_agent, size=1, setting=SETTING)
                self._route = host, self._gates.to(url)
            host, gate = self._route
        entered = gate.enter(self._closed, lambda: request)
        if entered is None:
            raise CancelledError
        _, turn, held_until = entered
        try:
            response = self._exchange(host, url, request)
        except BaseException as error:
            gate.leave(turn, error, self.api.retry)
            if isinstance(error, TransientError):
                error.held_until = held_until
            raise
        gate.leave(turn, None, self.api.retry)
        return response

    def close(self) -> None:
        """End the waits of requests, and close the host's connection."""
        with self._lock:
            if self._route is not None:
                host, gate = self._route
                gate.wake()
                host.close()

    def _exchange(self, host: Host, url: str, request: HTTPRequest) -> TokenResponse:
        """Send a request, and decode the response."""

        def check(status: int, headers: Mapping[str, str]) -> None:
            check_transient(status, headers, self.api)

        # The headers in the settings may hold secrets, so only the API's own host gets them.
        own = self.api.headers if locate(url).origin == locate(self.api.base_url).origin else {}
        headers = merge_headers(own, request.headers)
        body = encode(request.data, headers)
        try:
            response = host.exchange(request.method, locate(url), headers, body, check=check)
        except TransientError as error:
            error.args = (f"no access token: {error}",)
            error.is_of_token = True
            raise
        except FatalAPIError as error:
            raise TokenError(f"no access token: {error}") from None
        return TokenResponse(response.status, _decoded(response.body))


def _decoded(body: bytes) -> Any:
    """Return the JSON value of a body; None if it is not JSON."""
    try:
        return decode(body)[0]
    except TransientError:
        return None
