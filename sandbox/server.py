"""The server: three APIs on one port of 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.faults import Answer, Fault, Script, perform
from sandbox.rows import LINKS, STREAMS, Rows, Stream
from sandbox.timeline import SECOND, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from typing_extensions import Self

    Query = list[tuple[str, str]]

PREFIXES = ("/v1/", "/api/v2/admin/")
CONTROL = "/_sandbox/rows/"
KEYS = {"feedback": "feedback-key", "analytics": "analytics-key", "support": "support-key"}
DEFAULT_ROWS = 2_000
DEFAULT_LIMIT, MOST_LIMIT = 100, 1_000
DEFAULT_PER_PAGE = MOST_PER_PAGE = 100
LOGGED = 100_000
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
#: More would not fit into the 64 bits that a vendor's number has.
MOST_DIGITS = 18
JSON = {"Content-Type": "application/json"}
#: Counted down in the rate limit headers and never enforced: a script of 429 does that.
REQUESTS_PER_MINUTE = 1_000_000


@dataclass(slots=True)
class Seen:
    """A request that the server saw; its status is None until it is answered, and for ever when it is not."""

    time: float
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    status: int | None = None


class Refused(Exception):  # noqa: N818 - an answer, not a failure of the sandbox
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Table:
    """A stream with the rows that it has at the moment."""

    def __init__(self, stream: Stream, rows: int, seed: int) -> None:
        self.stream = stream
        self.timeline = Timeline.of(rows)
        self.rows = Rows(seed, stream.name)
        types = {f"{stream.resource}.{name}": {"type": to} for name, to in LINKS.get(stream.name, {}).items()}
        self._links = json.dumps(types, separators=(",", ":")).encode()

    def page(self, query: Mapping[str, str]) -> bytes:
        """The page that a query asks for.

        Raises:
            Refused: The query cannot be understood.
        """
        return self._cursor_page(query) if self.stream.api == "analytics" else self._offset_page(query)

    def _offset_page(self, query: Mapping[str, str]) -> bytes:
        timeline = self.timeline
        limit = min(whole(query, "limit", DEFAULT_LIMIT, least=1), MOST_LIMIT)
        offset = whole(query, "offset", 0, least=0)
        rows = self.rows.encode(timeline.rows(offset, offset + limit))
        return b'{"data":[%s],"total":%d,"limit":%d,"offset":%d}' % (b",".join(rows), len(timeline), limit, offset)

    def _cursor_page(self, query: Mapping[str, str]) -> bytes:
        timeline, resource = self.timeline, self.stream.resource
        size = min(whole(query, "per_page", DEFAULT_PER_PAGE, least=1), MOST_PER_PAGE)
        sort = query.get("sort", "updated_at")
        if sort not in {"updated_at", "-updated_at"}:
            raise Refused(400, f"sort must be updated_at or -updated_at, not {sort!r}")
        first = timeline.before(instant(query, "updated_after")) if "updated_after" in query else 0
        end = timeline.before(instant(query, "updated_before")) if "updated_before" in query else len(timeline)
        total = max(end - first, 0)
        # A cursor names the row that the page before ended with: rows updated since are met again, none is skipped.
        last = read_cursor(query["cursor"], resource, sort) if "cursor" in query else None
        if sort == "updated_at":
            first = first if last is None else max(first, timeline.before(last + 1))
            rows = list(timeline.rows(first, min(first + size, end)))
        else:
            end = end if last is None else min(end, timeline.before(last))
            rows = list(timeline.rows(max(first, end - size), end))[::-1]
        cursor = b""
        if end - first > size:
            cursor = b'"cursor":"%s",' % write_cursor(resource, sort, rows[-1][1]).encode()
        return b'{"%s":[%s],"pagination":{%s"per_page":%d,"total_records":%d,"total_pages":%d},"links":%s}' % (
            resource.encode(),
            b",".join(self.rows.encode(rows)),
            cursor,
            size,
            total,
            -(-total // size),
            self._links,
        )


class Sandbox:
    """The three APIs with made-up rows, served from a thread until the `with` block ends.

    Args:
        rows: How many rows each stream starts with.
        rows_of: The same for single streams, by name.
        seed: What the contents of the rows are made from.
        keys: API keys by API, in place of the usual ones.
        latency: Seconds that each request waits; it may be set while the server runs.
        port: The port to listen on; 0 takes a free one.
        logged: How many requests, the latest, are remembered in `requests`.

    Raises:
        ValueError: There is no such stream or API, or the number of rows cannot be had.
    """

    def __init__(
        self,
        *,
        rows: int = DEFAULT_ROWS,
        rows_of: Mapping[str, int] | None = None,
        seed: int = 1,
        keys: Mapping[str, str] | None = None,
        latency: float = 0,
        port: int = 0,
        logged: int = LOGGED,
    ) -> None:
        rows_of, keys = rows_of or {}, keys or {}
        for kind, given, known in (
            ("stream", rows_of, {stream.name for stream in STREAMS}),
            ("API", keys, KEYS),
        ):
            if unknown := sorted(given.keys() - set(known)):
                raise ValueError(f"there is no {kind} {', '.join(unknown)}")
        self.keys = {**KEYS, **keys}
        self.latency = latency
        self.most_in_flight = dict.fromkeys(KEYS, 0)
        self._tables = {stream.name: Table(stream, rows_of.get(stream.name, rows), seed) for stream in STREAMS}
        self._paths = {prefix + stream.resource: self._tables[stream.name] for prefix in PREFIXES for stream in STREAMS}
        self._port = port
        self._in_flight = dict.fromkeys(KEYS, 0)
        self._scripts: dict[str, Script] = {}
        self._seen: deque[Seen] = deque(maxlen=logged)
        self._minute = (0, 0)
        # Held while rows change; readers take the timeline as it is.
        self._changing = threading.Lock()

    @property
    def url(self) -> str:
        """The address of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def config(self) -> dict[str, dict[str, str]]:
        """A configuration for the tap that reads all three APIs."""
        return {api: {"base_url": self.url, "api_key": key} for api, key in self.keys.items()}

    @property
    def requests(self) -> list[Seen]:
        """The requests seen so far, in the order of their arrival."""
        return list(self._seen)

    def forget(self) -> None:
        """Empty `requests` and start `most_in_flight` anew."""
        self._seen.clear()
        self.most_in_flight = dict.fromkeys(KEYS, 0)

    def rows(self, stream: str) -> Iterator[dict[str, Any]]:
        """The rows of a stream as the server gives them at this moment, the latest update last."""
        table = self._tables[stream]
        timeline = table.timeline
        for place in range(0, len(timeline), MOST_LIMIT):
            for row in table.rows.encode(timeline.rows(place, place + MOST_LIMIT)):
                yield json.loads(row)

    def add(self, stream: str, count: int = 1) -> None:
        """Add new rows to a stream, updated now.

        Raises:
            ValueError: The count is negative.
        """
        if count < 0:
            raise ValueError("the number of rows to add must not be negative")
        table = self._tables[stream]
        with self._changing:
            table.timeline = table.timeline.added(count, now())

    def update(self, stream: str, index: int) -> None:
        """Update a row now, so that it becomes the last; `index` counts rows in the order in which they were made.

        Raises:
            IndexError: There is no such row.
        """
        table = self._tables[stream]
        with self._changing:
            table.timeline = table.timeline.updated(index, now())

    def script(self, path: str, faults: Iterable[Fault | None], *, repeat: bool = False) -> None:
        """Let the next requests to a path meet these faults in turn; None, and the end of the script, answer as usual.

        Args:
            path: The whole path, such as /v1/forums; it need not be one of an API.
            faults: One entry a request; they replace what was left of an earlier script.
            repeat: Whether the last entry then holds for ever.
        """
        self._scripts[path] = Script(faults, repeat=repeat)

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        started: Future[Callable[[], object]] = Future()
        serve = self._serve(listener, started)
        self._thread = threading.Thread(target=asyncio.run, args=(serve,), name="sandbox", daemon=True)
        self._thread.start()
        self._stop = started.result()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()
        self._thread.join()

    async def _serve(self, listener: socket.socket, started: Future[Callable[[], object]]) -> None:
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        closing = asyncio.Event()
        loop = asyncio.get_running_loop()
        started.set_result(lambda: loop.call_soon_threadsafe(closing.set))
        await closing.wait()
        # A closed listener would leave connections open that were accepted just now, so it only stops accepting, and
        # these get the three turns of the loop after which the server knows them.
        loop.remove_reader(listener)
        for _ in range(3):
            await asyncio.sleep(0)
        # An orderly end would wait for answers that still drip, and for clients that no longer read.
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        query = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        if path.startswith(CONTROL):
            return respond(self._answer_to(request.method, path, query, request.headers))
        seen = Seen(time.time(), request.method, path, query, request.headers)
        self._seen.append(seen)
        script = self._scripts.get(path)
        fault = script.take() if script else None
        with self._counted(path):
            if self.latency:
                await asyncio.sleep(self.latency)
            answer = self._answer_to(request.method, path, query, request.headers)
            response = respond(answer) if fault is None else await perform(fault, answer, request)
        if response.prepared or (request.transport is not None and not request.transport.is_closing()):
            seen.status = response.status
        return response

    def _answer_to(self, method: str, path: str, query: Query, headers: Mapping[str, str]) -> Answer:
        try:
            if path.startswith(CONTROL):
                return self._control(method, path.removeprefix(CONTROL), dict(query))
            return self._page(method, path, query, headers)
        except Refused as refused:
            body = {"error": HTTPStatus(refused.status).phrase, "message": str(refused)}
            return Answer(refused.status, json.dumps(body).encode(), {})

    def _page(self, method: str, path: str, query: Query, headers: Mapping[str, str]) -> Answer:
        table = self._paths.get(path)
        if table is None:
            raise Refused(404, f"there is nothing at {path}")
        if method != "GET":
            raise Refused(405, f"{method} is not allowed here, only GET")
        api = table.stream.api
        offered = credentials(api, query, headers)
        if self.keys[api] not in offered:
            # Vendors do quote what they were sent, in the hope that it helps.
            raise Refused(401, f"the key is wrong or missing; sent were {offered}")
        return Answer(200, table.page(dict(query)), self._rate_limit() if api == "analytics" else {})

    def _control(self, method: str, stream: str, query: Mapping[str, str]) -> Answer:
        if stream not in self._tables:
            raise Refused(404, f"there is no stream {stream}")
        if method != "POST":
            raise Refused(405, f"{method} is not allowed here, only POST")
        if not query.keys() & {"add", "update"}:
            raise Refused(400, "add=N or update=INDEX is missing")
        try:
            self.add(stream, whole(query, "add", 0, least=0))
            if "update" in query:
                self.update(stream, whole(query, "update", 0, least=0))
        except IndexError as error:
            raise Refused(400, str(error)) from None
        body = {"stream": stream, "rows": len(self._tables[stream].timeline)}
        return Answer(200, json.dumps(body).encode(), {})

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
        api = self._paths[path].stream.api
        self._in_flight[api] += 1
        self.most_in_flight[api] = max(self.most_in_flight[api], self._in_flight[api])
        try:
            yield
        finally:
            self._in_flight[api] -= 1


def respond(answer: Answer) -> web.Response:
    """The response that sends an answer as it is."""
    return web.Response(status=answer.status, body=answer.body, headers={**JSON, **answer.headers})


def credentials(api: str, query: Query, headers: Mapping[str, str]) -> list[str]:
    """The keys that a request offers, in whichever way this API takes them."""
    keys = [headers[name] for name in ("X-API-Key", "api_key") if name in headers]
    if api != "analytics":
        keys += [value for name, value in query if name == "api_key"]
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        keys.append(value.strip())
    elif scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return keys
        keys += [] if password else [user]
    return keys


def whole(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """A whole number out of a query.

    Raises:
        Refused: It is none, or less than `least`.
    """
    text = query.get(name)
    if text is None:
        return default
    # `int` alone would take spaces, signs, underscores and the digits of every script.
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and int(text) >= least):
        raise Refused(400, f"{name} must be a whole number from {least}, not {text!r}")
    return int(text)


def instant(query: Mapping[str, str], name: str) -> int:
    """A time out of a query, in microseconds.

    Raises:
        Refused: It is not of the form 2024-01-31T00:00:00Z.
    """
    text = query[name]
    try:
        moment = datetime.strptime(text, TIME_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        moment = None
    # `strptime` alone would take numbers of fewer digits.
    if moment is None or moment.strftime(TIME_FORMAT) != text:
        raise Refused(400, f"{name} must be a time like 2024-01-31T00:00:00Z, not {text!r}")
    return int(moment.timestamp()) * SECOND


def write_cursor(resource: str, sort: str, last: int) -> str:
    """A cursor behind the row that was last updated at this instant."""
    return base64.urlsafe_b64encode(f"{resource} {sort} {last}".encode()).decode()


def read_cursor(cursor: str, resource: str, sort: str) -> int:
    """The instant that a cursor of this resource and order names.

    Raises:
        Refused: No such cursor was ever given out.
    """
    try:
        last = int(base64.urlsafe_b64decode(cursor).decode().rpartition(" ")[2])
    except ValueError:
        last = -1
    if last < 0 or write_cursor(resource, sort, last) != cursor:
        raise Refused(400, f"there is no cursor {cursor!r}")
    return last


def now() -> int:
    """This instant."""
    return time.time_ns() // 1000
