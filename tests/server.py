"""A local HTTP server that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass
class Asked:
    """A request as the server saw it."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    target: str
    method: str = "GET"
    body: bytes = b""


@dataclass
class Reply:
    """An answer; `body` may be any JSON value, or bytes to send as they are."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> bytes:
        """The bytes of the body."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Raw:
    """Bytes for the socket in place of an answer, after which the connection is closed, or reset."""

    data: bytes = b""
    reset: bool = False


@dataclass
class Drip:
    """Bytes for the socket in place of an answer, each after a pause; then the connection is closed."""

    pieces: Iterable[bytes]
    pause: float


Answer = Callable[[Asked], Any]


class Server:
    """Serves on a free port of 127.0.0.1 until the `with` block ends.

    Args:
        answer: Gives for each request a Reply, a Raw, a Drip, or a JSON value.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.closing = threading.Event()
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                server.handle(self)

            def do_POST(self) -> None:
                server.handle(self)

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        class Http(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """A client that left is no news."""

        self.http = Http(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        asked = Asked(parts.path, query, dict(handler.headers.items()), handler.path, handler.command, body)
        self.asked.append(asked)
        reply = self.answer(asked)
        if isinstance(reply, Raw):
            handler.close_connection = True
            handler.wfile.write(reply.data)
            handler.wfile.flush()
            if reply.reset:
                # With no time to linger, closing sends a reset in place of an orderly end.
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                handler.connection.close()
            return
        if isinstance(reply, Drip):
            handler.close_connection = True
            for piece in reply.pieces:
                if self.closing.wait(reply.pause):
                    return
                handler.wfile.write(piece)
            return
        if not isinstance(reply, Reply):
            reply = Reply(reply)
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

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
