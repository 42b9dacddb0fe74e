"""Tests of the sandbox: that it plays the three APIs truly, and its faults exactly."""

from __future__ import annotations

import base64
import gc
import gzip
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import requests

from sandbox import Fault, Sandbox
from sandbox.rows import FIELDS, LINKS, STREAMS, Stream
from sandbox.timeline import MOST_ROWS, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROWS = 250
KEYS = {"feedback": "feedback-key", "analytics": "analytics-key", "support": "support-key"}
BEARER = {"Authorization": "Bearer analytics-key"}
ANALYTICS = [stream for stream in STREAMS if stream.api == "analytics"]
OTHERS = [stream for stream in STREAMS if stream.api != "analytics"]
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """A sandbox that no test changes."""
    with Sandbox(rows=ROWS) as sandbox:
        yield sandbox


def get(sandbox: Sandbox, path: str, **query: object) -> requests.Response:
    """One request, with the key that its path needs."""
    api = {"feedback": "feedback", "resource": "support"}.get(path.rpartition("/")[2], "analytics")
    headers = {"Authorization": f"Bearer {sandbox.keys[api]}"}
    return requests.get(sandbox.url + path, params=urlencode(query), headers=headers, timeout=10)


def walk(sandbox: Sandbox, stream: Stream, **query: object) -> list[list[dict[str, Any]]]:
    """All pages of a stream, in the way of its API."""
    pages: list[list[dict[str, Any]]] = []
    while True:
        answer = get(sandbox, f"/v1/{stream.resource}", **query).json()
        if stream.api != "analytics":
            if not answer["data"]:
                return pages
            pages.append(answer["data"])
            query["offset"] = sum(map(len, pages))
        else:
            pages.append(answer[stream.resource])
            if "cursor" not in answer["pagination"]:
                return pages
            query["cursor"] = answer["pagination"]["cursor"]


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    """The ids of rows."""
    return [row["id"] for row in rows]


def instant(row: Mapping[str, Any]) -> datetime:
    """When a row was last updated."""
    text = row["updated_at"] if "updated_at" in row else row["timestamp"]
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def raw(sandbox: Sandbox, path: str, seconds: float = 10) -> tuple[bytes, str]:
    """The bytes that a request gets, up to the end of the connection, and how it ended: closed or reset."""
    address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    got = b""
    with socket.create_connection(address, timeout=seconds) as connection:
        head = (
            f"GET {path} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer analytics-key\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode())
        try:
            while data := connection.recv(65536):
                got += data
        except ConnectionResetError:
            return got, "reset"
    return got, "closed"


def parts(answer: bytes) -> tuple[bytes, bytes]:
    """Head and body of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def length(head: bytes) -> int:
    """The Content-Length that a head names."""
    return next(int(line[15:]) for line in head.splitlines() if line.lower().startswith(b"content-length:"))


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_stream_is_walked_over_three_pages(shared: Sandbox, stream: Stream) -> None:
    """The pages of a stream hold each of its rows once, as `rows` gives them, under an id of the API's type."""
    pages = walk(shared, stream)
    assert [len(page) for page in pages] == [100, 100, 50]
    rows = [row for page in pages for row in page]
    assert rows == list(shared.rows(stream.name))
    assert len(set(ids(rows))) == ROWS
    assert {type(row["id"]) for row in rows} == {int if stream.api == "analytics" else str}


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_rows_are_believable_and_have_their_fields(shared: Sandbox, stream: Stream) -> None:
    """Every field appears, none is unknown, and values are null or absent now and then."""
    rows = list(shared.rows(stream.name))
    fields = {name for names in FIELDS[stream.name].values() for name in names.split()}
    seen = {name for row in rows for name in row}
    assert fields <= seen <= fields | {"id", "updated_at", "timestamp", "links"}
    for name in fields:
        assert any(row.get(name, 0) is None for row in rows)
        assert any(name not in row for row in rows)
    for name in LINKS.get(stream.name, {}):
        assert any(row["links"][name] for row in rows if "links" in row)


def test_fields_are_those_of_the_schemas(shared: Sandbox) -> None:
    """Beyond the fields that the tap's schemas know there are custom fields, and two for each of the other APIs."""
    extra = {}
    for stream in STREAMS:
        schema = json.loads((files("tap_feedback") / "schemas" / f"{stream.name}.json").read_text(encoding="utf-8"))
        known = set(schema["properties"]) - {"_extra"}
        seen = {name for row in shared.rows(stream.name) for name in row}
        assert known <= seen
        extra[stream.name] = seen - known
        if "links" in schema["properties"]:
            assert set(schema["properties"]["links"].get("properties", {})) == set(LINKS[stream.name])
    assert extra.pop("feedback_data") == {"language", "rating"}
    assert extra.pop("customer_support_data") == {"messages", "subject"}
    assert all(name.startswith(("cf_", "cv_")) for names in extra.values() for name in names)
    assert "cv_sample_segment.revenue" in extra["suggestions"]


def test_texts_are_of_many_kinds(shared: Sandbox) -> None:
    """Texts hold emoji, several scripts, line breaks, quotes, backslashes and percent signs."""
    text = "".join(row["feedback_text"] or "" for row in shared.rows("feedback_data") if "feedback_text" in row)
    assert {"🌙", "検", "ש", "\n", '"', "\\", "%", "\t", "é"} <= set(text)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_updates_are_strictly_ordered_and_past(shared: Sandbox, stream: Stream) -> None:
    """The time of the last update grows from row to row, in three notations, and lies in the past."""
    rows = list(shared.rows(stream.name))
    assert all(instant(before) < instant(after) for before, after in pairwise(rows))
    assert instant(rows[-1]) < datetime.now(timezone.utc)
    texts = [row.get("updated_at") or row["timestamp"] for row in rows]
    notations = {len(text): text for text in texts}
    assert set(notations) == {
        len("2020-01-01T00:00:00Z"),
        len("2020-01-01T00:00:00.000Z"),
        len("2020-01-01T00:00:00+00:00"),
    }
    assert sum(len(text) == 20 for text in texts) > ROWS * 0.8


def test_rows_depend_on_seed_stream_and_number_alone() -> None:
    """The same seed gives the same rows, however many there are; another seed gives others."""
    few, many, other = Sandbox(rows=20), Sandbox(rows=ROWS, latency=1), Sandbox(rows=20, seed=2)
    for stream in STREAMS:
        rows = list(few.rows(stream.name))
        assert rows == list(many.rows(stream.name))[:20]
        assert rows != list(other.rows(stream.name))


def test_rows_are_set_for_all_and_for_one() -> None:
    """Each stream has its own number of rows, 2,000 where none is given."""
    with Sandbox(rows_of={"forums": 3, "features": 0}) as sandbox:
        assert get(sandbox, "/v1/forums").json()["pagination"]["total_records"] == 3
        assert get(sandbox, "/v1/suggestions").json()["pagination"]["total_records"] == 2000
        assert get(sandbox, "/v1/features").json()["pagination"] == {
            "per_page": 100,
            "total_records": 0,
            "total_pages": 0,
        }


@pytest.mark.parametrize(
    "settings", [{"rows": -1}, {"rows": MOST_ROWS + 1}, {"rows_of": {"nonsense": 1}}, {"keys": {"nonsense": "x"}}]
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    """Unknown names and numbers of rows that cannot be had are errors."""
    with pytest.raises(ValueError, match=r"nonsense|number of rows"):
        Sandbox(**settings)


def test_a_long_stream_takes_no_more_memory() -> None:
    """The last page of the longest stream is served at once, and its last update is past."""
    with Sandbox(rows_of={"feedback_data": MOST_ROWS}) as sandbox:
        answer = get(sandbox, "/v1/feedback", offset=MOST_ROWS - 1).json()
    assert answer["total"] == MOST_ROWS
    assert len(answer["data"]) == 1
    assert instant(answer["data"][0]).year == 2024


@pytest.mark.parametrize("stream", OTHERS, ids=lambda stream: stream.name)
def test_offset_pages(shared: Sandbox, stream: Stream) -> None:
    """An offset page has the rows asked for, at most 1,000 of them, and says what it is."""
    rows = list(shared.rows(stream.name))
    answer = get(shared, f"/v1/{stream.resource}", limit=7, offset=245).json()
    assert answer == {"data": rows[245:], "total": ROWS, "limit": 7, "offset": 245}
    assert get(shared, f"/v1/{stream.resource}", limit=5000).json()["limit"] == 1000
    assert get(shared, f"/v1/{stream.resource}", offset=ROWS).json()["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        *({"limit": bad} for bad in ("0", "-1", "x", "", "1.5", "1_0", "٣", "9" * 5000)),
        {"offset": "-1"},
        {"offset": "x"},
    ],
    ids=lambda query: str(query)[:20],
)
def test_bad_numbers_are_refused(shared: Sandbox, query: dict[str, str]) -> None:
    """A limit or offset that is no whole number in its range gets 400."""
    answer = get(shared, "/v1/feedback", **query)
    assert answer.status_code == 400
    assert answer.json()["error"] == "Bad Request"


@pytest.mark.parametrize("stream", ANALYTICS, ids=lambda stream: stream.name)
def test_cursor_pages(shared: Sandbox, stream: Stream) -> None:
    """A cursor page has its size, totals, link types and rate limits; only the last has no cursor."""
    answer = get(shared, f"/api/v2/admin/{stream.resource}", per_page=40)
    body = answer.json()
    assert set(body) == {stream.resource, "pagination", "links"}
    assert not body["pagination"].pop("cursor").isdigit()
    assert body["pagination"] == {"per_page": 40, "total_records": ROWS, "total_pages": 7}
    assert body["links"] == {f"{stream.resource}.{name}": {"type": to} for name, to in LINKS[stream.name].items()}
    limit, remaining, reset = (int(answer.headers[f"X-Rate-Limit-{name}"]) for name in ("Limit", "Remaining", "Reset"))
    assert 0 < remaining < limit
    assert 0 < reset - time.time() <= 60
    assert get(shared, f"/v1/{stream.resource}", per_page=5000).json()["pagination"]["per_page"] == 100
    assert [len(page) for page in walk(shared, stream, per_page=90)] == [90, 90, 70]


def test_a_full_last_page_has_no_cursor(shared: Sandbox) -> None:
    """Where the rows fill the pages evenly, no empty page follows."""
    assert [len(page) for page in walk(shared, ANALYTICS[0], per_page=50)] == [50] * 5


def test_time_ranges_and_order(shared: Sandbox) -> None:
    """`updated_after` is inclusive, `updated_before` exclusive, and both hold in either order over all pages."""
    forums = ANALYTICS[0]
    rows = list(shared.rows("forums"))
    after, before = (instant(rows[place]).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for place in (11, 48))
    query = {"updated_after": after, "updated_before": before, "per_page": 10}
    pages = walk(shared, forums, **query)
    assert [len(page) for page in pages] == [10, 10, 10, 7]
    assert [row for page in pages for row in page] == rows[11:48]
    backwards = walk(shared, forums, sort="-updated_at", **query)
    assert [row for page in backwards for row in page] == rows[11:48][::-1]
    assert get(shared, "/v1/forums", **query).json()["pagination"]["total_records"] == 37
    assert get(shared, "/v1/forums", updated_after=before, updated_before=after).json()["forums"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "nonsense"},
        {"cursor": ""},
        {"cursor": "ü"},
        {"cursor": "MTAw"},
        {"per_page": "0"},
        {"per_page": "x"},
        {"sort": "id"},
        {"updated_after": "2024-01-31"},
        {"updated_after": "2024-1-31T0:0:0Z"},
        {"updated_before": "2024-02-31T00:00:00Z"},
        {"updated_before": ""},
    ],
    ids=str,
)
def test_bad_cursor_queries_are_refused(shared: Sandbox, query: dict[str, str]) -> None:
    """What the cursor API cannot understand gets 400."""
    assert get(shared, "/v1/forums", **query).status_code == 400


def test_a_cursor_serves_its_own_walk_only(shared: Sandbox) -> None:
    """A cursor of another resource or order gets 400."""
    cursor = get(shared, "/v1/forums").json()["pagination"]["cursor"]
    assert get(shared, "/v1/forums", cursor=cursor).status_code == 200
    assert get(shared, "/v1/features", cursor=cursor).status_code == 400
    assert get(shared, "/v1/forums", cursor=cursor, sort="-updated_at").status_code == 400


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/nothing", "/v2/forums", "/forums", "/v1/forums/1", "/v1/feedback_data"]
)
def test_unknown_paths(shared: Sandbox, path: str) -> None:
    """A path that is none gets 404 with a JSON body."""
    answer = get(shared, path)
    assert answer.status_code == 404
    assert answer.json()["error"] == "Not Found"


def test_only_get_is_answered(shared: Sandbox) -> None:
    """Another method gets 405."""
    assert requests.post(f"{shared.url}/v1/forums", headers=BEARER, timeout=10).status_code == 405


@pytest.mark.parametrize(("api", "path"), [("feedback", "feedback"), ("analytics", "forums"), ("support", "resource")])
def test_keys(shared: Sandbox, api: str, path: str) -> None:
    """Each API takes its own key in a header, as bearer and as basic user; the offset APIs also in the query."""

    def status(key: str, way: str) -> int:
        basic = base64.b64encode(f"{key}:".encode()).decode()
        headers = {
            "X-API-Key": {"X-API-Key": key},
            "api_key": {"api_key": key},
            "bearer": {"Authorization": f"Bearer {key}"},
            "basic": {"Authorization": f"Basic {basic}"},
        }
        query = {"api_key": key} if way == "query" else {}
        url = f"{shared.url}/v1/{path}"
        return requests.get(url, params=query, headers=headers.get(way, {}), timeout=10).status_code

    assert {status(KEYS[api], way) for way in ("X-API-Key", "api_key", "bearer", "basic")} == {200}
    assert status(KEYS[api], "query") == (401 if api == "analytics" else 200)
    others = [key for other, key in KEYS.items() if other != api]
    assert {status(key, way) for key in others for way in ("X-API-Key", "bearer", "basic", "query")} == {401}
    assert status(KEYS[api], "none") == 401


@pytest.mark.parametrize(
    "sent", ["Basic %%%", "Basic", "Digest x", "Bearer", f"Basic {base64.b64encode(b'analytics-key:x').decode()}"]
)
def test_malformed_keys_are_refused(shared: Sandbox, sent: str) -> None:
    """A credential that cannot be read, or a basic one with a password, gets 401."""
    assert requests.get(f"{shared.url}/v1/forums", headers={"Authorization": sent}, timeout=10).status_code == 401


def test_a_wrong_key_is_quoted(shared: Sandbox) -> None:
    """The error body repeats the key that was sent, as some vendors do."""
    answer = requests.get(f"{shared.url}/v1/feedback", params={"api_key": "guess"}, timeout=10)
    assert "guess" in answer.json()["message"]


def test_keys_are_settable() -> None:
    """Another key takes the place of the usual one, in the configuration too."""
    with Sandbox(rows=1, keys={"analytics": "ключ"}) as sandbox:
        assert sandbox.config["analytics"] == {"base_url": sandbox.url, "api_key": "ключ"}
        assert sandbox.config["support"]["api_key"] == "support-key"
        assert get(sandbox, "/v1/resource").status_code == 200
        assert requests.get(f"{sandbox.url}/v1/forums", headers=BEARER, timeout=10).status_code == 401


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
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


def test_no_row_is_skipped_by_a_walk_during_updates(sandbox: Sandbox) -> None:
    """A row that is updated between two pages is met again at the end; the others are met once."""
    first = get(sandbox, "/v1/forums").json()
    sandbox.update("forums", 5)
    sandbox.update("forums", 150)
    rest = walk(sandbox, ANALYTICS[0], cursor=first["pagination"]["cursor"])
    met = ids(first["forums"]) + [row["id"] for page in rest for row in page]
    assert set(met) == set(ids(list(sandbox.rows("forums"))))
    assert len(met) == ROWS + 1


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


def test_timeline_counts_agree_with_its_rows() -> None:
    """After changes in many places, every slice and every count of a timeline agrees with the list of its rows."""
    timeline = Timeline.of(10)
    for number, now in ((3, 10**15), (9, 10**15), (0, 2 * 10**15), (3, 2 * 10**15)):
        timeline = timeline.updated(number, now).added(2, now)
    rows = list(timeline.rows(0, len(timeline)))
    assert sorted(number for number, _ in rows) == list(range(18))
    assert all(before < after for (_, before), (_, after) in pairwise(rows))
    for place, (_, when) in enumerate(rows):
        assert (timeline.before(when), timeline.before(when + 1)) == (place, place + 1)
        assert all(list(timeline.rows(place, end)) == rows[place:end] for end in range(place, 20))
    assert list(Timeline.of(0).added(2, 100).rows(0, 9)) == [(0, 99), (1, 100)]


def test_latency_is_settable_while_it_runs() -> None:
    """Each request waits for the latency that is set at the time."""
    with Sandbox(rows=1, latency=0.2) as sandbox:
        begin = time.monotonic()
        get(sandbox, "/v1/forums")
        slow = time.monotonic() - begin
        sandbox.latency = 0
        begin = time.monotonic()
        get(sandbox, "/v1/forums")
        assert slow >= 0.2 > time.monotonic() - begin


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


def test_requests_in_flight_are_counted(sandbox: Sandbox) -> None:
    """`most_in_flight` tells for each API how many requests were under way at once."""
    sandbox.latency = 0.3
    threads = [
        threading.Thread(target=get, args=(sandbox, path)) for path in ("/v1/forums", "/v1/features", "/v1/feedback")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.most_in_flight == {"analytics": 2, "feedback": 1, "support": 0}
    sandbox.forget()
    get(sandbox, "/v1/forums")
    assert sandbox.most_in_flight["analytics"] == 1


def test_a_script_is_followed_in_order(sandbox: Sandbox) -> None:
    """Each request takes the next entry of its path's script; afterwards all is usual."""
    sandbox.script("/v1/forums", [Fault(status=503, headers={"Retry-After": "7"}), None, Fault(status=429)])
    answers = [get(sandbox, "/v1/forums") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [503, 200, 429, 200, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json()["error"] == "scripted"
    assert get(sandbox, "/v1/features").status_code == 200


def test_the_last_fault_may_repeat(sandbox: Sandbox) -> None:
    """With `repeat` the last entry holds until another script takes its place."""
    sandbox.script("/v1/forums", [None, Fault(status=500)], repeat=True)
    assert [get(sandbox, "/v1/forums").status_code for _ in range(4)] == [200, 500, 500, 500]
    sandbox.script("/v1/forums", [])
    assert get(sandbox, "/v1/forums").status_code == 200


def test_a_fault_replaces_the_body(sandbox: Sandbox) -> None:
    """A body is sent as it is; a fault of a status below 400 keeps the usual one, 204 has none."""
    sandbox.script("/v1/forums", [Fault(body=b'{"message": "slow down"}'), Fault(status=206), Fault(status=204)])
    assert get(sandbox, "/v1/forums").json() == {"message": "slow down"}
    assert len(get(sandbox, "/v1/forums").json()["forums"]) == 100
    assert get(sandbox, "/v1/forums").content == b""


def test_a_fault_may_redirect(sandbox: Sandbox) -> None:
    """A location redirects with 302, or with the status that is set."""
    faults = [Fault(location="/v1/features"), Fault(status=308, location="http://example.com/")]
    sandbox.script("/v1/forums", faults)
    answers = [
        requests.get(f"{sandbox.url}/v1/forums", headers=BEARER, timeout=10, allow_redirects=False) for _ in range(2)
    ]
    found = [(answer.status_code, answer.headers["Location"]) for answer in answers]
    assert found == [(302, "/v1/features"), (308, "http://example.com/")]


def test_a_reset_before_any_byte(sandbox: Sandbox) -> None:
    """The connection is reset and nothing was sent; the request has no status."""
    sandbox.script("/v1/forums", [Fault(reset="before")])
    assert raw(sandbox, "/v1/forums") == (b"", "reset")
    assert sandbox.requests[0].status is None


def test_a_reset_within_the_body(sandbox: Sandbox) -> None:
    """Head and half of the body come, then a reset."""
    sandbox.script("/v1/forums", [Fault(reset="within")])
    answer, end = raw(sandbox, "/v1/forums")
    head, body = parts(answer)
    assert end == "reset"
    assert len(body) == length(head) // 2 > 0


def test_a_cut_body(sandbox: Sandbox) -> None:
    """So many bytes of the body come under its full length, then the connection is closed in order."""
    usual = get(sandbox, "/v1/forums").content
    sandbox.script("/v1/forums", [Fault(cut=1000)])
    answer, end = raw(sandbox, "/v1/forums")
    head, body = parts(answer)
    assert (end, length(head), body) == ("closed", len(usual), usual[:1000])
    assert sandbox.requests[-1].status == 200


def test_chunks(sandbox: Sandbox) -> None:
    """A chunked body is whole, or with `cut` lacks its end."""
    usual = get(sandbox, "/v1/forums").content
    sandbox.script("/v1/forums", [Fault(chunked=True), Fault(chunked=True, cut=1000)])
    whole = get(sandbox, "/v1/forums")
    assert (whole.headers["Transfer-Encoding"], whole.content) == ("chunked", usual)
    answer, end = raw(sandbox, "/v1/forums")
    assert (end, parts(answer)[1]) == ("closed", b"3e8\r\n" + usual[:1000] + b"\r\n")


def test_gzip(sandbox: Sandbox) -> None:
    """A gzip body decodes to the usual one, or with `cut` stops short."""
    usual = get(sandbox, "/v1/forums").content
    sandbox.script("/v1/forums", [Fault(gzip=True), Fault(gzip=True, cut=500)])
    whole = get(sandbox, "/v1/forums")
    assert (whole.headers["Content-Encoding"], whole.content) == ("gzip", usual)
    head, body = parts(raw(sandbox, "/v1/forums")[0])
    assert len(body) == 500 < length(head)
    with pytest.raises(EOFError):
        gzip.decompress(body)


def test_drip_and_delay(sandbox: Sandbox) -> None:
    """A body drips piece by piece, and an answer comes after its delay."""
    sandbox.script("/v1/forums", [Fault(body=b"[1, 2, 3]", drip=3, interval=0.1), Fault(delay=0.2)])
    begin = time.monotonic()
    assert get(sandbox, "/v1/forums").json() == [1, 2, 3]
    assert 0.2 <= time.monotonic() - begin < 2
    begin = time.monotonic()
    assert get(sandbox, "/v1/forums").status_code == 200
    assert 0.2 <= time.monotonic() - begin < 2


def test_silence(sandbox: Sandbox) -> None:
    """Nothing is answered until the time is over or the client leaves, which frees its place."""
    sandbox.script("/v1/forums", [Fault(silence=0.2), Fault(silence=60)])
    assert raw(sandbox, "/v1/forums") == (b"", "closed")
    with pytest.raises(TimeoutError):
        raw(sandbox, "/v1/forums", seconds=0.1)
    sandbox.script("/v1/forums", [Fault(delay=0.1)])
    get(sandbox, "/v1/forums")  # Time enough for the server to see that the client left.
    sandbox.forget()
    get(sandbox, "/v1/forums")
    assert sandbox.most_in_flight["analytics"] == 1


@pytest.mark.parametrize(
    "wrong",
    [5, {"nonsense": 1}, {"status": "503"}, {"status": 99}, {"reset": "after"}, {"cut": -1}, {"delay": "long"}],
    ids=str,
)
def test_wrong_faults_are_refused(wrong: object) -> None:
    """A fault of a file with an unknown key or an impossible value is an error."""
    with pytest.raises(ValueError, match=r"fault|status|reset|cut"):
        Fault.of(wrong)


def test_faults_of_a_file() -> None:
    """A body in a file is text, or a JSON value."""
    assert Fault.of(None) is None
    assert Fault.of({"status": 500, "body": "no"}) == Fault(status=500, body=b"no")
    assert Fault.of({"body": {"a": [1]}}) == Fault(body=b'{"a": [1]}')


def test_it_stops_at_once_whatever_is_under_way() -> None:
    """Leaving the block ends the thread and closes the port, though clients wait, drip and do not read."""
    threads = threading.active_count()
    with ExitStack() as clients:
        with Sandbox(rows=2000) as sandbox:
            sandbox.script("/v1/forums", [Fault(silence=60), Fault(drip=1, interval=10), Fault(body=b"x" * 50_000_000)])
            address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
            for _ in range(3):
                client = clients.enter_context(socket.create_connection(address))
                client.sendall(b"GET /v1/forums HTTP/1.1\r\nHost: sandbox\r\n\r\n")
            clients.enter_context(socket.create_connection(address))
            while len(sandbox.requests) < 3:
                time.sleep(0.01)
            begin = time.monotonic()
        assert time.monotonic() - begin < 2
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


def test_a_taken_port_is_an_error(shared: Sandbox) -> None:
    """Starting on a port that is taken fails where it is started."""
    with pytest.raises(OSError, match="in use"), Sandbox(rows=1, port=int(shared.url.rpartition(":")[2])):
        pass


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command line as a process, and the address it prints."""
    line = [sys.executable, "-m", "sandbox", *arguments]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().removeprefix("sandbox: ").strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line_stops_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    """It serves what its options say, prints one line, and ends with exit code 0 and no word more."""
    faults, config = tmp_path / "faults.json", tmp_path / "config.json"
    faults.write_text('{"/v1/forums": [{"status": 503}, null]}')
    options = ("--rows", "7", "--rows-of", "forums=3", "--key", "support=sesame", "--for", "60")
    with command(*options, "--faults", str(faults), "--write-config", str(config)) as (process, url):
        settings = json.loads(config.read_text())
        assert settings["analytics"] == {"base_url": url, "api_key": "analytics-key"}
        assert settings["support"]["api_key"] == "sesame"
        answers = [requests.get(f"{url}/v1/forums", headers=BEARER, timeout=10) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [503, 200]
        assert len(answers[1].json()["forums"]) == 3
        rows = requests.get(f"{url}/v1/resource", params={"api_key": "sesame"}, timeout=10).json()
        assert rows["total"] == 7
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.communicate() == ("", "")


def test_the_command_line_stops_by_itself() -> None:
    """It ends with exit code 0 when its time is over."""
    with command("--for", "0.1") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "-1"], "number of rows"),
        (["--rows-of", "nonsense=1"], "nonsense"),
        (["--rows-of", "forums"], "NAME=VALUE"),
        (["--faults", "/dev/null"], "/dev/null"),
    ],
)
def test_the_command_line_refuses_what_is_wrong(options: list[str], message: str) -> None:
    """A wrong option ends it with exit code 2 and a message that names it."""
    line = [sys.executable, "-m", "sandbox", *options]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
