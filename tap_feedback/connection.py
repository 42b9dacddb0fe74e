"""Connection to one API: its headers and auth, and its queue of requests."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import requests
from singer_sdk.exceptions import ConfigurationError, FatalAPIError

from tap_feedback import request_metrics
from tap_feedback.body import JSON, encode, with_values
from tap_feedback.gate import Gates
from tap_feedback.hooks import validate
from tap_feedback.host import Host
from tap_feedback.responses import RefusedError, Response, check_body, check_status
from tap_feedback.retry import TransientError
from tap_feedback.slots import Slots
from tap_feedback.tokens import TokenClient
from tap_feedback.transport import merge_headers
from tap_feedback.urls import join_queries, locate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.auth import Auth, Signature
    from tap_feedback.settings import Api
    from tap_feedback.urls import Location


class Job(NamedTuple):
    """A queued request, its future response, and the name of the stream, for METRIC points."""

    request: HTTPRequest
    response: Future[Response]
    stream: str
    validate: Callable[[requests.Response], None] | None


class Connection:
    """Sends the requests of one API, at most `max_connections` concurrently.

    It adds the API's headers and the signature. If two values have the same name, the signature's wins, then the
    request's.

    Callers hold the lock, except those of `sleep`. The requests run on worker threads, which share the host, its gate
    and the slots of `requests_per_minute`.

    Args:
        api: The API's settings.
        user_agent: Sent with every request.
        gates: The gates of all hosts, shared by all APIs. Without them, only this API uses the host.
    """

    def __init__(self, api: Api, user_agent: str, gates: Gates | None = None) -> None:
        self.api = api
        gates = gates or Gates()
        self._host = Host(api, api.base_url, user_agent, size=api.max_connections)
        self._gate = gates.to(api.base_url)
        self._closed = threading.Event()
        self._token_client = TokenClient(api, user_agent, gates, self._closed)
        self._signer = api.auth.signer(api.api_key, self._token_client)
        self._workers = ThreadPoolExecutor(api.max_connections, thread_name_prefix=api.name)
        self._jobs: deque[Job] = deque()
        self._slots = Slots(api.requests_per_minute)

    def submit(
        self,
        request: HTTPRequest,
        *,
        again: bool = False,
        stream: str = "",
        validate: Callable[[requests.Response], None] | None = None,
    ) -> Future[Response]:
        """Queue a request. It is sent once, when a connection is free and `requests_per_minute` and the gate allow it.

        Until then, the future can be cancelled. It raises TransientError or FatalAPIError, or CancelledError if the
        connection is closed first.

        Args:
            request: The request. Its `data` is sent as JSON, or as its `Content-Type` says.
            again: Whether this is a retry, which is sent before all queued requests.
            stream: The name of the stream, for METRIC points.
            validate: Checks the response in place of the connection, on the thread of the request.
        """
        job = Job(request, Future(), stream, validate)
        if again:
            self._jobs.appendleft(job)
        else:
            self._jobs.append(job)
        self._workers.submit(self._work)
        return job.response

    def sign_by(self, auth: Auth) -> None:
        """Sign by another auth from now on; no request is in flight."""
        self.api = msgspec.structs.replace(self.api, auth=auth)
        self._signer = auth.signer(self.api.api_key, self._token_client)

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until the connection is closed. Callers do not hold the lock."""
        self._closed.wait(seconds)

    def close(self) -> None:
        """Drop the queued requests, and close the connections."""
        self._closed.set()
        self._gate.wake()
        self._workers.shutdown(wait=False, cancel_futures=True)
        while self._jobs:
            self._jobs.popleft().response.cancel()
        self._host.close()
        self._token_client.close()

    # Turns

    def _work(self) -> None:
        """Send the next request when its turn comes, and again with a new signature if the API refuses the first."""
        job = self._send_next(self._take)
        if job is not None:
            self._send_next(lambda: job, is_last=True)

    def _send_next(self, take: Callable[[], Job | None], *, is_last: bool = False) -> Job | None:
        """Sign a request, and send it when its turn comes.

        A token is fetched before the turn, as its request may need a turn at the same host.

        Args:
            take: Takes the request from the queue; returns None if nothing is left to send.
            is_last: Whether the request fails if its signature is refused.

        Returns:
            The request, if the API refused its signature and there is another one; else None.
        """
        slot = self._wait_for_slot()
        try:
            signature = self._signer.sign()
            entered = self._gate.enter(self._closed, take)
        except BaseException as error:  # noqa: BLE001 - raised to the stream that waits for the response
            if job := take():
                job.response.set_exception(error)
            return None
        if entered is None:
            if is_last and (job := take()):
                job.response.set_exception(CancelledError())
            return None
        job, turn, held_until = entered
        try:
            response = self._exchange(job, signature)
        except BaseException as error:  # noqa: BLE001 - as above
            self._gate.leave(turn, error, self.api.retry)
            is_unsigned = isinstance(error, RefusedError) and error.status == HTTPStatus.UNAUTHORIZED
            if is_unsigned and not is_last and self._signer.renew(signature):
                return job
            if isinstance(error, TransientError):
                error.held_until = held_until or slot
            job.response.set_exception(error)
        else:
            self._gate.leave(turn, None, self.api.retry)
            job.response.set_result(response._replace(held_until=held_until or slot))
        return None

    def _take(self) -> Job | None:
        """Take the next request that a stream still waits for."""
        with suppress(IndexError):
            while not (job := self._jobs.popleft()).response.set_running_or_notify_cancel():
                pass
            return job
        return None

    def _wait_for_slot(self) -> float:
        """Wait for the next slot of `requests_per_minute`, and return its time; 0 if there was no wait."""
        now = time.monotonic()
        slot = self._slots.take(now)
        if slot <= now:
            return 0.0
        self._closed.wait(slot - now)
        return slot

    # Requests

    def _exchange(self, job: Job, signature: Signature) -> Response:
        """Send a request, and check the response.

        Raises:
            TransientError: The request failed, and a retry may help.
            FatalAPIError: The request failed, and a retry would not help.
        """
        request = job.request
        location = self._locate(request, signature)
        began = time.monotonic()

        def check(status: int, headers: Mapping[str, str]) -> None:
            if request_metrics.are_logged():
                endpoint = locate(request.url).path.removeprefix(self.api.path_prefix)
                request_metrics.log_duration(job.stream, endpoint, status, time.monotonic() - began)
            if job.validate is None:
                check_status(status, headers, self.api)

        data = self._data(request, signature)
        own = {} if data is None else {"Content-Type": JSON}
        headers = merge_headers(own, self.api.headers, request.headers, signature.headers)
        body = None if data is None else encode(data, headers)
        response = self._host.exchange(request.method, location, headers, body, check=check)
        if job.validate is not None:
            validate(job.validate, response, request, self.api.retry)
        else:
            check_body(response.body, response.status, response.headers, self.api)
        return response

    def _locate(self, request: HTTPRequest, signature: Signature) -> Location:
        """Return where a request goes, with all its parameters."""
        query = replace(request, params={**request.params, **signature.params}).encode_params()
        try:
            location = locate(request.url)
        except (ValueError, requests.RequestException):
            raise FatalAPIError(
                f"the URL is not valid; check `{self.api.name}.base_url`, `{self.api.name}.path_prefix` and the "
                "stream's `path`"
            ) from None
        return location._replace(query=join_queries(location.query, query, replaced=signature.params))

    def _data(self, request: HTTPRequest, signature: Signature) -> object:
        """Return the data for the body of a request; None for no body.

        Raises:
            FatalAPIError: The key cannot be placed in the body.
        """
        if not signature.body:
            return request.data
        data = {} if request.data is None and request.method == "POST" else request.data
        try:
            return with_values(data, signature.body)
        except ConfigurationError:
            raise FatalAPIError(
                f"`{self.api.name}.auth.location` is `body`, but the key does not fit into the request's body; set the "
                "stream's `method` to `POST`, or check `auth.name` and the stream's `json`"
            ) from None
