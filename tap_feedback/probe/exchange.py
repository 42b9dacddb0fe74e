"""Requests of the probe: counted, sent once each, and repeated only if the API asks for it."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.streams.rest import HTTPRequest

from tap_feedback.page import MISSING, Page, decode, read_page
from tap_feedback.paging import PageRequest, SinglePage
from tap_feedback.request import Assembler, RangeRequest
from tap_feedback.responses import RefusedError
from tap_feedback.retry import GiveUp, TransientError, Tries, decide
from tap_feedback.settings import Incremental
from tap_feedback.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_feedback.connection import Connection
    from tap_feedback.page import Selection
    from tap_feedback.settings import Stream

#: Most requests for one stream, retries included.
MOST_REQUESTS = 20
#: Most retries of a request that only tries a parameter: it may be the parameter that fails.
MOST_RETRIES_OF_TRIES = 1


class BudgetSpentError(Exception):
    """A stream has used up its requests."""


class ProbeError(Exception):
    """A stream cannot be probed; the message says why, and what to do."""


class Reply(NamedTuple):
    """What came back: a decoded response, or a failure in words. A failure without a status has 0."""

    status: int
    body: bytes = b""
    response: Any = MISSING
    received: datetime | None = None
    headers: Mapping[str, str] = {}
    failure: str | None = None

    def page(self, selection: Selection) -> Page:
        """Return the page; as `read_page`, with its exceptions.

        Raises:
            FatalAPIError: There was no response.
        """
        if self.failure is not None or self.received is None:
            raise FatalAPIError(self.failure or "no response")
        return read_page(self.body, selection, self.received, self.headers)


class Exchange:
    """Sends the requests for one stream, each only once: an equal one gets the same reply.

    Args:
        connection: The stream's API.
        declaration: The stream's settings; the probe does not use its paginator and time range.
    """

    def __init__(self, connection: Connection, declaration: Stream) -> None:
        self.connection = connection
        self.declaration = declaration
        self.sent = 0
        self.in_body = declaration.method == "POST"
        self._replies: dict[str, Reply] = {}
        self._slots = Slots(declaration.requests_per_minute)

    @property
    def left(self) -> int:
        """Number of requests that are left."""
        return MOST_REQUESTS - self.sent

    def get(self, params: Mapping[str, Any] | None = None) -> Reply:
        """Return the reply to the stream's request with some parameters, which are in the body of a POST.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: The API asks for too long a wait, or the request is impossible.
        """
        return self.request(PageRequest(params or {}, is_first=True))

    def request(self, wanted: PageRequest, declaration: Stream | None = None) -> Reply:
        """Return the reply to a request of a paginator; `declaration` has the paginator if it matters.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: The API asks for too long a wait, or the request is impossible.
        """
        request = self._assemble(wanted, declaration or self._plain)
        known = repr((self.connection.api.auth, request.url, request.params, request.data))
        if known not in self._replies:
            self._replies[known] = self._send(request)
        return self._replies[known]

    def again(self) -> Reply:
        """Return the reply to the stream's first request, sent once more.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: As `request`.
        """
        return self._send(self._assemble(PageRequest(is_first=True), self._plain))

    @property
    def _plain(self) -> Stream:
        """The stream with parameters where the probe puts them, and without a time range."""
        paging = SinglePage(location="body" if self.in_body else "query")
        return msgspec.structs.replace(self.declaration, paginator=paging, incremental=Incremental())

    def _assemble(self, wanted: PageRequest, declaration: Stream) -> HTTPRequest:
        headers = dict(declaration.headers)
        if wanted.url is not None:
            return HTTPRequest(wanted.url, declaration.method, headers=headers)
        api = self.connection.api
        asked = RangeRequest((declaration.passes or ({},))[0], page=wanted)
        assembler = Assembler(declaration, api.params)
        try:
            body = assembler.body(asked)
        except ConfigurationError as error:
            raise ProbeError(str(error)) from None
        url = api.url_base + declaration.path
        return HTTPRequest(url, declaration.method, params=assembler.params(asked), headers=headers, data=body)

    def _send(self, request: HTTPRequest) -> Reply:
        """Send a request until it succeeds or fails."""
        tries, policy = Tries(), self.connection.api.retry
        if self._replies:
            policy = msgspec.structs.replace(policy, max_retries=min(policy.max_retries, MOST_RETRIES_OF_TRIES))
        while True:
            if not self.left:
                raise BudgetSpentError
            self.sent += 1
            now = time.monotonic()
            self.connection.sleep(self._slots.take(now) - now)
            try:
                response = self.connection.submit(request, again=tries.any, stream=self.declaration.name).result()
                decoded = decode(response.body)[0] if response.body else MISSING
                return Reply(response.status, response.body, decoded, response.received, response.headers)
            except RefusedError as error:
                return Reply(error.status, failure=str(error))
            except FatalAPIError as error:
                return Reply(0, failure=str(error))
            except TransientError as failure:
                own = self.connection.api.retry if failure.refused else policy
                decision = decide(failure, tries.add(failure), own, jitter=random.random(), proven=bool(self._replies))  # noqa: S311
                if isinstance(decision, GiveUp):
                    if decision.too_long or failure.refused:
                        wait = f" and asks to wait {failure.retry_after:,.0f} s" if failure.retry_after else ""
                        raise ProbeError(f"{tries}{wait}{tries.hint}") from None
                    return Reply(0, failure=f"{tries}{tries.hint}")
            self.connection.sleep(decision.seconds)
