"""Slots of `requests_per_minute`."""

from __future__ import annotations

import time

from tap_feedback.slots import Slots
from tests.runs import api, catalog_of, sync
from tests.server import RecordedRequest, Server


def test_slots_are_evenly_apart() -> None:
    """A slot that was not used in time is lost, so that no burst follows a break."""
    slots = Slots(30)
    assert [slots.take(10), slots.take(10), slots.take(11)] == [10, 12, 14]
    assert [slots.take(100), slots.take(100)] == [100, 102]


def test_without_a_limit_each_moment_is_free() -> None:
    """Null means no limit."""
    slots = Slots(None)
    assert [slots.take(1), slots.take(1)] == [1, 1]


def test_a_slow_stream_does_not_slow_the_others() -> None:
    """Its requests wait before they take a connection."""
    times: dict[str, list[float]] = {}

    def respond(request: RecordedRequest) -> object:
        times.setdefault(request.path, []).append(time.monotonic())
        first = int(request.query["offset"])
        return {"data": [{"id": str(number)} for number in range(first, min(first + 5, 40))]}

    streams = {"slow": {"path": "/slow", "requests_per_minute": 600}, "fast": {"path": "/fast"}}
    with Server(respond) as server:
        config = {"feedback": api(server.url, max_connections=1, streams=streams)}
        run = sync(config, catalog=catalog_of(config, "slow", "fast"))
    assert (run.error, len(run.records("slow")), len(run.records("fast"))) == (None, 40, 40)
    slow, fast = times["/v1/slow"], times["/v1/fast"]
    assert slow[-1] - slow[0] > 0.1 * (len(slow) - 2)
    assert fast[-1] < slow[-1]
