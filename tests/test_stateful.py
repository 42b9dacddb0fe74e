"""Many syncs of an API whose rows come, change and go, which fail, are cut off and are run again: nothing is missed."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timezone
from typing import Any, Literal

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tap_feedback.records.timestamps import parse_instant
from tests.runs import api, catalog_of, sync
from tests.server import Raw, RecordedRequest, Reply, Server

#: The streams and their paths: one is paged by offset and read whole, the other by cursor and from its bookmark on.
STREAMS = {"feedback_data": "/v1/feedback", "forums": "/v1/forums"}
PAGE_SIZE = 3
FAULTS: dict[str, Any] = {
    "503": Reply(status=503),
    "cut": Raw(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"data": [{"id": "1"'),
    "envelope": {"message": "Try again later"},
    "reset": Raw(reset=True),
}

Row = dict[str, Any]
Change = tuple[Literal["insert", "update", "delete"], str, int]


class Model:
    """An API: its rows, the changes that come with its next requests, and the faults that they meet."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {stream: [] for stream in STREAMS}
        self.changes: list[list[Change]] = []
        self.faults: list[str | None] = []
        self.down: str | None = None
        self.sorted_by_id = False
        self.requests = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def change(self, kind: str, stream: str, place: int) -> None:
        """Insert a row at a place, or update or delete the one that is there; each version has a higher number."""
        table, number = self.tables[stream], next(self._numbers)
        now = datetime.now(timezone.utc)
        # Like most APIs, it reports whole seconds.
        new = {"updated_at": now.isoformat(timespec="seconds"), "moment": now.isoformat(), "version": number}
        if kind == "insert":
            identifier = number if stream == "forums" else str(number)
            table.insert(place % (len(table) + 1), {"id": identifier, **new})
        elif table and kind == "update":
            table[place % len(table)] = {**table[place % len(table)], **new}
        elif table:
            del table[place % len(table)]

    def respond(self, request: RecordedRequest) -> Any:
        """The response to a request, after the changes that come with it."""
        with self._lock:
            for change in self.changes.pop(0) if self.changes else ():
                self.change(*change)
            self.requests += 1
            fault = self.faults.pop(0) if self.faults else None
            stream = next(stream for stream, path in STREAMS.items() if path == request.path)
            if fault or (self.down == stream and self.requests > 2):
                return FAULTS[fault or "503"]
            return self._by_offset(request.query) if stream == "feedback_data" else self._by_cursor(request.query)

    def _by_offset(self, query: dict[str, str]) -> Any:
        start = int(query["offset"])
        return {"data": self.tables["feedback_data"][start : start + int(query["limit"])]}

    def _by_cursor(self, query: dict[str, str]) -> Any:
        """Forums by id, or by their last update, so that one that changes comes last."""
        start, cursor = parse_instant(query.get("updated_after")), query.get("cursor", "")
        places = {f"{'' if self.sorted_by_id else row['moment']} {row['id']:09}": row for row in self.tables["forums"]}
        rows = [(place, row) for place, row in sorted(places.items()) if place > cursor]
        rows = [(place, row) for place, row in rows if start is None or instant(row) >= start]
        page = rows[:PAGE_SIZE]
        return {
            "forums": [row for _, row in page],
            "pagination": {"cursor": page[-1][0] if len(rows) > PAGE_SIZE else None},
        }

    def settle(self) -> None:
        """Let the changes and faults that did not come about pass."""
        with self._lock:
            self.changes, self.faults, self.down, self.requests = [], [], None, 0

    def versions(self, stream: str) -> dict[Any, int]:
        """The version of each row of a stream."""
        with self._lock:
            return {row["id"]: row["version"] for row in self.tables[stream]}


class Target:
    """A target that keeps one row for each id, and deletes what a version activated later does not have.

    The tap's versions are seconds, and many syncs run in one here; so a number tells syncs apart.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[Any, dict[str, Any]]] = {stream: {} for stream in STREAMS}
        self.state: dict[str, Any] = {}
        self.syncs = 0

    def load(self, messages: list[dict[str, Any]]) -> None:
        """Take in what one sync wrote."""
        self.syncs += 1
        for message in messages:
            if message["type"] == "STATE":
                self.state = message["value"]
            elif message["type"] == "RECORD":
                self.tables[message["stream"]][message["record"]["id"]] = {**message, "sync": self.syncs}
            elif message["type"] == "ACTIVATE_VERSION":
                table = self.tables[message["stream"]]
                for key in [key for key, loaded in table.items() if loaded["sync"] < self.syncs]:
                    del table[key]

    def versions(self, stream: str) -> dict[Any, int]:
        """The version of each row of a stream."""
        return {key: message["record"]["_extra"]["version"] for key, message in self.tables[stream].items()}


def instant(row: Row) -> datetime:
    """When a row was last updated."""
    moment = parse_instant(row["updated_at"])
    assert moment is not None
    return moment


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert", "insert", "update", "update", "delete"]),
        st.sampled_from(list(STREAMS)),
        st.integers(0, 30),
    ),
    max_size=3,
)


class Syncs(RuleBasedStateMachine):
    """Syncs one after the other, each from the state that the one before left."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.target = Model(), Target()
        self.server = Server(self.model.respond)
        self.server.__enter__()
        self.catalog = catalog_of({name: api(self.server.url) for name in ("feedback", "analytics")}, *STREAMS)
        for number in range(8):
            for stream in STREAMS:
                self.model.change("insert", stream, number)

    def teardown(self) -> None:
        """Stop the server."""
        self.server.__exit__()

    @rule(changes=CHANGES)
    def change(self, changes: list[Change]) -> None:
        """Rows come, change and go while no sync runs."""
        for change in changes:
            self.model.change(*change)

    @rule(
        changes=st.lists(CHANGES, max_size=10),
        faults=st.lists(st.sampled_from([None, None, None, *FAULTS]), max_size=12),
        down=st.sampled_from([None, None, None, *STREAMS]),
        cut_at=st.none() | st.integers(0, 30),
        sorted_by_id=st.booleans(),
        max_connections=st.sampled_from([1, 4]),
    )
    def sync(
        self,
        changes: list[list[Change]],
        faults: list[str | None],
        down: str | None,
        cut_at: int | None,
        sorted_by_id: bool,  # noqa: FBT001 - Hypothesis gives it by name
        max_connections: int,
    ) -> None:
        """A sync meets changes and faults; the target takes all that it writes, or only so many messages."""
        model, target = self.model, self.target
        model.changes, model.faults, model.down, model.sorted_by_id = changes, faults, down, sorted_by_id
        # A first page without rows has two tries in all, as wrong settings are the likelier cause.
        met = [fault for fault in faults if fault is not None]
        passing = len(met) <= (1 if "envelope" in met else 3)
        stood = {stream: model.versions(stream) for stream in STREAMS}
        loaded = {stream: target.versions(stream) for stream in STREAMS}
        quiet = not changes and passing and down is None

        common = {"max_connections": max_connections}
        config = {
            "feedback": api(self.server.url, paginator={"limit": PAGE_SIZE}, **common),
            "analytics": api(self.server.url, **common),
            "emit_activate_version_messages": True,
        }
        run = sync(config, catalog=self.catalog, state=target.state)
        model.settle()
        written = run.messages[:cut_at]
        target.load(written)

        assert run.error is None or run.failures
        assert not (quiet and run.failures), run.failures
        activated = {message["stream"] for message in written if message["type"] == "ACTIVATE_VERSION"}
        complete = activated | (STREAMS.keys() - run.failures.keys() if written == run.messages else set())
        for stream in STREAMS:
            stand, there = model.versions(stream), target.versions(stream)
            if stream in complete:
                lasting = {key: version for key, version in stood[stream].items() if key in stand}
                stale = {key: version for key, version in lasting.items() if there.get(key, 0) < version}
                assert not stale, f"{stream}: rows that are missing or old at the target, with their version"
            else:
                assert loaded[stream].keys() <= there.keys(), f"{stream}: rows that a sync took though it did not end"
        if "feedback_data" in complete:
            gone = loaded["feedback_data"].keys() - stood["feedback_data"].keys()
            assert not gone & target.versions("feedback_data").keys(), (
                "rows that were gone before the sync are still at the target"
            )

    @invariant()
    def the_state_never_passes_what_was_written(self) -> None:
        """Each row that was last updated before the bookmark is at the target as it is."""
        state = self.target.state.get("bookmarks", {}).get("forums", {})
        bookmark = parse_instant(state.get("replication_key_value"))
        there = self.target.versions("forums")
        for row in self.model.tables["forums"]:
            if bookmark is not None and instant(row) < bookmark:
                assert there.get(row["id"]) == row["version"]


def test_nothing_is_missed() -> None:
    """With any changes and faults, a complete sync leaves the target with every row, and no sync loses a row."""
    phases = (Phase.explicit, Phase.generate)
    Syncs.TestCase.settings = settings(max_examples=22, stateful_step_count=12, phases=phases)
    Syncs.TestCase().runTest()
