"""Scripted faults: what a path answers instead of, or does to, its usual answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections import deque
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Answer(NamedTuple):
    """An answer before it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """One departure from the usual answer; what is not set stays as usual.

    A status of 400 and above has a short JSON body of its own unless `body` is set; 204 and redirects have none.

    Args:
        status: The status to answer with.
        headers: Headers in addition to, or instead of, the usual ones.
        body: The body to answer with.
        location: Redirects there, with status 302 unless `status` says otherwise.
        delay: Seconds to wait before the answer, on top of the latency.
        silence: Seconds for which nothing is answered; then the connection is closed.
        reset: Resets the connection before any byte of the answer, or within its body.
        cut: Sends only so many bytes of the body, under the full Content-Length, then closes the connection.
        chunked: Sends the body in chunks in place of a Content-Length; with `cut` the end of the last one never comes.
        gzip: Encodes the body with gzip, before `cut` counts its bytes.
        drip: Sends the body by so many bytes at a time.
        interval: Seconds from one drip to the next.

    Raises:
        ValueError: A number is negative or no status, or `reset` is neither "before" nor "within".
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    location: str | None = None
    delay: float = 0
    silence: float | None = None
    reset: Literal["before", "within"] | None = None
    cut: int | None = None
    chunked: bool = False
    gzip: bool = False
    drip: int | None = None
    interval: float = 0.1

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:  # noqa: PLR2004 - the final statuses of HTTP
            raise ValueError(f"status must lie between 200 and 599, not {self.status}")
        if self.reset not in {None, "before", "within"}:
            raise ValueError(f"reset must be before or within, not {self.reset!r}")
        for name in ("delay", "silence", "cut", "drip", "interval"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} must not be negative")

    @classmethod
    def of(cls, value: Any) -> Fault | None:
        """A fault as it stands in a JSON file: null, or an object whose body may be text or any JSON value.

        Raises:
            ValueError: It is neither, or it has a key that a fault has not.
        """
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ValueError(f"a fault must be null or an object, not {value!r}")  # noqa: TRY004 - wrong input, not a bug
        unknown = value.keys() - {known.name for known in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        body = value.get("body")
        if body is not None:
            value = {**value, "body": (body if isinstance(body, str) else json.dumps(body)).encode()}
        try:
            return cls(**value)
        except TypeError as error:
            raise ValueError(f"a fault has a value of the wrong type: {error}") from None


class Script:
    """The faults that the next requests to a path meet, in order; None is the usual answer.

    Args:
        faults: One entry a request.
        repeat: Whether the last entry then holds for ever.
    """

    def __init__(self, faults: Iterable[Fault | None], *, repeat: bool = False) -> None:
        self._faults = deque(faults)
        self._repeat = repeat

    def take(self) -> Fault | None:
        """The entry for a request that has just come."""
        if self._repeat and len(self._faults) == 1:
            return self._faults[0]
        return self._faults.popleft() if self._faults else None


def faulty(fault: Fault, usual: Answer) -> Answer:
    """The answer that a fault makes of the usual one."""
    status = fault.status or (302 if fault.location else usual.status)
    if fault.body is not None:
        body = fault.body
    elif status == usual.status:
        body = usual.body
    elif status >= 400:  # noqa: PLR2004 - where the statuses of errors begin
        body = b'{"error":"scripted","message":"A scripted fault."}'
    else:
        body = usual.body if 200 <= status < 300 and status != 204 else b""  # noqa: PLR2004 - these have a body
    headers = {"Content-Type": "application/json", **usual.headers, **fault.headers}
    if fault.location:
        headers["Location"] = fault.location
    if fault.gzip:
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    return Answer(status, body, headers)


async def perform(fault: Fault, usual: Answer, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a request as a fault says, down to the bytes on the wire."""
    await asyncio.sleep(fault.delay)
    if fault.silence is not None or fault.reset == "before":
        await asyncio.sleep(fault.silence or 0)
        hang_up(request, reset=fault.reset is not None)
        return web.Response()
    status, body, headers = faulty(fault, usual)
    if fault.cut is None and fault.reset is None and not fault.drip and not fault.chunked:
        return web.Response(status=status, body=body, headers=headers)
    response = web.StreamResponse(status=status, headers=headers)
    if fault.chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = len(body)
    await response.prepare(request)
    broken = fault.cut is not None or fault.reset is not None
    sent = body[: len(body) // 2 if fault.cut is None else fault.cut] if broken else body
    step = fault.drip or len(sent) or 1
    for begin in range(0, len(sent), step):
        if begin:
            await asyncio.sleep(fault.interval)
        await response.write(sent[begin : begin + step])
    if broken:
        hang_up(request, reset=fault.reset is not None)
    return response


def hang_up(request: web.BaseRequest, *, reset: bool) -> None:
    """Close the connection of a request: in order, with all that was written so far, or by a reset."""
    transport = request.transport
    if transport is None:
        return
    if reset:
        # With no time to linger, closing sends a reset in place of an orderly end.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()
