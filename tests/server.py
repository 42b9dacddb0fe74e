"""A local HTTP server that responds as a test says, byte for byte, and records its requests."""

from __future__ import annotations

import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Self


@dataclass
class RecordedRequest:
    """A request as the server received it."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    target: str
    method: str = "GET"
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The value in a JSON body."""
        return json.loads(self.body)


@dataclass
class Reply:
    """A response; `body` may be any JSON value, or bytes to send as they are."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        """The bytes of the body."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Raw:
    """Bytes for the socket in place of a response; then the connection is closed, or reset."""

    data: bytes = b""
    reset: bool = False


@dataclass
class Drip:
    """Bytes for the socket in place of a response, each after a pause; then the connection is closed."""

    pieces: Iterable[bytes]
    pause: float


class Server:
    """Serves on a free port of 127.0.0.1 until the `with` block ends.

    Args:
        respond: Returns for each request a Reply, a Raw, a Drip, or a JSON value.
    """

    def __init__(self, respond: Callable[[RecordedRequest], Any]) -> None:
        self.respond = respond
        self.closing = threading.Event()
        self.requests: list[RecordedRequest] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                server.handle(self)

            def do_POST(self) -> None:
                server.handle(self)

            def log_message(self, *args: object) -> None:
                """Log nothing."""

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """A client may leave whenever it likes."""

        self.http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Record one request, and send what `respond` returns for it."""
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = dict(handler.headers.items())
        request = RecordedRequest(parts.path, query, headers, handler.path, handler.command, body)
        self.requests.append(request)
        reply = self.respond(request)
        if isinstance(reply, Raw):
            send_raw(handler, reply)
        elif isinstance(reply, Drip):
            self.send_drops(handler, reply)
        else:
            send_reply(handler, reply if isinstance(reply, Reply) else Reply(reply))

    def send_drops(self, handler: BaseHTTPRequestHandler, drip: Drip) -> None:
        """Send bytes one after the other until the server closes."""
        handler.close_connection = True
        for piece in drip.pieces:
            if self.closing.wait(drip.pause):
                return
            handler.wfile.write(piece)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def send_raw(handler: BaseHTTPRequestHandler, raw: Raw) -> None:
    """Send bytes, and close the connection."""
    handler.close_connection = True
    handler.wfile.write(raw.data)
    handler.wfile.flush()
    if raw.reset:
        # With no time to linger, closing sends a reset in place of an orderly end.
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()


def send_reply(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    """Send a whole response."""
    handler.send_response_only(reply.status)
    headers = {
        "Date": handler.date_time_string(),
        "Content-Type": "application/json",
        "Content-Length": str(len(reply.payload)),
        **reply.headers,
    }
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(reply.payload)
