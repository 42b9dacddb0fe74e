"""One API over real HTTP: credentials, valid responses, and limits of time and size."""

from __future__ import annotations

import base64
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.streams.rest import HTTPRequest

from tap_feedback.connection import Connection
from tap_feedback.gate import Gates
from tap_feedback.responses import MAX_BODY, api_clock, check_status
from tap_feedback.retry import TransientError
from tests.configs import parse
from tests.server import Raw, RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from tap_feedback.responses import Response

KEY = "a key/with+signs&=%é"
HEAD = b"HTTP/1.1 200 OK\r\n"
TIMEOUT = 0.3
MIB = 1024 * 1024


@contextmanager
def connect(server: Server | str, **settings: Any) -> Iterator[Callable[..., Future[Response]]]:
    """A function that sends a request with these parameters to a server."""
    with connected(server, **settings) as connection:
        yield lambda **params: submit(connection, **params)


@contextmanager
def connected(server: Server | str, gates: Gates | None = None, **settings: Any) -> Iterator[Connection]:
    """A connection that is closed in the end."""
    url = server if isinstance(server, str) else server.url
    api = parse({"feedback": {"base_url": url, "api_key": KEY, **settings}}).apis["feedback"]
    connection = Connection(api, "tap-feedback/test", gates)
    try:
        yield connection
    finally:
        connection.close()


def submit(connection: Connection, **params: Any) -> Future[Response]:
    """Send a request to the API's address."""
    return connection.submit(HTTPRequest(url=f"{connection.api.base_url}/v1/feedback", method="GET", params=params))


@contextmanager
def listening(serve: Callable[[socket.socket], object], connections: int = 1) -> Iterator[str]:
    """The address of a server that handles some connections, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def accept() -> None:
            for _ in range(connections):
                peer, _ = listener.accept()
                with peer:
                    serve(peer)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


def failure(server: Server | str, **settings: Any) -> Exception:
    """What a request fails with."""
    with connect(server, **settings) as send:
        error = send().exception(10)
    assert isinstance(error, Exception)
    return error


# Requests


@pytest.mark.parametrize(
    ("auth", "query", "headers"),
    [
        ({"type": "api_key"}, {"api_key": KEY}, {}),
        ({"type": "api_key", "name": "token"}, {"token": KEY}, {}),
        ({"type": "api_key", "name": "X-Key", "location": "header"}, {}, {"X-Key": "plain"}),
        ({"type": "bearer"}, {}, {"Authorization": "Bearer plain"}),
        ({"type": "http_basic"}, {}, {"Authorization": f"Basic {base64.b64encode(b'plain:').decode()}"}),
    ],
)
def test_authenticators(auth: dict[str, str], query: dict[str, str], headers: dict[str, str]) -> None:
    """The key arrives where `auth` says, whole, and nowhere else."""
    key = "plain" if headers else KEY
    with Server(lambda request: []) as server, connect(server, auth=auth, api_key=key) as send:
        send(limit=1).result(10)
    (request,) = server.requests
    assert request.query == {"limit": "1", **query}
    assert {name: request.headers.get(name) for name in ("X-Key", "Authorization")} == {
        "X-Key": None,
        "Authorization": None,
        **headers,
    }


def test_headers() -> None:
    """The user agent and the headers of the settings go with every request, and may replace the tap's own."""
    extra = {"X-Team": "feedback", "Accept": "application/vnd.acme+json"}
    with Server(lambda request: []) as server, connect(server, headers=extra) as send:
        send().result(10)
    headers = server.requests[0].headers
    assert headers["User-Agent"] == "tap-feedback/test"
    assert {name: headers[name] for name in extra} == extra


def test_no_header_replaces_the_key() -> None:
    """The key is sent even if the settings have a header of the same name."""
    with Server(lambda request: []) as server:
        settings = {"auth": {"type": "bearer"}, "api_key": "plain", "headers": {"authorization": "Bearer other"}}
        with connect(server, **settings) as send:
            send().result(10)
    sent = [value for name, value in server.requests[0].headers.items() if name.lower() == "authorization"]
    assert sent == ["Bearer plain"]


# Statuses


@pytest.mark.parametrize(("status", "body"), [(200, b"[]"), (203, b"[]"), (204, b"")])
def test_answers(status: int, body: bytes) -> None:
    """200 and 204 are responses, and so is 203: a 200 that a proxy on the way has changed, such as its compression."""
    before = datetime.now(timezone.utc)
    with Server(lambda request: Reply(body, status)) as server, connect(server) as send:
        response = send().result(10)
    assert response.body == body
    assert before <= response.received <= datetime.now(timezone.utc)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_transient_statuses(status: int) -> None:
    """The statuses of `retry.statuses` may pass."""
    with Server(lambda request: Reply({}, status)) as server:
        error = failure(server)
    assert isinstance(error, TransientError)
    assert str(error).startswith(f"returned {status} ")
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (101, "returned 101 Switching Protocols"),
        (201, "returned 201 Created; the tap accepts only 200, 203 and 204"),
        (202, "returned 202 Accepted"),
        (206, "returned 206 Partial Content; the tap accepts only 200, 203 and 204"),
        (299, "returned 299; the tap accepts only"),
        (302, "returned 302 Found"),
        (304, "returned 304 Not Modified"),
        (400, "returned 400 Bad Request; check `feedback.params`, `feedback.paginator` and `feedback.incremental`"),
        (
            401,
            (
                "returned 401 Unauthorized; check `feedback.api_key`, "
                "and how it is sent (`feedback.auth.name` and `feedback.auth.location`)"
            ),
        ),
        (
            403,
            (
                "returned 403 Forbidden; check what `feedback.api_key` may read, "
                "how it is sent (`feedback.auth.name` and `feedback.auth.location`), and the stream's `path`"
            ),
        ),
        (404, "returned 404 Not Found; check `feedback.base_url`, `feedback.path_prefix` and the stream's `path`"),
        (407, "returned 407 Proxy Authentication Required; check `feedback.base_url`"),
        (418, "returned 418 I'm a "),
        (501, "returned 501 Not Implemented; the API is at fault, so run the sync again later"),
        (599, "returned 599"),
    ],
)
def test_final_statuses(status: int, words: str) -> None:
    """Any other status fails immediately, with a hint if there is one, and without the body."""
    with Server(lambda request: Reply(b"" if status == 304 else b"geheim", status)) as server:
        error = failure(server)
    assert isinstance(error, FatalAPIError)
    assert str(error).startswith(words)
    assert "geheim" not in str(error)


@pytest.mark.parametrize("auth", ["bearer", "http_basic"])
def test_hints_name_settings_that_exist(auth: str) -> None:
    """A hint names `auth.name` and `auth.location` only if the type of `auth` has them."""
    with Server(lambda request: Reply({}, 403)) as server:
        error = failure(server, auth={"type": auth}, api_key="plain")
    assert "how it is sent (`feedback.auth`)" in str(error)


def test_a_missing_stream_may_be_left_out() -> None:
    """A 404 may mean that the vendor does not have this stream, so the message says how to leave it out."""
    with Server(lambda request: Reply({}, 404)) as server:
        error = failure(server)
    assert str(error) == (
        "returned 404 Not Found; check `feedback.base_url`, `feedback.path_prefix` and the stream's `path`, or "
        "deselect the stream if the API does not have it (in the catalog, or by `select:` in Meltano)"
    )


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 199\r\n\r\n",
    ],
)
def test_interim_responses_are_read_past(interim: bytes) -> None:
    """A server, or the network before it, may send responses of 1xx before the real one, on every request."""
    connections = []

    def serve(peer: socket.socket) -> None:
        connections.append(peer)
        for number in range(2):
            body = b"[%d]" % (2 * len(connections) + number)
            assert peer.recv(4096)
            peer.sendall(interim)
            time.sleep(0.05)
            peer.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    with listening(serve) as url, connect(url) as send:
        assert [send().result(10).body for _ in range(2)] == [b"[2]", b"[3]"]
    assert len(connections) == 1


def test_a_switch_of_protocols_is_no_connection_to_use_again() -> None:
    """Bytes on a connection after 101 are not the response to the next request."""
    responses = [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + HEAD + b"Content-Length: 3\r\n\r\n[9]"]

    def serve(peer: socket.socket) -> None:
        assert peer.recv(4096)
        peer.sendall(responses.pop() if responses else HEAD + b"Content-Length: 3\r\n\r\n[1]")

    with listening(serve, connections=2) as url, connect(url) as send:
        assert "returned 101" in str(send().exception(10))
        assert send().result(10).body == b"[1]"


def test_statuses_are_a_setting() -> None:
    """`retry.statuses` decides, and replaces what it was."""
    api = parse({"feedback": {"base_url": "http://x", "api_key": "x", "retry": {"statuses": [418]}}}).apis["feedback"]
    with pytest.raises(TransientError):
        check_status(418, {}, api)
    with pytest.raises(FatalAPIError):
        check_status(503, {}, api)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (lambda now: "7", 7),
        (lambda now: format_datetime(now + timedelta(seconds=30), usegmt=True), 30),
        (lambda now: str(now.timestamp() + 30), 30),
        (lambda now: "soon", None),
    ],
)
def test_retry_after_reaches_the_error(value: Callable[[datetime], str], seconds: float | None) -> None:
    """The error carries the wait that the server asks for, in any form."""
    header = {"Retry-After": value(datetime.now(timezone.utc))}
    with Server(lambda request: Reply({}, 429, header)) as server:
        error = failure(server)
    assert isinstance(error, TransientError)
    assert error.retry_after == (None if seconds is None else pytest.approx(seconds, abs=2))


# Redirects


@pytest.mark.parametrize("auth", [{"type": "api_key"}, {"type": "bearer"}])
@pytest.mark.parametrize("absolute", [True, False])
def test_redirects_on_the_same_host(auth: dict[str, str], absolute: bool) -> None:  # noqa: FBT001 - a case
    """A redirect on the same host is followed, with the key."""

    def respond(request: RecordedRequest) -> Any:
        if request.path == "/v2/feedback":
            return [request.query.get("api_key") or request.headers.get("Authorization")]
        base = server.url if absolute else ""
        return Reply(b"moved", 301, {"Location": base + request.target.replace("/v1", "/v2")})

    with Server(respond) as server, connect(server, auth=auth, api_key="the-key") as send:
        body = send(limit=3).result(10).body
    assert b"the-key" in body
    assert [(request.path, request.query["limit"]) for request in server.requests] == [
        ("/v1/feedback", "3"),
        ("/v2/feedback", "3"),
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("form", ["{url}/v1?{query}", "//{host}/v1?{query}", "http://user@{host}/"])
def test_redirects_elsewhere(status: int, form: str) -> None:
    """A redirect to another port is not followed: no request arrives there, and the message says what to set."""
    with Server(lambda request: []) as other:
        location = form.format(url=other.url, host=other.url.removeprefix("http://"), query="api_key=the-key")
        with Server(lambda request: Reply(b"", status, {"Location": location})) as server:
            error = failure(server, api_key="the-key")
    assert isinstance(error, FatalAPIError)
    assert f"redirected to another address, {other.url}, " in str(error)
    assert "`feedback.base_url`" in str(error)
    assert "the-key" not in str(error)
    assert (len(server.requests), other.requests) == (1, [])


@pytest.mark.parametrize("target", ["http://localhost:{port}/", "https://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/"])
def test_redirects_to_another_name_or_scheme(target: str) -> None:
    """Another name for the host, or another scheme, is another address."""
    with Server(lambda request: Reply(b"", 302, {"Location": target.format(port=server.http.server_port)})) as server:
        error = failure(server)
    assert isinstance(error, FatalAPIError)
    assert "`feedback.base_url`" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/v2/caf\xe9", "/v2/caf%C3%A9"),
        ("/v2/café".encode().decode("latin-1"), "/v2/caf%C3%A9"),
        ("http://{address}?hop=1", "/?hop=1"),
        ("HTTP://{address}/v2#part", "/v2"),
        ("/v2/a b", "/v2/a%20b"),
    ],
)
def test_redirects_in_any_spelling(location: str, target: str) -> None:
    """An address is read as browsers and requests read it."""

    def respond(request: RecordedRequest) -> Any:
        address = f"127.0.0.1:{server.http.server_port}"
        moved = Reply(b"", 302, {"Location": location.format(address=address)})
        return moved if request.path == "/v1/feedback" else [1]

    with Server(respond) as server, connect(server, auth={"type": "bearer"}, api_key="plain") as send:
        assert send().result(10).body == b"[1]"
    assert server.requests[1].target == target


def test_redirect_loop() -> None:
    """Redirects in a circle end after five."""
    with Server(lambda request: Reply(b"", 302, {"Location": request.target})) as server:
        error = failure(server)
    assert isinstance(error, FatalAPIError)
    assert "redirected more than 5 times" in str(error)
    assert len(server.requests) == 6


# Bodies


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    ],
)
@pytest.mark.parametrize("size", [1, 1000, 200_000])
def test_compressed_bodies(encoding: str, encode: Callable[[bytes], bytes], size: int) -> None:
    """A compressed body comes out as it went in."""
    body = bytes(range(256)) * size if size < 1000 else b"0123456789" * size
    reply = Reply(encode(body), headers={"Content-Encoding": encoding})
    with Server(lambda request: reply) as server, connect(server) as send:
        assert send().result(10).body == body


@pytest.mark.parametrize(
    "chunks",
    [b"5\r\n12345\r\n0\r\n\r\n", b"2\r\n12\r\n3;note=x\r\n345\r\n0\r\nTrailer: x\r\n\r\n"],
)
def test_chunked_bodies(chunks: bytes) -> None:
    """A chunked body is put together."""
    response = Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    with Server(lambda request: response) as server, connect(server) as send:
        assert send().result(10).body == b"12345"


PACKED = gzip.compress(b'[{"id": 1}]', mtime=0)  # the same bytes, and so the same names of tests, each time


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 10\r\n\r\n",
        b"Content-Length: 10\r\n\r\n123456789",
        b"Content-Length: 200000\r\n\r\n" + b"x" * 199_999,
        b"Transfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n123",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n1",
        b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED[:5],
        b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED[:-1],
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(PACKED) + PACKED + b"\r\n",
    ],
)
def test_cut_bodies(sent: bytes) -> None:
    """A body that is cut anywhere never passes for a whole one, and may come whole the next time."""
    with Server(lambda request: Raw(HEAD + sent)) as server:
        error = failure(server)
    assert isinstance(error, TransientError)
    assert str(error) in {"the response was cut", "the connection broke"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b""),
        Reply(PACKED[:10], headers={"Content-Encoding": "gzip"}),
        Raw(HEAD + b"\r\n"),
        Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ],
)
def test_empty_bodies(reply: Reply | Raw) -> None:
    """An empty body under status 200 is not an empty page, and is worth a retry."""
    with Server(lambda request: reply) as server:
        error = failure(server)
    assert isinstance(error, TransientError)
    assert str(error) + error.hint == (
        "returned 200 OK with an empty body; the API is at fault, so run the sync again later"
    )


@pytest.mark.parametrize(
    ("body", "content_type", "html"),
    [
        (b"<!doctype html><title>Sign in</title>", "text/html; charset=utf-8", True),
        (b"\xef\xbb\xbf\r\n <html></html>", "Text/HTML", True),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"/>', "application/xhtml+xml", True),
        (b"[]", "text/html", False),
        (b"<html></html>", "application/json", True),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><p>", "application/octet-stream", True),
        (b"<htmx>", "application/json", False),
        (b"<rows/>", "application/xml", False),
    ],
)
def test_html_is_named(body: bytes, content_type: str, html: bool) -> None:  # noqa: FBT001 - a case
    """An HTML page means that the URL is wrong, with any content type; JSON with the type of HTML is JSON."""
    reply = Reply(body, headers={"Content-Type": content_type})
    with Server(lambda request: reply) as server, connect(server) as send:
        error = send().exception(10)
    assert (error is not None) == html
    if html:
        assert isinstance(error, TransientError)
        assert error.first_retries == 0
        words = "returned HTML, not JSON; check `feedback.base_url` and `feedback.path_prefix`"
        assert str(error) + error.hint == words


def test_broken_compression() -> None:
    """What is not gzip, though it says so, may pass."""
    with Server(lambda request: Reply(b"[]", headers={"Content-Encoding": "gzip"})) as server:
        error = failure(server)
    assert isinstance(error, TransientError)
    assert str(error) == "the response's compression is broken"


def test_too_large_bodies() -> None:
    """A response beyond the limit fails soon, even if it is small on the wire, and takes no more memory."""
    bomb = gzip.compress(bytes(100 * MIB), 1) * 15
    with Server(lambda request: Reply(bomb, headers={"Content-Encoding": "gzip"})) as server:
        tracemalloc.start()
        try:
            error = failure(server)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(error, FatalAPIError)
    assert str(error) == "returned more than 256 MiB; request smaller pages"
    assert MAX_BODY <= peak <= MAX_BODY + 32 * MIB


# Time


def test_redirects_share_the_time() -> None:
    """A request has its `timeout` in all, not for each redirect."""

    def respond(request: RecordedRequest) -> Reply:
        time.sleep(0.2)
        return Reply(b"", 302, {"Location": request.target})

    with Server(respond) as server:
        began = time.monotonic()
        error = failure(server, timeout=TIMEOUT)
    assert time.monotonic() - began < TIMEOUT + 0.6
    assert isinstance(error, TransientError)
    assert str(error) == "no response within `feedback.timeout` (0.3 s)"
    assert error.hint == "; raise `feedback.timeout`, or lower `feedback.paginator.limit`"


# Pace


@pytest.mark.parametrize("most", [1, 3])
def test_max_connections(most: int) -> None:
    """As many requests are in flight as the settings allow, and never more."""
    together, lock, under_way, peak = threading.Barrier(most), threading.Lock(), 0, 0

    def respond(_: RecordedRequest) -> Any:
        nonlocal under_way, peak
        with lock:
            under_way += 1
            peak = max(peak, under_way)
        together.wait(5)
        with lock:
            under_way -= 1
        return []

    with Server(respond) as server, connect(server, max_connections=most) as send:
        for future in [send() for _ in range(6)]:
            future.result(10)
    assert peak == most


def test_requests_per_minute() -> None:
    """Requests are spaced as the budget requires."""
    times: list[float] = []
    with (
        Server(lambda request: times.append(time.monotonic()) or []) as server,  # type: ignore[func-returns-value]
        connect(server, requests_per_minute=1200) as send,
    ):
        for future in [send() for _ in range(10)]:
            future.result(10)
    # Nine spaces of 50 ms; the first and the last may each be late.
    assert 0.4 < max(times) - min(times) < 2


def refusing(times: list[float], count: int, seconds: str) -> Callable[[RecordedRequest], Any]:
    """A server that refuses the first requests, asking to wait, and notes when each comes."""

    def respond(_: RecordedRequest) -> Any:
        times.append(time.monotonic())
        return Reply({}, 429, {"Retry-After": seconds}) if len(times) <= count else []

    return respond


@pytest.mark.parametrize("settings", [{}, {"requests_per_minute": 6000}])
def test_a_refusal_holds_all(settings: dict[str, Any]) -> None:
    """A wait that the API asks for holds what is submitted after it, and what already waits for its turn."""
    times: list[float] = []
    with Server(refusing(times, 1, "0.3")) as server, connect(server, max_connections=1, **settings) as send:
        refused, *others = [send() for _ in range(4)]
        assert isinstance(refused.exception(10), TransientError)
        held = [future.result(10).held_until for future in (*others, send())]
    assert times[1] - times[0] >= 0.3
    assert held[0] >= times[0] + 0.3


def test_apis_on_one_host_share_its_pace() -> None:
    """A wait that the host asks one API for holds the other's requests too, in the order in which they come."""
    times: list[float] = []
    gates = Gates()
    with (
        Server(refusing(times, 1, "0.3")) as server,
        connected(server, gates) as first,
        connected(server, gates) as second,
        connected(server) as elsewhere,
    ):
        assert isinstance(submit(first).exception(10), TransientError)
        assert submit(elsewhere).result(10).held_until == 0
        assert submit(second).result(10).held_until >= times[0] + 0.3
    assert times[1] - times[0] < 0.3 <= times[2] - times[0]


def test_what_is_not_held_says_so() -> None:
    """A request that is sent immediately has not waited; one that waits for its slot of the budget has."""
    with Server(lambda request: []) as server, connect(server, requests_per_minute=600) as send:
        assert send().result(10).held_until == 0
        began = time.monotonic()
        assert began < send().result(10).held_until < began + 0.2


@pytest.mark.parametrize("settings", [{}, {"requests_per_minute": 1}])
def test_close_ends_waiting(settings: dict[str, Any]) -> None:
    """What waits for its turn when the connection is closed is never sent."""
    times: list[float] = []
    with Server(refusing(times, 1, "60")) as server:
        with connected(server, max_connections=2, **settings) as connection:
            assert isinstance(submit(connection).exception(10), TransientError)
            futures = [submit(connection) for _ in range(4)]
            sleep = ThreadPoolExecutor(1).submit(connection.sleep, 60)
            time.sleep(0.05)
        for future in futures:
            with pytest.raises(CancelledError):
                future.result(5)
        sleep.result(5)
    assert len(times) == 1


# The API's clock

NOON = datetime(2024, 1, 31, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("dates", "took", "seconds"),
    [
        (["Wed, 31 Jan 2024 12:00:00 GMT"], 0.9, 0),
        (["Wed, 31 Jan 2024 12:00:00 GMT"], 3.7, -3),
        (["Wed, 31 Jan 2024 12:00:00 GMT", "Wed, 31 Jan 2024 11:59:50 GMT"], 0, -10),
        (["Wed, 31 Jan 2024 12:00:00 GMT", "noon"], 0, 0),
        (["noon"], 0, None),
        ([], 0, None),
    ],
)
def test_the_clock_of_the_api(dates: list[str], took: float, seconds: int | None) -> None:
    """The earliest `Date` less the time that the response took, as rows may have changed since they were read."""
    assert api_clock(dates, took) == (None if seconds is None else NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("headers", "sent"), [({"Date": "Wed, 31 Jan 2024 12:00:00 GMT"}, NOON), ({"Date": "noon"}, None)]
)
def test_a_response_tells_when_it_was_asked_for(headers: dict[str, str], sent: datetime | None) -> None:
    """The time is that of the API's clock, if the API says it."""
    with Server(lambda request: Reply([], headers=headers)) as server, connect(server) as send:
        assert send().result(10).sent == sent
