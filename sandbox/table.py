"""Table of a stream: its current rows, and their selection and pages for a request."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from sandbox.exchange import Refused, Response, instant
from sandbox.rows import Rows
from sandbox.streams import LINKS, Stream
from sandbox.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.exchange import RecordedRequest
    from sandbox.paging import Paging

#: Number of rows that `Table.all` encodes together.
BLOCK = 1_000


class Selection:
    """The rows of a timeline within a range of time, in either order.

    Raises:
        Refused: A parameter has an impossible value.
    """

    def __init__(self, timeline: Timeline, resource: str, params: Mapping[str, Any]) -> None:
        sort = params.get("sort", "updated_at")
        if sort not in {"updated_at", "-updated_at"}:
            raise Refused(400, f"sort must be updated_at or -updated_at, not {sort!r}")
        self._timeline = timeline
        self._newest_first = sort == "-updated_at"
        self._first = timeline.before(instant(params, "updated_after")) if "updated_after" in params else 0
        end = timeline.before(instant(params, "updated_before")) if "updated_before" in params else len(timeline)
        self._end = max(end, self._first)
        #: The scope in which a cursor is valid.
        self.scope = f"{resource} {sort}"

    def __len__(self) -> int:
        return self._end - self._first

    def part(self, place: int, size: int) -> list[tuple[int, int]]:
        """Return up to `size` rows from a place on, as the number and instant of each."""
        if self._newest_first:
            end = max(self._end - place, self._first)
            return list(self._timeline.rows(max(end - size, self._first), end))[::-1]
        return list(self._timeline.rows(self._first + place, min(self._first + place + size, self._end)))

    def behind(self, last: int) -> int:
        """Return the place after the row that was last updated at an instant."""
        if self._newest_first:
            return max(self._end - self._timeline.before(last), 0)
        return max(self._timeline.before(last + 1) - self._first, 0)


class Table:
    """A stream with its current rows.

    Args:
        stream: The stream.
        rows: Number of rows to start with.
        seed: Seed for the contents.
        paging: How requests page through it.
    """

    def __init__(self, stream: Stream, rows: int, seed: int, paging: Paging) -> None:
        self.stream = stream
        self.timeline = Timeline.of(rows)
        self.paging = paging
        self._rows = Rows(seed, stream.name)
        self._selector = stream.selector.encode()
        types = {f"{stream.resource}.{name}": {"type": to} for name, to in LINKS.get(stream.name, {}).items()}
        self._links = b',"links":' + json.dumps(types, separators=(",", ":")).encode() if types else b""
        # Held while rows change. Readers need no lock, as a timeline never changes.
        self._changing = threading.Lock()

    def __len__(self) -> int:
        return len(self.timeline)

    def respond(self, request: RecordedRequest, origin: str) -> Response:
        """Return the page that a request is for.

        Raises:
            Refused: The request has the wrong method, or a parameter has an impossible value.
        """
        if request.method != self.paging.method:
            raise Refused(405, f"{request.method} is not allowed here, only {self.paging.method}")
        params = self.paging.params(request)
        selection = Selection(self.timeline, self.stream.resource, params)
        rows, beside, headers = self.paging.page(selection, params, origin + request.path)
        members = b"," + json.dumps(beside, separators=(",", ":")).encode()[1:-1] if beside else b""
        body = b'{"%s":[%s]%s%s}' % (self._selector, b",".join(self._rows.encode(rows)), members, self._links)
        return Response(200, body, headers)

    def all(self) -> Iterator[dict[str, Any]]:
        """Yield the current rows, in the order of their last update."""
        timeline = self.timeline
        for place in range(0, len(timeline), BLOCK):
            for row in self._rows.encode(timeline.rows(place, place + BLOCK)):
                yield json.loads(row)

    def add(self, count: int) -> None:
        """Add new rows, updated now.

        Raises:
            ValueError: The count is negative.
        """
        if count < 0:
            raise ValueError("the number of rows to add must not be negative")
        with self._changing:
            self.timeline = self.timeline.added(count, _now())

    def update(self, index: int) -> None:
        """Update a row now, so that it becomes the last one. `index` counts rows in the order of their creation.

        Raises:
            IndexError: There is no such row.
        """
        with self._changing:
            self.timeline = self.timeline.updated(index, _now())


def _now() -> int:
    """Return the current instant."""
    return time.time_ns() // 1000
