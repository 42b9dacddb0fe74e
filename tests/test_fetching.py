"""Fetching: concurrent requests, the order of rows, and the number of requests."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.configs import STREAMS
from tests.runs import api, catalog_of, run_tap, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = [{"id": f"r{number}"} for number in range(1000)]


class Gauge:
    """Counts the requests in flight at a server."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.started: list[float] = []

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request, which takes long enough to meet others."""
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.started.append(time.monotonic())
        time.sleep(0.02)
        with self.lock:
            self.now -= 1
        yield


def offset_server(gauge: Gauge, rows: list[dict[str, Any]]) -> Server:
    """A server of an offset API that takes its time."""

    def respond(request: RecordedRequest) -> Any:
        with gauge.request():
            start = int(request.query["offset"])
            return {"data": rows[start : start + int(request.query["limit"])]}

    return Server(respond)


@pytest.mark.parametrize("most", [1, 4])
def test_never_more_requests_than_allowed_are_under_way(most: int) -> None:
    """The server sees as many concurrent requests as `max_connections` allows, no more, and rows come in order."""
    gauge = Gauge()
    with offset_server(gauge, ROWS[:300]) as server:
        run = sync({"feedback": api(server.url, max_connections=most, paginator={"limit": 20})})
    assert run.ids("feedback_data") == [row["id"] for row in ROWS[:300]]
    assert gauge.most == most


def test_the_end_does_not_wait_for_pages_that_nobody_needs(tmp_path: Path) -> None:
    """A page that was requested ahead, behind the end, does not hold up a tap that is done."""
    over = threading.Event()

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        time.sleep(0.02)  # long enough for the tap to send the requests ahead
        if start > 250:
            over.wait(20)
        return {"data": ROWS[start : min(start + 20, 250)]}

    with Server(respond) as server:
        (tmp_path / "config.json").write_text(json.dumps({"feedback": api(server.url, paginator={"limit": 20})}))
        began = time.monotonic()
        run = run_tap("--config", str(tmp_path / "config.json"))
        took = time.monotonic() - began
        over.set()
    assert run.returncode == 0
    assert run.stdout.count('"RECORD"') == 250
    assert run.stdout.splitlines()[-1].startswith('{"type":"STATE"')
    assert max(int(request.query["offset"]) for request in server.requests) > 250
    assert took < 15


def test_one_connection_is_strictly_one_request_at_a_time() -> None:
    """With `max_connections: 1` the tap requests each offset once, one after the other."""
    gauge = Gauge()
    with offset_server(gauge, ROWS[:300]) as server:
        sync({"feedback": api(server.url, max_connections=1)})
    assert [int(request.query["offset"]) for request in server.requests] == [0, 99, 198, 297, 299, 300]


def test_retry_after_holds_all_requests_of_the_api() -> None:
    """After 429 with `Retry-After` nothing is sent to this API until the time is over."""
    gauge = Gauge()
    refused: list[float] = []

    def respond(request: RecordedRequest) -> Any:
        with gauge.request():
            start = int(request.query["offset"])
            if start > 300 and not refused:
                refused.append(time.monotonic())
                return Reply(status=429, headers={"Retry-After": "0.5"})
            return {"data": ROWS[start : start + 20]}

    with Server(respond) as server:
        run = sync({"feedback": api(server.url, paginator={"limit": 20})})
    assert run.ids("feedback_data") == [row["id"] for row in ROWS]
    # Requests in flight when the server asked to wait had been sent before.
    late = [moment for moment in gauge.started if refused[0] + 0.1 < moment < refused[0] + 0.45]
    assert late == []


@pytest.mark.parametrize("value", ["-5", "Thu, 01 Jan 2015 00:00:00 GMT"])
def test_retry_after_a_moment_that_is_past_waits_as_usual(value: str) -> None:
    """If the server's clock is behind, the retries must not follow each other immediately."""
    times: list[float] = []

    def respond(_: RecordedRequest) -> Any:
        times.append(time.monotonic())
        return Reply(status=429, headers={"Retry-After": value}) if len(times) == 1 else {"data": []}

    with Server(respond) as server:
        run = sync({"feedback": {**api(server.url), "retry": {"backoff_factor": 0.2}}})
    assert run.error is None
    assert times[1] - times[0] >= 0.2


def test_a_stream_that_waits_does_not_hold_up_another_api() -> None:
    """While one API makes its stream wait, the streams of the others go on."""
    done: list[float] = []

    def respond(request: RecordedRequest) -> Any:
        if request.path == "/v1/resource":
            done.append(time.monotonic())
            return {"data": []}
        return Reply(status=429, headers={"Retry-After": "0.4"}) if len(server.requests) < 3 else {"data": ROWS[:5]}

    with Server(respond) as server:
        began = time.monotonic()
        run = sync({"feedback": api(server.url, paginator={"type": "single_page"}), "support": api(server.url)})
    assert run.error is None
    assert len(run.ids("feedback_data")) == 5
    assert done[0] - began < 0.4


def test_many_tiny_pages_with_random_faults_end() -> None:
    """All streams of one-row pages with faults all over come to their end, whole, without a deadlock."""
    names = STREAMS["analytics"]
    lock = threading.Lock()
    count = [0]

    def respond(request: RecordedRequest) -> Any:
        with lock:
            count[0] += 1
            number = count[0]
        if number % 11 == 0:
            return Reply(status=503)
        name = request.path.rpartition("/")[2]
        at = int(request.query.get("cursor", request.query.get("offset", "0")))
        if number % 17 == 0 and at:  # a first response without rows has only one retry
            return {"message": "busy"}
        if name in names:
            pagination = {"cursor": str(at + 1)} if at < 39 else {}
            return {name: [{"id": at, "updated_at": "2024-01-01T00:00:00Z"}], "pagination": pagination}
        return {"data": ROWS[:80][at : at + 2]}

    retry = {"backoff_factor": 0, "max_retries": 20}
    with Server(respond) as server:
        config = {
            name: {**api(server.url), "retry": retry, **more}
            for name, more in {
                "feedback": {"paginator": {"limit": 2}},
                "support": {"paginator": {"limit": 2}},
                "analytics": {},
            }.items()
        }
        run = sync(config)
    assert run.error is None
    for name in names:
        assert run.ids(name) == list(range(40))
    for name in ("feedback_data", "customer_support_data"):
        assert run.ids(name) == [row["id"] for row in ROWS[:80]]


# Limits of the API


class Limited:
    """An API that accepts one request in some seconds, of whichever stream, and asks the others to wait.

    Args:
        gap: These seconds.
        pages: Pages of each stream, of one row each.
    """

    def __init__(self, gap: float, pages: int) -> None:
        self.gap = gap
        self.pages = pages
        self.lock = threading.Lock()
        self.last = 0.0
        self.passed: list[float] = []
        self.refused = 0

    def __call__(self, request: RecordedRequest) -> Any:
        """The response to a request."""
        with self.lock:
            now = time.monotonic()
            if now - self.last < self.gap:
                self.refused += 1
                return Reply(status=429, headers={"Retry-After": f"{self.gap:.3f}"})
            self.last = now
            self.passed.append(now)
        stream = request.path.rpartition("/")[2]
        at = int(request.query.get("cursor", "0"))
        row = {"id": at, "updated_at": "2024-01-01T00:00:00Z"}
        selector = "data" if stream in {"feedback", "resource"} else stream
        return {selector: [row], "pagination": {"cursor": str(at + 1) if at + 1 < self.pages else None}}


def test_an_honest_rate_limit_fails_no_stream() -> None:
    """An API with a limit and `Retry-After`, six streams and default settings: all complete, at the pace it allows.

    Before the tap kept to one pace for all, most streams failed: each pause ended in a burst, of which one request got
    through, and the others had one retry less.
    """
    limited = Limited(0.06, pages=5)
    with Server(limited) as server:
        run = sync({"analytics": {"base_url": server.url, "api_key": "test-key"}})
    assert run.error is None
    for stream in STREAMS["analytics"]:
        assert run.ids(stream) == list(range(5))
    assert limited.refused < 25


def test_one_connection_is_enough_for_a_rate_limit() -> None:
    """With one connection no stream starves either, though the others go ahead of one that was refused."""
    limited = Limited(0.05, pages=3)
    with Server(limited) as server:
        run = sync({"analytics": api(server.url, max_connections=1)})
    assert run.error is None
    assert all(len(run.ids(stream)) == 3 for stream in STREAMS["analytics"])


def test_apis_on_one_host_share_its_limit() -> None:
    """Two APIs on one host are one client to it: neither takes the other's share, and both complete."""
    limited = Limited(0.06, pages=8)
    cursor = {"paginator": {"type": "cursor"}}
    with Server(limited) as server:
        run = sync({name: {"base_url": server.url, "api_key": "x", **cursor} for name in ("feedback", "support")})
    assert run.error is None
    for stream in ("feedback_data", "customer_support_data"):
        assert len(run.ids(stream)) == 8
    assert limited.refused < 12


def test_another_host_has_a_pace_of_its_own() -> None:
    """While one host makes its API wait, an API on another is read on."""
    limited, free = Limited(0.4, pages=2), Limited(0, pages=30)
    cursor = {"paginator": {"type": "cursor"}}
    with Server(limited) as server, Server(free) as other:
        run = sync({"feedback": api(server.url, **cursor), "support": api(other.url, **cursor)})
    assert run.error is None
    assert free.refused == 0 < limited.refused
    assert free.passed[-1] < limited.passed[-1]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0.1"}])
def test_a_host_that_refuses_everything_fails_after_the_retries(headers: dict[str, str]) -> None:
    """If no request succeeds, refusals count: the waits are those of the retries, for any number of streams."""
    with Server(lambda request: Reply(status=429, headers=headers)) as server:
        began = time.monotonic()
        run = sync({"analytics": api(server.url)})
        took = time.monotonic() - began
    assert run.failures.keys() == set(STREAMS["analytics"])
    for message in run.failures.values():
        assert re.match(r"returned 429 Too Many Requests, \d+ times in a row; set `analytics.requests_per_min", message)
        assert "or lower `analytics.max_connections`; the address, from `analytics.base_url`, was http" in message
    assert len(server.requests) <= len(STREAMS["analytics"]) * 4
    assert took < 5


def test_a_path_that_is_always_refused_does_not_hold_the_others_for_ever() -> None:
    """A path may have its own limit, which is used up; its stream fails in the end, and the others complete."""

    def respond(request: RecordedRequest) -> Any:
        stream = request.path.rpartition("/")[2]
        if stream == "forums":
            return Reply(status=429, headers={"Retry-After": "0.01"})
        at = int(request.query.get("cursor", "0"))
        more = {"cursor": str(at + 1)} if at < 299 else {}
        return {stream: [{"id": at, "updated_at": "2024-01-01T00:00:00Z"}], "pagination": more}

    with Server(respond) as server:
        config = {"analytics": api(server.url, max_connections=2)}
        run = sync(config, catalog=catalog_of(config, "forums", "features"))
    assert list(run.failures) == ["forums"]
    assert len(run.ids("features")) == 300
    assert sum(request.path.endswith("forums") for request in server.requests) <= 20


def test_a_page_for_people_in_the_middle_is_tried_again() -> None:
    """A server under repair shows a page for people, under status 200, for a while; its address is not wrong."""
    repair = Reply(b"<html>Back soon</html>", headers={"Content-Type": "text/html"})

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return repair if len(server.requests) in {3, 4} else {"data": ROWS[start : min(start + 20, 100)]}

    with Server(respond) as server:
        run = sync({"feedback": api(server.url, paginator={"limit": 20}, max_connections=1)})
    assert run.error is None
    assert run.ids("feedback_data") == [row["id"] for row in ROWS[:100]]


def test_https_on_a_plain_server_fails_at_once(tmp_path: Path) -> None:
    """A wrong scheme is a setting to mend, not a failure to wait for."""
    config = tmp_path / "config.json"
    with Server(lambda request: []) as server:
        url = server.url.replace("http:", "https:")
        config.write_text(json.dumps({"feedback": {"base_url": url, "api_key": "x"}}), "utf-8")
        began = time.monotonic()
        run = run_tap("--config", str(config), env={"NO_PROXY": "*"})
        took = time.monotonic() - began
    assert run.returncode == 1
    assert "feedback_data failed: the server speaks HTTP, not HTTPS; set `http://` in `feedback.base_url`" in run.stderr
    assert "retrying" not in run.stderr
    assert took < 10


def test_waits_add_up(tmp_path: Path) -> None:
    """The waits of a stream are part of the time that the sync took, and the log says that the API asked for them."""
    config = tmp_path / "config.json"

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        with lock:
            refused = time.monotonic() < until[0]
            if start > 300 and not until[0]:
                until[0] = time.monotonic() + 1
                refused = True
        if refused:
            return Reply(status=429, headers={"Retry-After": "1"})
        time.sleep(0.01)
        return {"data": ROWS[start : start + 20]}

    until, lock = [0.0], threading.Lock()
    with Server(respond) as server:
        config.write_text(json.dumps({"feedback": api(server.url, paginator={"limit": 20})}), "utf-8")
        began = time.monotonic()
        run = run_tap("--config", str(config))
        took = time.monotonic() - began
    assert run.returncode == 0
    assert "feedback_data: returned 429 Too Many Requests; the API asked to wait 1 s" in run.stderr
    retries, waited = re.findall(r"^feedback_data +1,000 +\S+ +(\d+) +([\d.]+) s", run.stderr, re.MULTILINE)[0]
    assert int(retries) >= 1
    assert 0.9 <= float(waited) < took


# Time windows

FIRST = datetime(2024, 1, 1, tzinfo=timezone.utc)
UPDATED = [
    {"id": number, "updated_at": f"{FIRST + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"} for number in range(240)
]


def window_server(gauge: Gauge, *, inclusive: bool = True) -> Server:
    """A server of a cursor API that filters by time, with or without the ends of the range."""

    def respond(request: RecordedRequest) -> Any:
        with gauge.request():
            after, before = request.query.get("updated_after", ""), request.query.get("updated_before", "9")
            rows = [
                row
                for row in UPDATED
                if after < str(row["updated_at"]) < before or (inclusive and after == row["updated_at"])
            ]
            at = int(request.query.get("cursor", "0"))
            more = {"cursor": str(at + 10)} if at + 10 < len(rows) else {}
            return {"forums": rows[at : at + 10], "pagination": more}

    return Server(respond)


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("window", [0.5, 3, 1000])
def test_windows_are_read_at_once_and_nothing_lies_between_them(window: float, inclusive: bool) -> None:  # noqa: FBT001
    """With `incremental.window` a cursor stream is read in several chains; all rows come, those at its ends too."""
    gauge = Gauge()
    with window_server(gauge, inclusive=inclusive) as server:
        config = {
            "analytics": api(server.url, incremental={"window": window}),
            "start_date": "2023-12-31T00:00:00Z",
            "end_date": "2024-01-20T00:00:00Z",
        }
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.error is None
    assert {row["id"] for row in UPDATED} == set(run.ids("forums"))
    assert len(run.ids("forums")) <= len(UPDATED) + 20 / window
    assert run.state["bookmarks"]["forums"]["replication_key_value"] == UPDATED[-1]["updated_at"]
    assert gauge.most == (4 if window < 1000 else 1)


def test_what_changes_while_windows_are_read_is_read_at_the_end() -> None:
    """The tap requests the time since the beginning of the sync last, as rows that change move there."""
    with window_server(Gauge()) as server:
        config = {"analytics": api(server.url, incremental={"window": 400}), "start_date": "2024-01-01"}
        before = datetime.now(timezone.utc) - timedelta(seconds=2)
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.error is None
    last = server.requests[-1].query
    assert "updated_before" not in last
    assert datetime.strptime(last["updated_after"], "%Y-%m-%dT%H:%M:%S%z") >= before
    assert all("updated_before" in request.query for request in server.requests[:-1])
