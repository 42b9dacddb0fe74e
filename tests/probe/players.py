"""Players of APIs of many shapes, and the probe and the sync of them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tap_feedback import declarations
from tap_feedback.tap import TapFeedback
from tests.configs import problems
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

Row = dict[str, Any]
#: Requests that a stream may take.
MOST = 20
STREAM = "reviews"


def rows(count: int) -> list[Row]:
    """Rows that change in another order than they were made."""
    return [
        {
            "id": number * 7 + 1,
            "body": f"Review {number}",
            "stars": number % 5,
            "created_at": f"2024-01-01T00:{number // 60:02}:{number % 60:02}Z",
            "updated_at": f"2024-02-{1 + number % 28:02}T{number // 60:02}:{number % 60:02}:00Z",
        }
        for number in range(count)
    ]


@dataclass
class Result:
    """What the probe found and said, and the requests it took."""

    block: dict[str, Any]
    missing: dict[str, str]
    lines: list[str]
    requests: list[RecordedRequest]
    run: Run = field(default_factory=Run)

    @property
    def stream(self) -> dict[str, Any]:
        """The settings of the stream."""
        found: dict[str, Any] = self.block["feedback"]["streams"][STREAM]
        return found

    @property
    def paginator(self) -> dict[str, Any]:
        """The paginator of the stream."""
        found: dict[str, Any] = self.stream["paginator"]
        return found


def probe(
    respond: Callable[[RecordedRequest], Any],
    caplog: pytest.LogCaptureFixture,
    *,
    synced: bool = True,
    grown: int = 0,
    stream: Row | None = None,
    **settings: Any,
) -> Result:
    """Probe a stream; then sync it with the block merged over the config, if there is one.

    Args:
        respond: The API.
        caplog: Takes the lines.
        synced: Whether to sync; the sync must succeed.
        grown: Number of rows that the API has by then; the sync may fail.
        stream: Settings of the stream.
        settings: Settings of the API.
    """
    caplog.set_level(logging.INFO)
    settings = {"path_prefix": "", **settings}
    with Server(respond) as server:
        config = {"feedback": api(server.url, streams={STREAM: {"path": "/reviews", **(stream or {})}}, **settings)}
        found = TapFeedback(config=config, setup_mapper=False).probe()
        requests = list(server.requests)
        result = Result(found.block, found.missing, [record.getMessage() for record in caplog.records], requests)
        assert len(requests) <= MOST
        assert "test-key" not in json.dumps(found.block)
        if synced and not found.missing:
            merged = declarations.merge(config, json.loads(json.dumps(found.block)))
            assert problems(merged) == problems(found.block, complete=False) == []
            if grown and isinstance(respond, Player):
                respond.rows = rows(grown)
            result.run = sync(merged, catalog=catalog_of(merged, STREAM))
            assert grown or (result.run.error, result.run.failures) == (None, {})
    return result


@dataclass
class Player:
    """An API with one list, which pages as a test says.

    Args:
        rows: The rows.
        page: Returns the response, of the rows that a filter left, and the parameters.
        since: The parameter that filters by `time` from a moment on; None if none does.
        time: The time by which it filters.
        until: The parameter for the end of the range.
    """

    rows: list[Row]
    page: Callable[[list[Row], dict[str, Any]], Any]
    since: str | None = None
    time: str = "updated_at"
    until: str | None = None

    def __call__(self, asked: RecordedRequest) -> Any:
        """The response to a request."""
        params = {**asked.query, **(asked.json if asked.body else {})}
        start = params.get(self.since or "")
        end = params.get(self.until or "")
        found = [row for row in self.rows if start is None or str(row[self.time]) >= str(start)]
        found = [row for row in found if end is None or str(row[self.time]) < str(end)]
        return self.page(found, {**params, "_url": f"http://{asked.headers['Host']}{asked.path}", "_path": asked.path})


def size_of(params: dict[str, Any], name: str, default: int, most: int) -> int:
    """The page size of a request."""
    return min(int(params.get(name, default)), most)


def by_offset(found: list[Row], params: dict[str, Any]) -> Any:
    """`skip` and `take`, with a total."""
    size, skip = size_of(params, "take", 20, 50), int(params.get("skip", 0))
    return {"data": {"list": found[skip : skip + size]}, "meta": {"total": len(found)}}


def by_page(base: int) -> Callable[[list[Row], dict[str, Any]], Any]:
    """`page` and `per_page`, with the number of pages."""

    def page(found: list[Row], params: dict[str, Any]) -> Any:
        size, number = size_of(params, "per_page", 25, 100), int(params.get("page", base)) - base
        part = found[number * size : number * size + size]
        return {"reviews": part, "page": number + base, "total_pages": -(-len(found) // size)}

    return page


def by_cursor(found: list[Row], params: dict[str, Any]) -> Any:
    """A cursor in the body that is there on the last page, too; a flag says that it ends."""
    size, place = size_of(params, "limit", 10, 100), int(str(params.get("cursor", "c0"))[1:])
    more = place + size < len(found)
    return {"items": found[place : place + size], "next_cursor": f"c{place + size}", "has_more": more}


def by_link(form: str) -> Callable[[list[Row], dict[str, Any]], Any]:
    """An address in the body: whole, from the root, or only the query."""

    def page(found: list[Row], params: dict[str, Any]) -> Any:
        size, place = size_of(params, "page_size", 30, 30), int(params.get("at", 0))
        query = urlencode({"page_size": size, "at": place + size})
        start = {"absolute": params["_url"], "root": params["_path"], "query": ""}[form]
        following = f"{start}?{query}" if place + size < len(found) else None
        return {"results": found[place : place + size], "links": {"next": following}}

    return page


def by_header(found: list[Row], params: dict[str, Any]) -> Any:
    """A `Link` header, and a bare array."""
    size, number = size_of(params, "per_page", 30, 100), int(params.get("page", 1))
    more = number * size < len(found)
    link = f'<{params["_url"]}?per_page={size}&page={number + 1}>; rel="next"'
    return Reply(found[(number - 1) * size : number * size], headers={"Link": link} if more else {})


def by_hal(found: list[Row], params: dict[str, Any]) -> Any:
    """HAL: the rows in `_embedded`, which is absent if there are none, and the page's number from 0."""
    size, number = size_of(params, "size", 20, 100), int(params.get("page", 0))
    part = found[number * size : number * size + size]
    numbers = {"size": size, "totalElements": len(found), "totalPages": -(-len(found) // size), "number": number}
    return {**({"_embedded": {"reviews": part}} if part else {}), "page": numbers}


def by_row(found: list[Row], params: dict[str, Any]) -> Any:
    """The key of the last row."""
    size, after = size_of(params, "limit", 10, 100), params.get("starting_after")
    place = next((index + 1 for index, row in enumerate(found) if str(row["id"]) == str(after)), 0)
    return {"object": "list", "data": found[place : place + size], "has_more": place + size < len(found)}


def whole(found: list[Row], _: dict[str, Any]) -> Any:
    """All rows, whatever is asked for."""
    return found
