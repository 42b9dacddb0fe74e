"""Servers of an offset API, and what the tests of offset paging share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.runs import Run, api, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = list[dict[str, Any]]


def rows(count: int, first: int = 0) -> Rows:
    """Rows with ids from `first` on."""
    return [{"id": f"r{number}", "feedback_text": f"text {number}"} for number in range(first, first + count)]


def expected(count: int) -> list[str]:
    """The ids of that many rows."""
    return [row["id"] for row in rows(count)]


def offset_server(
    table: Rows,
    *,
    cap: int = 100,
    change: Callable[[Rows, int], None] = lambda table, request: None,
    place: Callable[[int], int] = lambda offset: offset,
) -> Server:
    """A server of an offset API.

    Args:
        table: Its rows; `change` may alter them before each request is answered.
        cap: The most rows that a page has.
        change: Is given the rows and the number of the request, from 1.
        place: Makes the offset that is served from the one that is asked for.
    """

    def respond(request: RecordedRequest) -> Any:
        change(table, len(server.requests))
        start = place(int(request.query["offset"]))
        return {"data": table[start : start + min(cap, int(request.query["limit"]))], "total": len(table)}

    server = Server(respond)
    return server


def feedback(server: Server, **settings: Any) -> Run:
    """Sync the feedback stream of a server."""
    return sync({"feedback": api(server.url, **settings)})


def offsets(server: Server) -> list[int]:
    """The offsets that the tap requested."""
    return [int(request.query["offset"]) for request in server.requests]


def refusing_server(table: Rows, status: int, *, window: int = 1_000_000, step: int = 1) -> Server:
    """A server that refuses offsets behind its rows, outside a window of its first rows, or between its pages."""

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        if start >= min(len(table), window) or start % step:
            return Reply(status=status)
        return {"data": table[start : min(start + 100, window)], "total": len(table)}

    return Server(respond)
