"""Server of the three APIs, on one port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.access import TOKEN_PATH, TokenAccess, token_response
from sandbox.apis import Options, make_apis
from sandbox.exchange import RecordedRequest, Refused, Response, whole
from sandbox.listener import Listener
from sandbox.streams import STREAMS
from sandbox.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Self

    from sandbox.limit import Limit

PREFIXES = ("/v1/", "/api/v2/admin/")
CONTROL = "/_sandbox/rows/"
DEFAULT_ROWS = 2_000
LOGGED = 100_000
JSON = {"Content-Type": "application/json"}
#: Counted down in the rate limit headers, but never enforced.
REQUESTS_PER_MINUTE = 1_000_000


class Sandbox:
    """The three APIs with made-up rows, served from a thread until the `with` block ends.

    Args:
        rows: Number of rows that each stream starts with.
        rows_of: The same for single streams, by name.
        seed: Seed for the contents of the rows.
        apis: Options of single APIs, by name.
        latency: Seconds before each response. It may be changed while the server runs.
        port: The port to listen on; 0 takes a free one.
        logged: Maximum number of requests in `requests`, which keeps the latest.

    Raises:
        ValueError: A stream or API is unknown, or the number of rows is impossible.
    """

    def __init__(
        self,
        *,
        rows: int = DEFAULT_ROWS,
        rows_of: Mapping[str, int] | None = None,
        seed: int = 1,
        apis: Mapping[str, Options] | None = None,
        latency: float = 0,
        port: int = 0,
        logged: int = LOGGED,
    ) -> None:
        rows_of = rows_of or {}
        if unknown := sorted(rows_of.keys() - {stream.name for stream in STREAMS}):
            raise ValueError(f"unknown stream {', '.join(unknown)}")
        self.latency = latency
        #: Limit on requests to the three APIs, which other sandboxes may share; None for none.
        self.limit: Limit | None = None
        self._apis = make_apis(apis or {})
        self._clients = {
            api.access.client: api.access for api in self._apis.values() if isinstance(api.access, TokenAccess)
        }
        self._tables = {
            stream.name: Table(stream, rows_of.get(stream.name, rows), seed, self._apis[stream.api].paging)
            for stream in STREAMS
        }
        self._paths = {prefix + stream.resource: self._tables[stream.name] for prefix in PREFIXES for stream in STREAMS}
        self._listener = Listener(self._handle, port)
        self._requests: deque[RecordedRequest] = deque(maxlen=logged)
        self._minute = (0, 0)

    @property
    def url(self) -> str:
        """The URL of the server, without a trailing slash."""
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def keys(self) -> dict[str, str]:
        """The key of each API."""
        return {name: api.key for name, api in self._apis.items()}

    @property
    def config(self) -> dict[str, dict[str, Any]]:
        """Settings with which the tap reads all three APIs."""
        return {name: {"base_url": self.url, **api.settings} for name, api in self._apis.items()}

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests so far, in the order of their arrival."""
        return list(self._requests)

    def forget(self) -> None:
        """Empty `requests` and reset `most_in_flight`."""
        self._requests.clear()
        for api in self._apis.values():
            api.most_in_flight = 0

    @property
    def most_in_flight(self) -> dict[str, int]:
        """The largest number of concurrent requests so far, for each API."""
        return {name: api.most_in_flight for name, api in self._apis.items()}

    def rows(self, stream: str) -> Iterator[dict[str, Any]]:
        """Return the rows of a stream as the server would return them now, in the order of their last update."""
        return self._tables[stream].all()

    def add(self, stream: str, count: int = 1) -> None:
        """Add new rows to a stream, updated now.

        Raises:
            ValueError: The count is negative.
        """
        self._tables[stream].add(count)

    def update(self, stream: str, index: int) -> None:
        """Update a row now, so that it becomes the last one. `index` counts rows in the order of their creation.

        Raises:
            IndexError: There is no such row.
        """
        self._tables[stream].update(index)

    def expire_tokens(self) -> None:
        """Make all issued access tokens expire now."""
        for client in self._clients.values():
            client.expire()

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.__exit__(*exc)

    async def _handle(self, sent: web.BaseRequest) -> web.StreamResponse:
        query = parse_qsl(sent.rel_url.raw_query_string, keep_blank_values=True)
        body = await sent.read() if sent.can_read_body else b""
        request = RecordedRequest(time.time(), sent.method, sent.path, query, sent.headers, body)
        if request.path.startswith(CONTROL):
            response = self._respond(request)
        else:
            self._requests.append(request)
            with self._counted(request.path):
                if self.latency:
                    await asyncio.sleep(self.latency)
                response = self._respond(request)
        if sent.transport is not None and not sent.transport.is_closing():
            request.status = response.status
        return web.Response(status=response.status, body=response.body, headers={**JSON, **response.headers})

    def _respond(self, request: RecordedRequest) -> Response:
        try:
            if request.path.startswith(CONTROL):
                return self._control(request)
            if request.path == TOKEN_PATH and self._clients:
                return token_response(request, self._clients)
            return self._page(request)
        except Refused as refused:
            body = {"error": HTTPStatus(refused.status).phrase, "message": str(refused)}
            return Response.of(refused.status, body, refused.headers)

    def _page(self, request: RecordedRequest) -> Response:
        table = self._paths.get(request.path)
        if table is None:
            raise Refused(404, f"there is nothing at {request.path}")
        self._apis[table.stream.api].access.check(request)
        if self.limit:
            self.limit.take(request.time)
        response = table.respond(request, self.url)
        limits = self._rate_limit() if table.stream.api == "analytics" else {}
        return response._replace(headers={**response.headers, **limits})

    def _control(self, request: RecordedRequest) -> Response:
        stream, query = request.path.removeprefix(CONTROL), dict(request.query)
        if stream not in self._tables:
            raise Refused(404, f"there is no stream {stream}")
        if request.method != "POST":
            raise Refused(405, f"{request.method} is not allowed here, only POST")
        if not query.keys() & {"add", "update"}:
            raise Refused(400, "add=N or update=INDEX is missing")
        try:
            self.add(stream, whole(query, "add", 0, least=0))
            if "update" in query:
                self.update(stream, whole(query, "update", 0, least=0))
        except IndexError as error:
            raise Refused(400, str(error)) from None
        return Response.of(200, {"stream": stream, "rows": len(self._tables[stream])})

    def _rate_limit(self) -> dict[str, str]:
        minute = int(time.time() / 60)
        count = self._minute[1] + 1 if self._minute[0] == minute else 1
        self._minute = (minute, count)
        return {
            "X-Rate-Limit-Limit": str(REQUESTS_PER_MINUTE),
            "X-Rate-Limit-Remaining": str(max(REQUESTS_PER_MINUTE - count, 0)),
            "X-Rate-Limit-Reset": str((minute + 1) * 60),
        }

    @contextmanager
    def _counted(self, path: str) -> Iterator[None]:
        if path not in self._paths:
            yield
            return
        api = self._apis[self._paths[path].stream.api]
        api.in_flight += 1
        api.most_in_flight = max(api.most_in_flight, api.in_flight)
        try:
            yield
        finally:
            api.in_flight -= 1
