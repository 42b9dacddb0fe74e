"""The sandbox as a server: its rows, its log, its start and its stop."""

from __future__ import annotations

import gc
import socket
import threading
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any

import pytest
import requests

from sandbox import Options, Sandbox
from sandbox.streams import STREAMS, Stream
from sandbox.timeline import MOST_ROWS
from tests.sandbox.client import ANALYTICS, BEARER, ROWS, get, ids, instant, walk


def test_rows_are_set_for_all_and_for_one() -> None:
    """Each stream has its own number of rows, 2,000 by default."""
    with Sandbox(rows_of={"forums": 3, "features": 0}) as sandbox:
        assert get(sandbox, "/v1/forums").json()["pagination"]["total_records"] == 3
        assert get(sandbox, "/v1/suggestions").json()["pagination"]["total_records"] == 2000
        assert get(sandbox, "/v1/features").json()["pagination"] == {
            "per_page": 100,
            "total_records": 0,
            "total_pages": 0,
        }


@pytest.mark.parametrize(
    "settings", [{"rows": -1}, {"rows": MOST_ROWS + 1}, {"rows_of": {"nonsense": 1}}, {"apis": {"nonsense": Options()}}]
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    """Unknown names and impossible numbers of rows are errors."""
    with pytest.raises(ValueError, match=r"nonsense|number of rows"):
        Sandbox(**settings)


def test_a_long_stream_takes_no_more_memory() -> None:
    """The last page of the longest stream takes no longer than the first, and its last update is past."""
    with Sandbox(rows_of={"feedback_data": MOST_ROWS}) as sandbox:
        response = get(sandbox, "/v1/feedback", offset=MOST_ROWS - 1).json()
    assert response["total"] == MOST_ROWS
    assert len(response["data"]) == 1
    assert instant(response["data"][0]).year == 2024


@pytest.mark.parametrize("path", ["/", "/v1/nothing", "/forums", "/v1/forums/1"])
def test_unknown_paths(shared_sandbox: Sandbox, path: str) -> None:
    """An unknown path gets 404 with a JSON body."""
    response = get(shared_sandbox, path)
    assert response.status_code == 404
    assert response.json()["error"] == "Not Found"


def test_only_get_is_allowed(shared_sandbox: Sandbox) -> None:
    """Another method gets 405."""
    assert requests.post(f"{shared_sandbox.url}/v1/forums", headers=BEARER, timeout=10).status_code == 405


@pytest.mark.parametrize("stream", [STREAMS[0], STREAMS[1]], ids=lambda stream: stream.name)
def test_added_rows_come_last(stream: Stream) -> None:
    """New rows follow the others, updated now, in strict order."""
    with Sandbox(rows=5) as sandbox:
        begin = datetime.now(timezone.utc)
        sandbox.add(stream.name, 3)
        sandbox.add(stream.name)
        rows = [row for page in walk(sandbox, stream) for row in page]
    assert rows == list(sandbox.rows(stream.name))
    assert len(set(ids(rows))) == 9
    assert all(instant(before) < instant(after) for before, after in pairwise(rows))
    assert abs((instant(rows[5]) - begin).total_seconds()) < 5


def test_an_updated_row_moves_to_the_end(sandbox: Sandbox) -> None:
    """An update keeps a row's content and gives it the latest time, and is found by that time."""
    before = list(sandbox.rows("forums"))
    begin = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for index in (100, 0, ROWS - 1, 100):
        sandbox.update("forums", index)
    after = [row for page in walk(sandbox, ANALYTICS[0]) for row in page]
    assert sorted(ids(after)) == ids(before)
    assert ids(after)[-3:] == [before[index]["id"] for index in (0, ROWS - 1, 100)]
    assert {**after[-1], "updated_at": None} == {**before[100], "updated_at": None}
    assert get(sandbox, "/v1/forums", updated_after=begin).json()["pagination"]["total_records"] == 3
    with pytest.raises(IndexError):
        sandbox.update("forums", ROWS)


def test_rows_are_changed_by_the_control_endpoint(sandbox: Sandbox) -> None:
    """A POST adds or updates rows; anything else there is refused."""
    url = f"{sandbox.url}/_sandbox/rows"
    assert requests.post(f"{url}/features?add=30", timeout=10).json() == {"stream": "features", "rows": ROWS + 30}
    assert requests.post(f"{url}/features?update=7", timeout=10).status_code == 200
    rows = list(sandbox.rows("features"))
    assert (len(rows), rows[-1]["id"] - rows[0]["id"]) == (ROWS + 30, 7)
    wrong = ["nothing?add=1", "features", "features?add=x", f"features?update={ROWS + 30}"]
    assert [requests.post(f"{url}/{path}", timeout=10).status_code for path in wrong] == [404, 400, 400, 400]
    assert requests.get(f"{url}/features?add=1", timeout=10).status_code == 405
    with pytest.raises(ValueError, match="negative"):
        sandbox.add("features", -1)


def test_latency_is_settable_while_it_runs() -> None:
    """Each request waits for the latency that is set at the time."""
    with Sandbox(rows=1, latency=0.2) as sandbox:
        begin = time.monotonic()
        get(sandbox, "/v1/forums")
        slow = time.monotonic() - begin
        sandbox.latency = 0
        begin = time.monotonic()
        get(sandbox, "/v1/forums")
        assert time.monotonic() - begin < slow
        assert slow >= 0.2


def test_requests_are_remembered(sandbox: Sandbox) -> None:
    """The log has each request with its query in order, headers and status; it can be emptied."""
    get(sandbox, "/v1/forums", per_page=1, updated_after="2020-01-01T00:00:00Z")
    get(sandbox, "/v1/nothing")
    first, second = sandbox.requests
    assert (first.method, first.path, first.status) == ("GET", "/v1/forums", 200)
    assert first.query == [("per_page", "1"), ("updated_after", "2020-01-01T00:00:00Z")]
    assert first.headers["authorization"] == "Bearer analytics-key"
    assert abs(first.time - time.time()) < 5
    assert second.status == 404
    sandbox.forget()
    assert sandbox.requests == []


def test_the_log_is_bounded() -> None:
    """Only the latest requests are remembered."""
    with Sandbox(rows=1, logged=2) as sandbox:
        for number in range(3):
            get(sandbox, "/v1/forums", number=number)
        assert [seen.query for seen in sandbox.requests] == [[("number", "1")], [("number", "2")]]


def test_concurrent_requests_are_counted(sandbox: Sandbox) -> None:
    """`most_in_flight` says for each API how many requests ran concurrently."""
    sandbox.latency = 0.2
    threads = [
        threading.Thread(target=get, args=(sandbox, path)) for path in ("/v1/forums", "/v1/features", "/v1/feedback")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.most_in_flight == {"analytics": 2, "feedback": 1, "support": 0}
    sandbox.forget()
    sandbox.latency = 0
    get(sandbox, "/v1/forums")
    assert sandbox.most_in_flight["analytics"] == 1


def test_it_stops_immediately_whatever_its_clients_do() -> None:
    """Leaving the block ends the thread and closes the port, though clients wait and do not read."""
    threads = threading.active_count()
    with ExitStack() as clients:
        with Sandbox(rows=2000, latency=60) as sandbox:
            address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
            for _ in range(3):
                client = clients.enter_context(socket.create_connection(address))
                client.sendall(b"GET /v1/forums HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            clients.enter_context(socket.create_connection(address))
            while len(sandbox.requests) < 3:
                time.sleep(0.01)
            begin = time.monotonic()
        assert time.monotonic() - begin < 5
        assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_a_connection_that_has_just_come_is_closed() -> None:
    """Leaving the block while a connection comes in leaves no socket open."""
    for _ in range(20):
        with Sandbox(rows=1) as sandbox:
            client = socket.create_connection(("127.0.0.1", int(sandbox.url.rpartition(":")[2])))
        client.close()
    gc.collect()  # An open socket would now warn, and warnings are errors.


def test_a_taken_port_is_an_error(shared_sandbox: Sandbox) -> None:
    """Starting on a port that is taken raises an error in the starting thread."""
    with pytest.raises(OSError, match="in use"), Sandbox(rows=1, port=int(shared_sandbox.url.rpartition(":")[2])):
        pass
