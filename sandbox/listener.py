"""HTTP server on a port of 127.0.0.1, in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from typing_extensions import Self


class Listener:
    """Serves until the `with` block ends, and then stops immediately, even if clients are connected.

    Args:
        handle: Responds to a request.
        port: The port; 0 takes a free one.
    """

    def __init__(self, handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], port: int) -> None:
        self._handle = handle
        self.port = port

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
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
        # Closing the listener would leave connections open that it has just accepted. So it only stops accepting, and
        # waits three turns of the loop, after which the server knows these connections.
        loop.remove_reader(listener)
        for _ in range(3):
            await asyncio.sleep(0)
        # An orderly end would wait for clients that no longer read.
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()
