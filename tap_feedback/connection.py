"""One API: its session, authenticator, pacing and the requests in flight to it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
from singer_sdk.authenticators import APIKeyAuthenticator, BasicAuthenticator, BearerTokenAuthenticator
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.instants import parse_http_date
from tap_feedback.retry import TransientError, retry_after
from tap_feedback.settings import ApiKeyAuth, BearerAuth
from tap_feedback.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future
    from urllib.parse import SplitResult

    from singer_sdk.authenticators import APIAuthenticatorBase
    from singer_sdk.streams.rest import HTTPRequest
    from urllib3 import BaseHTTPResponse

    from tap_feedback.settings import Api

#: The most bytes that one answer may have, decoded.
MAX_BODY = 256 * 1024 * 1024
CHUNK = 64 * 1024
MAX_REDIRECTS = 5


class Answer(NamedTuple):
    """What came back for one request; `body` is decoded from its transfer and content encoding.

    `sent` is when the request was sent by the API's clock, as its `Date` header tells; None if that does not.
    """

    body: bytes
    received: datetime
    headers: Mapping[str, str]
    sent: datetime | None = None


class RefusedError(FatalAPIError):
    """The API answered, with a status that is neither an answer nor transient."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Connection:
    """Sends the requests of one API, at most `max_connections` at once.

    Its methods are called with the baton; the requests themselves run on worker threads, which share nothing but the
    way to the API and the moment before which nothing is sent.
    """

    def __init__(self, api: Api, user_agent: str) -> None:
        self.api = api
        # The key stays the same, so what it adds to a request is asked for once.
        authenticator = self.authenticator
        headers = {"User-Agent": user_agent, "Accept": "application/json", **api.headers, **authenticator.auth_headers}
        self._auth_params = authenticator.auth_params
        self._transport = Transport(api.base_url, headers, size=api.max_connections)
        self._workers = ThreadPoolExecutor(api.max_connections, thread_name_prefix=api.name)
        self._closed = threading.Event()
        self._not_before = 0.0
        self._next_slot = 0.0

    @property
    def authenticator(self) -> APIAuthenticatorBase:
        """The SDK's authenticator for the API's `auth`."""
        auth, key = self.api.auth, self.api.api_key
        if isinstance(auth, ApiKeyAuth):
            return APIKeyAuthenticator(
                key=auth.name, value=key, location="params" if auth.location == "query" else "header"
            )
        if isinstance(auth, BearerAuth):
            return BearerTokenAuthenticator(token=key)
        return BasicAuthenticator(username=key, password="")

    def submit(self, request: HTTPRequest) -> Future[Answer]:
        """Send a request as soon as a connection is free and the budget allows; no retry.

        The future raises what urllib3 raises, and requests, and TransientError or FatalAPIError for an answer that is
        none.
        """
        slot = 0.0
        if self.api.requests_per_minute:
            slot = max(time.monotonic(), self._next_slot)
            self._next_slot = slot + 60 / self.api.requests_per_minute
        return self._workers.submit(self._send, request, slot)

    def pause(self, seconds: float) -> None:
        """Send nothing to this API for some seconds."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def close(self) -> None:
        """Drop what is waiting, and close the connections."""
        self._closed.set()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._transport.close()

    def _send(self, request: HTTPRequest, slot: float) -> Answer:
        """Wait for the request's turn, send it, follow redirects on the same host, and read the answer."""
        while (wait := max(slot, self._not_before) - time.monotonic()) > 0:
            if self._closed.wait(wait):
                raise CancelledError
        began = time.monotonic()
        deadline = began + self.api.timeout
        url = self._url(request)
        for _ in range(MAX_REDIRECTS + 1):
            with self._transport.send(request.method, url, request.headers, deadline - time.monotonic()) as response:
                location = response.get_redirect_location()
                if not location:
                    self._check_status(response)
                sent = api_clock(response.headers.getlist("Date"), time.monotonic() - began)
                body = read_body(response)  # whole, so that the connection can be used again
            if location:
                url = self._follow(url, location)
            elif body or response.status == HTTPStatus.NO_CONTENT:
                return Answer(body, datetime.now(timezone.utc), response.headers, sent)
            else:
                raise TransientError("answered 200 OK with nothing in it")
        raise FatalAPIError(f"redirects more than {MAX_REDIRECTS} times: check `{self.api.name}.path_prefix`")

    def _url(self, request: HTTPRequest) -> str:
        """The address of a request, with all parameters and the key where it is one of them."""
        url = quoted(request.url)
        query = replace(request, params={**request.params, **self._auth_params}).encode_params()
        return f"{url}{'&' if '?' in url else '?'}{query}" if query else url

    def _follow(self, url: str, location: str) -> str:
        """The address to which an answer redirects.

        Raises:
            FatalAPIError: It is none, or on another host.
        """
        with suppress(UnicodeError):
            location = location.encode("latin-1").decode()  # as requests reads it
        parts = urlsplit(url)
        try:
            target = urlsplit(quoted(urljoin(url, location)))
            moved = origin(target) != origin(parts)
        except (ValueError, requests.RequestException):
            raise FatalAPIError(f"redirects to no address: check `{self.api.name}.base_url`") from None
        if moved:
            address = f"{target.scheme}://{target.netloc.rpartition('@')[2]}"
            raise FatalAPIError(
                f"redirects to another address, {address}, which is not followed: "
                f"set `{self.api.name}.base_url` to the one that answers"
            )
        return urlunsplit((*parts[:2], target.path, target.query, ""))

    def _check_status(self, response: BaseHTTPResponse) -> None:
        """Check the status, and hold all requests to the API where it asks for that and may."""
        try:
            check_status(response.status, response.headers, self.api)
        except TransientError as error:
            if error.asked is not None and error.asked <= self.api.retry.max_wait:
                self.pause(error.asked)
            raise


#: The statuses of responses; 203 is a 200 that a proxy has changed.
RESPONSES = {HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION, HTTPStatus.NO_CONTENT}


def check_status(status: int, headers: Mapping[str, str], api: Api) -> None:
    """Let the statuses pass that are responses.

    Raises:
        TransientError: The status is one of `retry.statuses`; with the wait that `Retry-After` asks for.
        RefusedError: Any other status; the message says which setting to look at.
    """
    if status in RESPONSES:
        return
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    if status in api.retry.statuses:
        raise TransientError(
            f"answered {phrase}", asked=retry_after(headers.get("Retry-After"), datetime.now(timezone.utc))
        )
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise RefusedError(f"answered {phrase}; only 200, 203 and 204 are responses", status)
    hint = HINTS.get(status, HINTS[404] if 400 <= status < 500 else "")  # noqa: PLR2004 - the client's errors
    raise RefusedError(f"answered {phrase}{hint.format(api=api.name)}", status)


#: What a person can do about a status.
HINTS: dict[int, str] = {
    **dict.fromkeys((400, 422), ": check `{api}.params`, `{api}.paginator` and `{api}.incremental`"),
    401: ": check `{api}.api_key` and `{api}.auth`",
    403: ": check what the key in `{api}.api_key` may read",
    404: ": check `{api}.base_url`, `{api}.path_prefix` and the stream's `path`",
}


@lru_cache
def quoted(url: str) -> str:
    """A URL as requests sends it, quoted where it needs to be."""
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    return str(request.url)


def origin(parts: SplitResult) -> tuple[str, str | None, int]:
    """Scheme, host and port of an address, in one spelling."""
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def api_clock(dates: Iterable[str], took: float) -> datetime | None:
    """When a request was sent, by the clock of the API, or earlier; None if the response does not tell.

    Args:
        dates: The response's `Date` headers, of which a proxy may add one. Each tells when it was written.
        took: Seconds from the request to the response. The whole ones come off, as the API read its rows meanwhile.
    """
    moments = [moment for text in dates if (moment := parse_http_date(text)) is not None]
    return min(moments) - timedelta(seconds=int(took)) if moments else None


def read_body(response: BaseHTTPResponse) -> bytes:
    """Read an answer whole, up to a size.

    Raises:
        FatalAPIError: It is larger than MAX_BODY.
    """
    chunks, size = [], 0
    while chunk := response.read1(CHUNK, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise FatalAPIError(f"answered with more than {MAX_BODY // 1024 // 1024} MiB: ask for smaller pages")
    return b"".join(chunks)
