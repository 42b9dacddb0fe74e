"""A local server that plays one vendor's API."""

from __future__ import annotations

import time
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from sandbox.exchange import RecordedRequest, Refused, Response
from sandbox.listener import Listener
from sandbox.vendors.access import KEY
from sandbox.vendors.collection import CHILDREN
from sandbox.vendors.request import VendorRequest
from sandbox.vendors.rows import Maker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from typing_extensions import Self

    from sandbox.vendors.collection import Collection, Vendor
    from sandbox.vendors.paging import Shape
    from sandbox.vendors.rows import Columns, Row

#: Rows of a list without pages, and parents with rows.
FEW = 12
PARENTS = 5


class Player:
    """Plays a vendor's API until the `with` block ends.

    Args:
        vendor: What the API is like.
        columns: The columns of each stream, by name.
        keys: The primary key of each stream.
        is_empty: Whether the account has no rows at all.
        rows: Number of rows, by stream, where the player's own choice will not do.
        shapes: How pages follow, by stream, where it is not what the vendor is known for.
        limit: The number of the request that the API refuses with 429, and the headers of that response.

    `quota` is the number of requests that the API serves; None for any number. After a list has served as many pages as
    `meanwhile` names for its stream, that function changes its rows.
    """

    def __init__(
        self,
        vendor: Vendor,
        columns: Mapping[str, Columns],
        keys: Mapping[str, Sequence[str]],
        *,
        is_empty: bool = False,
        rows: Mapping[str, int] | None = None,
        shapes: Mapping[str, Shape] | None = None,
        limit: tuple[int, Mapping[str, str]] | None = None,
    ) -> None:
        self.vendor = vendor
        self.access = deepcopy(vendor.access)
        self.requests: list[RecordedRequest] = []
        self.quota: int | None = None
        self.served: Counter[str] = Counter()
        self.meanwhile: dict[str, tuple[int, Callable[[list[Row]], None]]] = {}
        self._is_empty, self._limit = is_empty, limit
        shapes = shapes or {}
        self._lists = {
            stream: replace(one, shape=shapes[stream]) if stream in shapes else one
            for stream, one in vendor.streams.items()
        }
        self._counts = {**vendor.rows, **(rows or {})}
        self._now = datetime.now(timezone.utc)
        self._listener = Listener(self._handle, 0)
        self.makers: dict[str, Maker] = {}
        self._tables: dict[str, dict[str, list[Row]]] = {}
        for stream, collection in self._lists.items():
            if stream in columns:
                kept = {name: column for name, column in columns[stream].items() if name not in collection.left_out}
                self.makers[stream] = Maker(stream, kept, keys[stream], collection.times, collection.objects)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._listener.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """What a user sets to read the API, beside the vendor's name."""
        return {"base_url": self.url, "api_key": KEY, **self.access.settings, **self.vendor.settings}

    def rows(self, stream: str) -> list[Row]:
        """All rows of a stream."""
        return [row for rows in self._table(stream).values() for row in rows]

    def names(self, stream: str) -> list[str]:
        """The names of all rows of a stream, sorted."""
        return sorted(row.name for row in self.rows(stream))

    def pages(self, stream: str) -> int:
        """The number of the largest pages that hold the stream's rows, those of each parent and kind apart."""
        most = self._lists[stream].shape.most()
        apart = [
            len([row for row in rows if row.kind == kind])
            for rows in self._table(stream).values()
            for kind in {row.kind for row in rows}
        ]
        return sum(-(-count // most) for count in apart)

    def lists(self, stream: str) -> int:
        """The number of lists that the stream's rows are in: one for each parent that has any, and for each kind."""
        return len(self._table(stream)) * len(self._lists[stream].kinds)

    def add(self, stream: str) -> str:
        """Add a row that is created now to the first list of a stream; return its name."""
        owner, rows = next(iter(self._table(stream).items()))
        kinds = self._lists[stream].kinds[:1]
        (row,) = self.makers[stream].make(1, self._now, kinds=kinds, owner=owner, first=len(rows))
        row.change()
        row.created = row.changed
        rows.append(row)
        return row.name

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.__exit__(*exc)

    def _table(self, stream: str) -> dict[str, list[Row]]:
        """The rows of a stream, by the key of their parent; made when they are wanted."""
        if stream not in self._tables:
            self._tables[stream] = self._made(stream)
        return self._tables[stream]

    def _made(self, stream: str) -> dict[str, list[Row]]:
        collection, maker = self._lists[stream], self.makers[stream]
        if self._is_empty and not collection.is_object:
            return {}
        most = collection.shape.most()
        full = 1 if collection.is_object else FEW if most > 10**6 else 2 * most * len(collection.kinds) + most // 3
        count = self._counts.get(stream, full)
        if collection.parent is None:
            return {"": maker.make(count, self._now, kinds=collection.kinds, lag=collection.lag)}
        owners = [row.key for row in self.rows(collection.parent)]
        tables: dict[str, list[Row]] = {}
        for number, owner in enumerate(owners):
            if collection.gone and number % 3 == 2:  # noqa: PLR2004 - every third
                continue
            many = count if number == 0 else 1 if collection.is_object else number % CHILDREN
            tables[str(owner)] = maker.make(many, self._now, kinds=collection.kinds, owner=str(owner))
        return tables

    async def _handle(self, sent: web.BaseRequest) -> web.StreamResponse:
        query = parse_qsl(sent.rel_url.raw_query_string, keep_blank_values=True)
        body = await sent.read() if sent.can_read_body else b""
        request = RecordedRequest(time.time(), sent.method, sent.path, query, sent.headers, body)
        self.requests.append(request)
        try:
            response = self._respond(VendorRequest(request, self.url))
        except Refused as refused:
            response = Response.of(refused.status, {"error": str(refused)}, refused.headers)
        request.status = response.status
        headers = {"Content-Type": "application/json", **response.headers}
        return web.Response(status=response.status, body=response.body, headers=headers)

    def _respond(self, request: VendorRequest) -> Response:
        if self._limit is not None and len(self.requests) == self._limit[0]:
            raise Refused(429, "too many requests", headers=self._limit[1])
        if self.quota is not None and len(self.requests) > self.quota:
            raise Refused(429, "the quota of the day is used up", headers={"Retry-After": "86400"})
        refusal: Response | None = self.access.check(request)
        if refusal is not None:
            return refusal
        for name, value in self.vendor.headers.items():
            if request.sent.headers.get(name) != value:
                raise Refused(400, f"the header {name} is missing or wrong")
        for stream, collection in self._lists.items():
            found = collection.pattern.fullmatch(request.sent.path)
            if found and stream in self.makers and collection.when.items() <= request.params.items():
                if request.sent.method != collection.method:
                    raise Refused(405, f"{request.sent.method} is not allowed here")
                owner = found[1] if found.groups() else request.params.get(collection.parent_param or "", "")
                return self._page(stream, collection, unquote(owner), request)
        raise Refused(404, f"there is nothing at {request.sent.path}")

    def _page(self, stream: str, collection: Collection, owner: str, request: VendorRequest) -> Response:
        table = self._table(stream)
        if collection.parent is not None and owner not in table and collection.gone:
            raise Refused(404, "it is gone")
        response = collection.respond(table.get(owner, []), request, self.makers[stream])
        self.served[stream] += 1
        pages, change = self.meanwhile.get(stream, (0, None))
        if change is not None and self.served[stream] == pages:
            change(table[owner])
        return response
