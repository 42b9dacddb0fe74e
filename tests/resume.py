"""An API with a filter by time and pages by cursor, offset or number, and what must hold for each prefix of a sync."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tap_feedback.records.timestamps import parse_instant
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply

STREAM = "events"
DAY = timedelta(days=1)
#: The first moment of which a model has rows.
EPOCH = datetime(2024, 1, 1, tzinfo=timezone.utc)
SIZE = 4
#: What the state has in the place of `progress` when there is none any more.
NO_PLACE: dict[str, Any] = {"until": []}
PAGINATORS: dict[str, dict[str, Any]] = {
    "cursor": {"type": "cursor", "cursor_path": "next", "limit": SIZE, "limit_param": "limit"},
    "offset": {"type": "offset", "limit": SIZE},
    "page_number": {"type": "page_number", "limit": SIZE, "limit_param": "limit", "overlap": 1},
}

Row = dict[str, Any]


def text(moment: datetime) -> str:
    """A moment, as the model's API writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def rows_at(*minutes: int, kinds: int = 1) -> list[Row]:
    """Rows with these times, in minutes after the first; their kinds take turns."""
    return [
        {"id": str(number), "at": text(EPOCH + timedelta(minutes=at)), "kind": str(number % kinds)}
        for number, at in enumerate(minutes)
    ]


def year(windows: int = 10) -> dict[str, Any]:
    """A range of so many days from the first row on."""
    return {"start_date": text(EPOCH), "end_date": text(EPOCH + windows * DAY)}


@dataclass
class Model:
    """An API: its rows, in ascending order if it is sorted.

    `kinds` is the number of kinds, each of which is one pass. With `excludes`, the very start of a range is not part of
    it. It is down from a request on, if it is said which one.
    """

    table: list[Row]
    kinds: int = 1
    is_sorted: bool = False
    excludes: bool = False
    down_from: int | None = None
    requests: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: RecordedRequest) -> Any:
        """A page."""
        with self.lock:
            self.requests.append(asked.query)
            if self.down_from is not None and len(self.requests) > self.down_from:
                return Reply({"message": "closed for today"}, 403)
            return self.page(asked.query)

    def page(self, query: dict[str, str]) -> Any:
        """The rows of a request."""
        after, before = query.get("since", ""), query.get("until", "9")
        found = [row for row in self.table if self.kinds == 1 or row["kind"] == query["kind"]]
        found = [
            row for row in found if (after < row["at"] if self.excludes else after <= row["at"]) and row["at"] < before
        ]
        if self.is_sorted:
            found.sort(key=lambda row: row["at"])
        first = int(query.get("cursor") or query.get("offset") or 0)
        first = (int(query["page"]) - 1) * SIZE if "page" in query else first
        behind = first + SIZE
        return {"data": found[first:behind], "next": str(behind) if behind < len(found) else None}


def days(count: int, rows_each: int = 3, **more: Any) -> Model:
    """A model with rows on each of these days."""
    step = 24 * 60 // rows_each
    return Model(rows_at(*range(0, count * 24 * 60, step), kinds=more.get("kinds", 1)), **more)


@dataclass
class Case:
    """A stream of the model, with settings of incremental."""

    model: Model
    paginator: str = "cursor"
    incremental: dict[str, Any] = field(default_factory=dict)
    connections: int = 2
    top: dict[str, Any] = field(default_factory=dict)
    stream: dict[str, Any] = field(default_factory=dict)
    runs: int = 0

    def config(self, url: str) -> dict[str, Any]:
        """The settings of the tap."""
        stream = {
            "path": "/v1/events",
            "params": {"run": str(self.runs)},
            "data_selector": "data",
            "replication_key": "at",
            "schema": {"at": {"type": "string", "format": "date-time"}, "kind": {"type": "string"}},
            "paginator": PAGINATORS[self.paginator],
            "incremental": {"start_param": "since", "end_param": "until", **self.incremental},
            **self.stream,
        }
        if self.model.kinds > 1 and "passes" not in stream:
            stream["passes"] = [{"kind": str(kind)} for kind in range(self.model.kinds)]
        return {"feedback": api(url, max_connections=self.connections, streams={STREAM: stream}), **self.top}

    def sync(self, url: str, state: dict[str, Any] | None = None) -> Run:
        """Sync the stream."""
        self.runs += 1
        config = self.config(url)
        return sync(config, catalog=catalog_of(config, STREAM), state=state)

    @property
    def requests(self) -> list[dict[str, str]]:
        """The requests of the last run; some of the one before may have come since it ended."""
        return [query for query in self.model.requests if query["run"] == str(self.runs)]


def states(run: Run) -> list[dict[str, Any]]:
    """The states of the stream, in the order of the STATE messages."""
    return [
        message["value"]["bookmarks"].get(STREAM, {})
        for message in run.messages
        if message["type"] == "STATE" and "bookmarks" in message["value"]
    ]


def has_place(state: dict[str, Any]) -> bool:
    """Whether a state of the stream is one in the middle of a sync."""
    return bool(state.get("progress", NO_PLACE)["until"])


def covered(state: dict[str, Any], kind: int = 0) -> datetime | None:
    """Up to when a state says that all rows of a kind are written."""
    if has_place(state):
        return parse_instant(state["progress"]["until"][kind])
    return parse_instant(state.get("replication_key_value"))


def assert_no_state_passes_a_row(run: Run, model: Model, loaded: set[str]) -> int:
    """Each row before what a STATE covers is in the lines before it, or was loaded before; returns their number.

    So whatever line a kill cuts the output at, the target has all that its last state covers.
    """
    written, number = set(loaded), 0
    for line in run.lines:
        message = json.loads(line)
        written |= ids_in(message)
        if message["type"] == "STATE":
            number += 1
            state = message["value"].get("bookmarks", {}).get(STREAM, {})
            plain = parse_instant(state.get("replication_key_value"))
            for row in model.table:
                at = parse_instant(row["at"])
                until = covered(state, int(row["kind"]) if model.kinds > 1 else 0)
                assert at is not None
                for place in (until, plain):
                    assert place is None or at >= place or row["id"] in written, (line, row)
    return number


def merge(state: dict[str, Any], into: dict[str, Any]) -> dict[str, Any]:
    """Merge a state into the one before, as Meltano does with a full refresh or `--state-strategy merge`."""
    for name, value in state.items():
        if isinstance(value, dict):
            merge(value, into.setdefault(name, {}))
        else:
            into[name] = value
    return into


def cut(run: Run, at: int) -> tuple[set[str], dict[str, Any] | None]:
    """What a target has that got so many lines: the ids of rows, and the last state."""
    messages = run.messages[:at]
    found = [message["value"] for message in messages if message["type"] == "STATE"]
    return set().union(*map(ids_in, messages)), found[-1] if found else None


def ids_in(message: dict[str, Any]) -> set[str]:
    """The ids of the rows in a message, or in the files that it names."""
    if message["type"] == "BATCH":
        lines = [
            line for url in message["manifest"] for line in Path(url.removeprefix("file://")).read_text().splitlines()
        ]
        return {json.loads(line)["id"] for line in lines}
    return {message["record"]["id"]} if message["type"] == "RECORD" else set()
