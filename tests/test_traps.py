"""Settings for the traps of vendors, together: each sync reads an API that would hide rows without all of them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tap_feedback.streams import STREAM_TYPES, FeedbackData
from tap_feedback.tap import TapFeedback
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

STREAM = "tickets"
KEY: dict[str, Any] = {
    "replication_key": "updated_at",
    "schema": {"updated_at": {"type": "string", "format": "date-time"}},
}


def day(number: int) -> str:
    """A day, from 2020 on, by its number."""
    return f"{datetime(2020, 1, 1, tzinfo=timezone.utc) + timedelta(days=number):%Y-%m-%dT%H:%M:%SZ}"


def read(server: Server, own: dict[str, Any], state: dict[str, Any] | None = None, **more: Any) -> Run:
    """Sync the tickets of a server."""
    config = {"support": api(server.url, streams={STREAM: {"path": "/tickets", "data_selector": "$", **own}}, **more)}
    return sync(config, catalog=catalog_of(config, STREAM), state=state)


def bookmark(value: str) -> dict[str, Any]:
    """A state with a bookmark of the tickets."""
    return {"bookmarks": {STREAM: {"replication_key": "updated_at", "replication_key_value": value}}}


def test_a_help_desk_that_hides_old_rows_and_serves_few_pages() -> None:
    """Rows older than 30 days come only if a start is sent, 4 pages are served, and each state is a list of its own."""
    table = [{"id": str(number), "updated_at": day(number // 2), "spam": number % 5 == 0} for number in range(200)]
    refused: list[str] = []

    def answer(asked: RecordedRequest) -> Any:
        query = asked.query
        page, size = int(query["page"]), int(query["per_page"])
        if page > 4:
            refused.append(asked.target)
            return Reply({"message": "page must be at most 4"}, 400)
        after = query.get("updated_since", day(90))
        kind = query.get("filter") == "spam"
        found = [row for row in table if row["spam"] is kind and str(row["updated_at"]) >= after]
        reply = Reply(found[(page - 1) * size : page * size])
        if page * size < len(found):
            reply.headers["Link"] = f'<{asked.target}>; rel="next"'
        return reply

    own = {
        **KEY,
        "passes": [{}, {"filter": "spam"}],
        "params": {"order_by": "updated_at", "order_type": "asc"},
        "paginator": {"type": "page_number", "limit": 10, "limit_param": "per_page", "max_pages": 4},
        "incremental": {"start_param": "updated_since", "initial_value": "1970-01-01", "row_order": "asc"},
    }
    with Server(answer) as server:
        run = read(server, own)
        again = read(server, own, run.state)
    assert (run.failures, refused) == ({}, [])
    assert set(run.ids(STREAM)) == {str(number) for number in range(200)}
    assert again.ids(STREAM) == ["198", "199"]


@pytest.mark.parametrize("page_only", [["updated_since"], ["updated_since", "sort"]])
def test_a_cursor_that_excludes_the_filter(page_only: list[str]) -> None:
    """The start goes with the first request of each chain alone, and each chain behind a cap has a first one."""
    table = [{"id": str(number), "updated_at": day(number)} for number in range(55)]

    def answer(asked: RecordedRequest) -> Any:
        query = asked.query
        if "cursor" in query and "updated_since" in query:
            return Reply({"error": "cursor and updated_since exclude each other"}, 400)
        begin = sum(row["updated_at"] < query.get("updated_since", "") for row in table)
        first = int(query.get("cursor", begin))
        more = {"next": str(first + 5)} if first + 5 < len(table) else {}
        return {"items": table[first : first + 5], **more}

    own = {
        **KEY,
        "data_selector": ["data", "items"],
        "params": {"sort": "asc"},
        "paginator": {
            "type": "cursor",
            "cursor_path": "next",
            "limit": 5,
            "max_pages": 3,
            "first_page_only": page_only,
        },
        "incremental": {"start_param": "updated_since", "row_order": "asc"},
    }
    with Server(answer) as server:
        run = read(server, own, bookmark(day(3)))
    assert (run.failures, set(run.ids(STREAM))) == ({}, {str(number) for number in range(3, 55)})


def test_an_api_that_asks_for_a_wait_in_its_own_header_while_a_chain_starts_again() -> None:
    """A refusal at the seam is retried, and no row is lost."""
    table = [{"id": str(number), "updated_at": day(number)} for number in range(25)]
    refusals = iter([False] * 4 + [True, True])

    def answer(asked: RecordedRequest) -> Any:
        if next(refusals, False):
            return Reply({"message": "slow down"}, 429, {"X-RateLimit-Retry-After": "0"})
        page = int(asked.query["page"])
        found = [row for row in table if row["updated_at"] >= asked.query.get("since", "")]
        return [] if page > 2 else found[5 * (page - 1) : 5 * page]

    own = {
        **KEY,
        "paginator": {"type": "page_number", "limit": 5, "limit_param": "size", "max_pages": 2},
        "incremental": {"start_param": "since", "row_order": "asc"},
    }
    with Server(answer) as server:
        retry = {"backoff_factor": 0, "wait_headers": ["X-RateLimit-Retry-After"]}
        run = read(server, own, retry=retry)
    assert (run.failures, set(run.ids(STREAM))) == ({}, {str(number) for number in range(25)})


def test_an_empty_list_without_its_selector_in_a_range_that_is_always_sent() -> None:
    """The second range of a whole sync is mostly empty."""

    def answer(asked: RecordedRequest) -> Any:
        if asked.query["start"] == day(0):
            return {"_embedded": {"tickets": [{"id": "a"}]}, "page": {"totalElements": 1}}
        return {"page": {"totalElements": 0}}

    own = {
        "data_selector": ["results", "_embedded.tickets"],
        "data_selector_empty_ok": True,
        "paginator": {"type": "page_number", "limit_param": None},
        "incremental": {"start_param": "start", "end_param": "end", "initial_value": day(0)},
    }
    with Server(lambda asked: answer(asked) if asked.query["page"] == "1" else {"page": {}}) as server:
        run = read(server, own)
    assert (run.failures, run.ids(STREAM)) == ({}, ["a"])
    assert len({request.query["start"] for request in server.requests}) == 2


def test_a_trusted_filter_with_passes_and_windows() -> None:
    """All rows of all ranges are written, and the bookmark is the newest value of any of them."""
    touched = {"a": (day(5), day(1)), "b": (day(15), day(12)), "c": (day(25), day(3))}

    def answer(asked: RecordedRequest) -> Any:
        first, last = asked.query["since"], asked.query["until"]
        return [
            {"id": f"{key}-{asked.query['state']}", "updated_at": shown}
            for key, (at, shown) in touched.items()
            if first <= at < last
        ]

    own = {
        **KEY,
        "passes": [{"state": "open"}, {"state": "closed"}],
        "paginator": {"type": "single_page"},
        "incremental": {"start_param": "since", "end_param": "until", "window": 10, "trust_filter": True},
    }
    with Server(answer) as server:
        own = {"path": "/tickets", "data_selector": "$", **own}
        top = {"start_date": day(4), "end_date": day(30)}
        config: dict[str, Any] = {"support": api(server.url, streams={STREAM: own}), **top}
        run = sync(config, catalog=catalog_of(config, STREAM))
    assert run.failures == {}
    assert set(run.ids(STREAM)) == {f"{key}-{state}" for key in "abc" for state in ("open", "closed")}
    assert run.state["bookmarks"][STREAM]["replication_key_value"] == day(12)


def test_each_pass_of_a_descending_list_stops_by_itself() -> None:
    """A pass that has only old rows does not end the others."""
    table = {
        "old": [{"id": f"old-{number}", "updated_at": day(100 - number)} for number in range(50)],
        "new": [{"id": f"new-{number}", "updated_at": day(300 - number)} for number in range(50)],
    }

    def answer(asked: RecordedRequest) -> Any:
        first = int(asked.query["skip"])
        return table[asked.query["board"]][first : first + int(asked.query["limit"])]

    own = {
        **KEY,
        "passes": [{"board": "old"}, {"board": "new"}],
        "paginator": {"type": "offset", "offset_param": "skip", "limit": 5},
        "incremental": {"row_order": "desc"},
    }
    with Server(answer) as server:
        run = read(server, own, bookmark(day(295)), max_connections=1)
    assert (run.failures, run.ids(STREAM)) == ({}, [f"new-{number}" for number in range(6)])
    assert [request.query["board"] for request in server.requests] == ["old", "new", "new", "new"]


@pytest.mark.parametrize(("order", "fails"), [("asc", False), ("desc", True)])
def test_the_order_is_one_of_the_rows_that_the_tap_writes(order: str, *, fails: bool) -> None:
    """A stream may take the replication key out of an object in `post_process`."""

    class Stream(FeedbackData):
        def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any] | None:  # noqa: ARG002
            return {**row, "timestamp": row.pop("times")["changed"]}

    class Tap(TapFeedback):
        stream_types = (Stream, *STREAM_TYPES[1:])

    rows = [{"id": str(number), "times": {"changed": day(number)}} for number in range(3)]
    own = {"replication_key": "timestamp", "incremental": {"row_order": order}}
    with Server(lambda _: {"data": rows}) as server:
        config = api(server.url, paginator={"type": "single_page"}, streams={"feedback_data": own})
        run = sync({"feedback": config}, tap_type=Tap)
    assert bool(run.failures) is fails
    assert [record["timestamp"] for record in run.records("feedback_data")] == (
        [] if fails else [day(0), day(1), day(2)]
    )
