"""Connection to one API: authenticator, pace, the requests under way, and what a response means."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

import requests
import urllib3
from singer_sdk.authenticators import APIKeyAuthenticator, BasicAuthenticator, BearerTokenAuthenticator
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.auth.api_key import ApiKeyAuth
from tap_feedback.auth.bearer import BearerAuth
from tap_feedback.instants import parse_http_date
from tap_feedback.pace import Gate
from tap_feedback.retry import FAULT_OF_API, TransientError, explain, phrase, refused_by_proxy, retry_after
from tap_feedback.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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
    `held_until` is when it was, by the monotonic clock, if it had to wait for its turn; 0 if not.
    """

    body: bytes
    received: datetime
    headers: Mapping[str, str]
    sent: datetime | None = None
    held_until: float = 0.0


class Job(NamedTuple):
    """A request that is to be sent, and what becomes of it."""

    request: HTTPRequest
    answer: Future[Answer]


class RefusedError(FatalAPIError):
    """The API answered, with a status that is neither an answer nor transient."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Connection:
    """Sends the requests of one API, at most `max_connections` at once.

    Its methods are called with the baton, except `sleep`. The requests run on worker threads, which share the way to
    the API, the gate of its host and the slots of `requests_per_minute`.

    Args:
        api: The API's settings.
        user_agent: Sent with every request.
        gate: Shared by all APIs on one host; without it the host has this API only.
    """

    def __init__(self, api: Api, user_agent: str, gate: Gate | None = None) -> None:
        self.api = api
        # The key stays the same, so what it adds to a request is asked for once.
        authenticator = self.authenticator
        headers = {"User-Agent": user_agent, "Accept": "application/json", **api.headers, **authenticator.auth_headers}
        self._auth_params = authenticator.auth_params
        self._transport = Transport(api.base_url, headers, size=api.max_connections)
        self._workers = ThreadPoolExecutor(api.max_connections, thread_name_prefix=api.name)
        self._closed = threading.Event()
        self._gate = gate or Gate()
        self._jobs: deque[Job] = deque()
        self._slots = threading.Lock()
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

    def submit(self, request: HTTPRequest, *, again: bool = False) -> Future[Answer]:
        """Send a request as soon as a connection is free, the budget allows and its turn has come; no retry.

        The future can be cancelled up to then. It raises TransientError or FatalAPIError, and CancelledError if the
        connection is closed meanwhile.

        Args:
            request: The request.
            again: Whether it failed before, and goes before those that were not sent yet.
        """
        job = Job(request, Future())
        if again:
            self._jobs.appendleft(job)
        else:
            self._jobs.append(job)
        self._workers.submit(self._work)
        return job.answer

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until the connection is closed; without the baton."""
        self._closed.wait(seconds)

    def close(self) -> None:
        """Drop what is waiting, and close the connections."""
        self._closed.set()
        self._gate.wake()
        self._workers.shutdown(wait=False, cancel_futures=True)
        while self._jobs:
            self._jobs.popleft().answer.cancel()
        self._transport.close()

    def _work(self) -> None:
        """Send the next request when its turn has come."""
        slot = self._wait_for_slot()
        entered = self._gate.enter(self._closed, self._take)
        if entered is None:
            return
        (request, answer), turn, held_until = entered
        try:
            result = self._exchange(request)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the answer raises it
            if isinstance(error, TransientError):
                error.held_until = held_until or slot
            self._gate.leave(turn, error, self.api.retry)
            answer.set_exception(error)
        else:
            self._gate.leave(turn, None, self.api.retry)
            answer.set_result(result._replace(held_until=held_until or slot))

    def _take(self) -> Job | None:
        """Take the next request that somebody still waits for."""
        with suppress(IndexError):
            while not (job := self._jobs.popleft()).answer.set_running_or_notify_cancel():
                pass
            return job
        return None

    def _wait_for_slot(self) -> float:
        """Wait for the next slot of `requests_per_minute`, and return when it was; 0 if it was at once."""
        if not self.api.requests_per_minute:
            return 0.0
        with self._slots:
            now = time.monotonic()
            slot = max(now, self._next_slot)
            self._next_slot = slot + 60 / self.api.requests_per_minute
        self._closed.wait(slot - now)
        return slot if slot > now else 0.0

    def _exchange(self, request: HTTPRequest) -> Answer:
        """Send a request, follow redirects on the same host, and read the response.

        Raises:
            TransientError: A failure that may pass.
            FatalAPIError: Another one.
        """
        began = time.monotonic()
        deadline = began + self.api.timeout
        url = self._url(request)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                left = deadline - time.monotonic()
                with self._transport.send(request.method, url, request.headers, left) as response:
                    location = response.get_redirect_location()
                    if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and self._transport.proxy:
                        raise refused_by_proxy(response.status, self._transport.proxy)
                    if not location:
                        check_status(response.status, response.headers, self.api)
                    sent = api_clock(response.headers.getlist("Date"), time.monotonic() - began)
                    body = read_body(response)  # whole, so that the connection can be used again
                if not location:
                    check_body(body, response.status, response.headers, self.api)
                    return Answer(body, datetime.now(timezone.utc), response.headers, sent)
                url = self._follow(url, location)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise explain(error, self.api, self._transport.proxy) from None
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
    message = f"answered {phrase(status)}"
    if status in api.retry.statuses:
        too_many = status == HTTPStatus.TOO_MANY_REQUESTS
        slower = f"; set `{api.name}.requests_per_minute`, or lower `{api.name}.max_connections`"
        raise TransientError(
            message,
            hint=slower if too_many else FAULT_OF_API if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "",
            asked=retry_after(headers.get("Retry-After"), datetime.now(timezone.utc)),
            refused=too_many,
        )
    raise RefusedError(message + hint(status, api), status)


def hint(status: int, api: Api) -> str:
    """What a person can do about a status, as the end of a message."""
    key, auth = f"`{api.name}.api_key`", f"`{api.name}.auth`"
    if isinstance(api.auth, ApiKeyAuth):
        auth = f"`{api.name}.auth.name` and `{api.name}.auth.location`"
    path = f"; check `{api.name}.base_url`, `{api.name}.path_prefix` and the stream's `path`"
    parameters = f"; check `{api.name}.params`, `{api.name}.paginator` and `{api.name}.incremental`"
    hints = {
        400: parameters,
        401: f"; check {key}, and in {auth} how it is sent",
        403: f"; check what the key in {key} may read, in {auth} how it is sent, and the stream's `path`",
        404: f"{path}, or deselect the stream if the API does not have it (in the catalog, or by `select:` in Meltano)",
        422: parameters,
    }
    if 200 <= status < 300:  # noqa: PLR2004 - success, though not of this kind
        return "; only 200, 203 and 204 are responses"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FAULT_OF_API
    return hints.get(status, path if status >= HTTPStatus.BAD_REQUEST else "")


def check_body(body: bytes, status: int, headers: Mapping[str, str], api: Api) -> None:
    """Let a body pass that may be JSON.

    Raises:
        TransientError: It is empty, or HTML, which is the page of a wrong address, or of a server under repair.
    """
    if not body and status != HTTPStatus.NO_CONTENT:
        raise TransientError(f"answered {phrase(status)} with nothing in it", hint=FAULT_OF_API)
    start = body[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    typed = start.startswith(b"<") and "html" in headers.get("Content-Type", "").lower()
    if typed or start.startswith((b"<!doctype html", b"<html")):
        raise TransientError(
            "returned HTML, not JSON",
            hint=f"; check `{api.name}.base_url` and `{api.name}.path_prefix`",
            first_retries=0,
        )


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
