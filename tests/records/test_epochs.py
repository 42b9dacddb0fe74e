"""Replication keys that are epochs: requests with numbers, bookmarks that are date-times."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from tests.records.forums import bookmark as forums_bookmark
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

#: The first seconds of some months of 2024.
JANUARY, FEBRUARY, MARCH = 1704067200, 1706745600, 1709251200
#: A search by POST, with seconds, as of an API for support.
SEARCH: dict[str, Any] = {
    "path": "/conversations/search",
    "method": "POST",
    "data_selector": "conversations",
    "json": {"query": {"field": "updated_at", "operator": ">"}, "sort": {"order": "ascending"}},
    "replication_key": "updated_at",
    "schema": {"updated_at": {"type": "integer"}},
    "paginator": {
        "type": "cursor",
        "location": "body",
        "limit": 2,
        "limit_param": "pagination.per_page",
        "cursor_param": "pagination.starting_after",
        "cursor_path": "pages.next.starting_after",
    },
    "incremental": {"start_param": "query.value", "format": "epoch", "row_order": "asc"},
}


class Search:
    """A search that wants a number, and refuses a text.

    Args:
        times: The `updated_at` of the rows.
        unit: Units in a second.
        cap: Number of rows that it serves.
    """

    def __init__(self, *times: int, unit: int = 1, cap: int = 10_000) -> None:
        self.times = times
        self.unit = unit
        self.cap = cap

    def __call__(self, asked: RecordedRequest) -> Any:
        """A page in ascending order."""
        query, paging = asked.json["query"], asked.json["pagination"]
        start, end = query.get("value", 0), query.get("until", 10**15)
        if type(start) is not int or type(end) is not int:
            return Reply({"errors": ["value must be a number"]}, 400)
        rows = [
            {"id": str(number), "updated_at": time * self.unit}
            for number, time in enumerate(self.times)
            if start < time * self.unit <= end
        ]
        first, size = int(paging.get("starting_after", 0)), paging["per_page"]
        if first + size > self.cap:
            return Reply({"errors": ["too deep"]}, 400)
        more = {"next": {"starting_after": first + size}} if len(rows) > first + size else {}
        return {"conversations": rows[first : first + size], "pages": more}


def search(server: Server, state: dict[str, Any] | None = None, top: dict[str, Any] | None = None, **own: Any) -> Run:
    """Sync the conversations of a server."""
    stream = {**SEARCH, **own, "incremental": {**SEARCH["incremental"], **own.get("incremental", {})}}
    stream["paginator"] = {**SEARCH["paginator"], **own.get("paginator", {})}
    config = {"support": api(server.url, streams={"conversations": stream}), **(top or {})}
    return sync(config, catalog=catalog_of(config, "conversations"), state=state)


def state_of(run: Run) -> Any:
    """The bookmark of the conversations."""
    return run.state["bookmarks"]["conversations"].get("replication_key_value")


@pytest.mark.parametrize("kind", [{"type": "integer"}, {"type": ["number", "null"]}, {"format": "date-time"}])
@pytest.mark.parametrize(("unit", "pattern"), [(1, "epoch"), (1000, "epoch_ms")])
def test_a_search_by_epochs_is_incremental(kind: dict[str, Any], unit: int, pattern: str) -> None:
    """The body has the bookmark as a number, whatever the column is; the state has it as a date-time."""
    own: dict[str, Any] = {"schema": {"updated_at": {"type": "string", **kind}}, "incremental": {"format": pattern}}
    with Server(Search(JANUARY, FEBRUARY, MARCH, unit=unit)) as server:
        first = search(server, top={"start_date": "2024-01-15"}, **own)
        second = search(server, first.state, **own)
    assert (first.failures, first.ids("conversations")) == ({}, ["1", "2"])
    assert state_of(first) == "2024-03-01T00:00:00Z"
    assert (second.failures, second.ids("conversations")) == ({}, [])
    assert [request.json["query"]["value"] for request in server.requests] == [1705276800 * unit, MARCH * unit]
    value = first.records("conversations")[0]["updated_at"]
    assert value == ("2024-02-01T00:00:00Z" if kind == {"format": "date-time"} else FEBRUARY * unit)


def test_a_state_with_a_number_is_taken_over() -> None:
    """One that an earlier version wrote, or another tap."""
    state = {
        "bookmarks": {"conversations": {"replication_key": "updated_at", "replication_key_value": FEBRUARY * 1000 + 5}}
    }
    with Server(Search(JANUARY, FEBRUARY, MARCH, unit=1000)) as server:
        run = search(server, state, incremental={"format": "epoch_ms"})
    assert run.ids("conversations") == ["2"]
    assert server.requests[0].json["query"]["value"] == FEBRUARY * 1000 + 5


def test_fractions_of_a_bookmark_stay() -> None:
    """A date-time shows milliseconds, too."""
    with Server(Search(JANUARY * 1000 + 123)) as server:
        run = search(server, incremental={"format": "epoch_ms"})
        search(server, run.state, incremental={"format": "epoch_ms"})
    assert state_of(run) == "2024-01-01T00:00:00.123Z"
    assert server.requests[-1].json["query"]["value"] == JANUARY * 1000 + 123


def test_windows_of_epochs() -> None:
    """Both ends are numbers in the body."""
    top = {"start_date": "2024-01-01", "end_date": "2024-03-02"}
    with Server(Search(JANUARY + 1, FEBRUARY, MARCH)) as server:
        run = search(server, top=top, incremental={"end_param": "query.until", "window": 31})
    assert (run.failures, set(run.ids("conversations"))) == ({}, {"0", "1", "2"})
    ranges = {(request.json["query"]["value"], request.json["query"]["until"]) for request in server.requests}
    assert ranges == {(JANUARY, FEBRUARY + 1), (FEBRUARY - 1, 1709337601)}


def test_a_search_is_read_beyond_the_rows_that_it_serves() -> None:
    """Its start is not part of the range, and rows share their second; none is lost."""
    times = [JANUARY + number // 3 for number in range(1, 40)]
    with Server(Search(*times, cap=10)) as server:
        run = search(server, paginator={"max_pages": 5})
    assert run.failures == {}
    assert set(run.ids("conversations")) == {str(number) for number in range(39)}


def test_a_descending_list_of_epochs_without_a_filter() -> None:
    """It is read up to the first page that is too old."""
    own = {
        "path": "/posts",
        "data_selector": "data",
        "replication_key": "edited",
        "schema": {"edited": {"type": "string", "format": "date-time"}},
        "paginator": {"type": "page_number", "limit": 2, "limit_param": "size"},
        "incremental": {"row_order": "desc"},
    }
    table = [{"id": str(number), "edited": MARCH - 3600 * number} for number in range(100)]

    def answer(asked: RecordedRequest) -> Any:
        first = 2 * (int(asked.query["page"]) - 1)
        return {"data": table[first : first + 2]}

    state = {"bookmarks": {"posts": {"replication_key": "edited", "replication_key_value": "2024-02-29T20:30:00Z"}}}
    with Server(answer) as server:
        config = {"support": api(server.url, streams={"posts": own}, max_connections=1)}
        run = sync(config, catalog=catalog_of(config, "posts"), state=state)
    assert (run.failures, run.ids("posts")) == ({}, ["0", "1", "2", "3"])
    assert len(server.requests) == 3


def test_epochs_in_a_query() -> None:
    """They are digits there; the moment of the sync is no later than now."""
    with Server(lambda _: {"forums": [{"id": 1, "updated_at": JANUARY}]}) as server:
        incremental = {"format": "epoch", "initial_value": "1970-01-01"}
        config = {"analytics": api(server.url, incremental=incremental)}
        catalog = catalog_of(config, "forums")
        sync(config, catalog=catalog)
        sync(config, catalog=catalog, state=forums_bookmark(FEBRUARY))
    first, second = (request.query for request in server.requests)
    assert (first["updated_after"], second["updated_after"]) == ("0", str(FEBRUARY))
    assert 0 <= datetime.now(timezone.utc).timestamp() + 1 - int(first["updated_before"]) < 60


def test_a_sequence_is_no_epoch() -> None:
    """Without a start to request, numbers are compared as numbers, and stay what they are."""
    own = {"method": "GET", "json": {}, "paginator": {"type": "single_page"}}
    stream = {**SEARCH, **own, "incremental": {"format": "epoch"}}
    with Server(lambda _: {"conversations": [{"id": "a", "updated_at": 7}]}) as server:
        config = {"support": api(server.url, streams={"conversations": stream})}
        run = sync(config, catalog=catalog_of(config, "conversations"))
    assert state_of(run) == 7
