"""Connections to a local server, from settings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from singer_sdk.streams.rest import HTTPRequest

from tap_feedback.connection import Connection
from tests.configs import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_feedback.gate import Gates
    from tap_feedback.responses import Response
    from tap_feedback.settings import Api
    from tests.server import Server

KEY = "a key/with+signs&=%é"


def settings_of(server: Server | str, *, name: str = "feedback", **settings: Any) -> Api:
    """The settings of an API at this address, with which no test waits."""
    url = server if isinstance(server, str) else server.url
    given = {"base_url": url, "api_key": KEY, "retry": {"backoff_factor": 0}, **settings}
    return parse({name: given}).apis[name]


@contextmanager
def connected(server: Server | str, gates: Gates | None = None, **settings: Any) -> Iterator[Connection]:
    """A connection that is closed in the end."""
    connection = Connection(settings_of(server, **settings), "tap-feedback/test", gates)
    try:
        yield connection
    finally:
        connection.close()


def get(path: str = "/v1/feedback", **params: Any) -> HTTPRequest:
    """A GET request; a path is completed by `send`."""
    return HTTPRequest(path, params=params)


def post(data: Any, path: str = "/v1/feedback", **more: Any) -> HTTPRequest:
    """A POST request; a path is completed by `send`."""
    return HTTPRequest(path, "POST", data=data, **more)


def send(connection: Connection, request: HTTPRequest | None = None, **options: Any) -> Response:
    """The response to a request."""
    request = request or get()
    if request.url.startswith("/"):
        request.url = connection.api.base_url + request.url
    return connection.submit(request, **options).result(10)
