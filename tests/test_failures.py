"""Failures of servers: the number of requests, the rows, the exit code, and what the operator reads."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pytest

from tests.configs import STREAMS
from tests.encodings import forms
from tests.runs import TAP, api, catalog_of, run_tap, sync
from tests.server import Drip, Raw, RecordedRequest, Reply, Server
from tests.tls import encrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

API_OF = {stream: name for name, streams in STREAMS.items() for stream in streams}
NAMES = sorted(API_OF)
#: Both ends of the key show whether any part of it got out, in whatever form the rest of it is.
KEY = 's3cr3t/+=&%~ "k\'é\\y" t41l'
TRACES = ["s3cr3t", "t41l", *(base64.b64encode(b"x" * shift + b"s3cr3t/+").decode()[4:8] for shift in range(3))]
#: Enough for a loaded machine to connect, and little enough to wait for four times.
TIMEOUT = 0.5

ROWS = {"data": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}
BODY = json.dumps(ROWS).encode()
GOOD = Reply(ROWS)
# Without `close` a whole response leaves a connection that looks usable until the server's end of it is seen.
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
SIZED = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY)
ZIPPED = gzip.compress(BODY)
SIZED_ZIP = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
#: A million zeros 300 times over: beyond the 256 MiB that a response may have.
BOMB = gzip.compress(bytes(1024 * 1024)) * 300
DEEP = 100_000
ENVELOPE = {"message": "the shop is closed", "code": 7}


@dataclass(frozen=True)
class Case:
    """What a server does to a stream, and what comes of it.

    Args:
        name: What the server does.
        responses: Its responses, in this order; the last one repeats.
        requests: Number of requests that it gets.
        rows: Rows that come out.
        words: What the line that reports the failure says, `{api}` being the API; None if the stream completes.
        timeout: Whether the response never comes in time.
    """

    name: str
    responses: tuple[Any, ...]
    requests: int = 4
    rows: int = 0
    words: tuple[str, ...] | None = None
    timeout: bool = False

    def __str__(self) -> str:
        return self.name


def passes(name: str, *responses: Any, rows: int = 3) -> Case:
    """A case in which the last response is accepted."""
    return Case(name, responses, len(responses), rows)


def lasts(name: str, response: Any, *words: str, tries: int = 4, timeout: bool = False) -> Case:
    """A case in which the same failure comes each time."""
    told = (*words, f"{tries} times in a row", "from `{api}.base_url`, was http://127.0.0.1:")
    return Case(name, (response,), tries, 0, told, timeout)


def final(name: str, response: Any, *words: str) -> Case:
    """A case in which the first response ends the stream."""
    return Case(name, (response,), 1, 0, words)


def bytewise(data: bytes) -> list[bytes]:
    """Single bytes."""
    return [data[place : place + 1] for place in range(len(data))]


CASES = [
    # The connection
    lasts("reset before the answer", Raw(reset=True), "the connection was reset"),
    lasts("reset within the body", Raw(SIZED + BODY[:20], reset=True), "the connection was reset"),
    lasts("closed before the answer", Raw(), "the connection was reset"),
    lasts("no HTTP", Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "the connection broke"),
    passes("reset twice", Raw(reset=True), Raw(SIZED + BODY[:20], reset=True), GOOD),
    # Cut bodies
    *(
        lasts(f"cut at byte {cut}", Raw(SIZED + BODY[:cut]), "the response was cut")
        for cut in (0, 1, len(BODY) // 2, len(BODY) - 1)
    ),
    lasts("cut chunk", Raw(CHUNKED + b"%x\r\n" % len(BODY) + BODY[:20]), "the response was cut"),
    lasts("no last chunk", Raw(CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n"), "the response was cut"),
    lasts("half a gzip stream", Raw(SIZED_ZIP % len(ZIPPED) + ZIPPED[:30]), "the response was cut"),
    lasts("a gzip stream that stops", Raw(SIZED_ZIP % 30 + ZIPPED[:30]), "is not JSON (Input data was truncated)"),
    lasts("no gzip stream", Raw(SIZED_ZIP % len(BODY) + BODY), "the response's compression is broken"),
    passes("a whole gzip stream", Raw(SIZED_ZIP % len(ZIPPED) + ZIPPED)),
    # Slow ones
    lasts("slow headers", Drip(bytewise(HEAD + b"X-Long: " + b"x" * 500), 0.05), "no response within", timeout=True),
    lasts("slow body", Drip([SIZED, *bytewise(b" " * 500)], 0.05), "no response within `{api}.timeout`", timeout=True),
    lasts("silence", Drip([b""], 60), "no response within `{api}.timeout`", timeout=True),
    lasts("silence within the body", Drip([SIZED, BODY[:20], b""], TIMEOUT / 3), "the response was cut"),
    # Statuses
    passes("204", Reply(status=204), rows=0),
    passes("203", Reply(ROWS, 203)),
    passes("early hints", Raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + SIZED + BODY)),
    final("101", Reply(status=101), "returned 101 Switching Protocols"),
    final("201", Reply(ROWS, 201), "returned 201 Created"),
    final("206", Reply(ROWS, 206), "returned 206 Partial Content; the tap accepts only 200, 203 and 204"),
    final("299", Reply(ROWS, 299), "returned 299"),
    final("304", Reply(status=304), "returned 304 Not Modified"),
    final("401", Reply(ENVELOPE, 401), "returned 401 Unauthorized", "`{api}.api_key`", "`{api}.auth"),
    final("403", Reply(ENVELOPE, 403), "returned 403 Forbidden", "`{api}.api_key` may read", "`{api}.auth", "`path`"),
    final("404", Reply(ENVELOPE, 404), "returned 404 Not Found", "`{api}.base_url`", "`{api}.path_prefix`", "`path`"),
    lasts(
        "503", Reply(ENVELOPE, 503), "returned 503 Service Unavailable", "the API is at fault, so run the sync again"
    ),
    passes("503 three times", *[Reply(ENVELOPE, 503)] * 3, GOOD),
    # Redirects
    passes("redirect on the same host", Reply(status=307, headers={"Location": "/moved"}), GOOD),
    final(
        "redirect to another host",
        Reply(status=302, headers={"Location": "https://elsewhere.example/v1/forums"}),
        "redirected to another address, https://elsewhere.example,",
        "`{api}.base_url`",
    ),
    final(
        "redirect to no address",
        Reply(status=302, headers={"Location": "http://[elsewhere/"}),
        "redirected to an invalid URL",
    ),
    Case(
        "redirect to itself",
        (Reply(status=302, headers={"Location": "?again"}),),
        6,
        words=("redirected more than 5 times", "`{api}.path_prefix`"),
    ),
    # Waiting
    final(
        "Retry-After too long",
        Reply(status=503, headers={"Retry-After": "86400"}),
        "returned 503 Service Unavailable, and the API asked to wait 86,400 s, ",
        "more than `{api}.retry.max_wait` (300 s); run the sync later, or raise `{api}.retry.max_wait`",
    ),
    final(
        "Retry-After too far",
        Reply(status=429, headers={"Retry-After": "Fri, 31 Dec 2150 23:59:59 GMT"}),
        "returned 429 Too Many Requests, and the API asked to wait",
        "more than `{api}.retry.max_wait` (300 s)",
    ),
    passes("Retry-After negative", Reply(status=429, headers={"Retry-After": "-5"}), GOOD),
    passes("Retry-After over", Reply(status=429, headers={"Retry-After": "Thu, 01 Jan 2015 00:00:00 GMT"}), GOOD),
    passes("Retry-After unreadable", Reply(status=429, headers={"Retry-After": "soon"}), GOOD),
    # What the response says
    passes("right JSON as text/html", Reply(ROWS, headers={"Content-Type": "text/html"})),
    final("HTML as JSON", Reply(b"<html><body>Maintenance</body></html>"), "returned HTML, not JSON"),
    final(
        "HTML",
        Reply(b"<html><body>Sign in</body></html>", headers={"Content-Type": "text/html"}),
        "returned HTML, not JSON; check `{api}.base_url` and `{api}.path_prefix`",
    ),
    Case(
        "different failures",
        (Raw(reset=True), Reply(status=503), Raw(reset=True), Reply(b"closed")),
        words=(
            (
                "4 tries failed (the connection was reset, 2 times; returned 503 Service Unavailable, once; "
                "the response is not JSON"
            ),
            "from `{api}.base_url`, was http://127.0.0.1:",
        ),
    ),
    lasts("nothing under 200", Reply(), "returned 200 OK with an empty body"),
    lasts("lists in lists", Reply(b"[" * DEEP + b"]" * DEEP), "the response is not JSON that can be read"),
    lasts(
        "rows nested too deep",
        Reply(b'{"data":[{"id":"1","x":' + b'{"x":' * DEEP + b"1" + b"}" * DEEP + b"}]}"),
        "the response is not JSON that can be read",
    ),
    final("a gzip bomb", Reply(BOMB, headers={"Content-Encoding": "gzip"}), "returned more than 256 MiB"),
    passes("an error under 200, once", Reply(ENVELOPE), GOOD),
    lasts(
        "an error under 200",
        Reply(ENVELOPE),
        "the response has no `data`",
        "it is an object with the keys message, code",
        tries=2,
    ),
    lasts("a list in place of an object", Reply(ROWS["data"]), "the response has no `data`: it is a list", tries=2),
    lasts("a text in place of an object", Reply("closed"), "the response has no `data`: it is text", tries=2),
    passes("rows are null", Reply({"data": None}), rows=0),
    passes("no rows", Reply({"data": []}), rows=0),
    final(
        "rows are an object", Reply({"data": {"1": {}}}), "`data` is an object with the keys 1, not a list of objects"
    ),
    final("rows are texts", Reply({"data": ["1", "2"]}), "row 1 of `data` is text, not an object"),
    final("a row is null", Reply({"data": [{"id": "1"}, None]}), "row 2 of `data` is null, not an object"),
    final(
        "no primary key", Reply({"data": [{"id": "1"}, {}]}), "page 1, new row 2", "no usable 'id'", "`{api}.streams."
    ),
]
FAILING = [case for case in CASES if case.words is not None]
#: Responses that repeat, in one place or another, what the request contained.
TELLTALES = [
    Reply({"error": f"the key {KEY} is wrong", "forms": sorted(forms(KEY))}, 401),
    Reply(status=302, headers={"Location": f"https://elsewhere.example/?key={KEY.encode().hex()}"}),
    Reply(status=302, headers={"Location": f"https://{quote(KEY, safe='')}.example/"}),
    Reply(status=401, headers={"Set-Cookie": f"key={KEY.encode().decode('latin-1')}", "X-Key": "s3cr3t/+=&"}),
    Reply({KEY: ENVELOPE}),
    Raw(f"HTTP/1.1 500 the key is {KEY}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")),
    Raw(f"the key is {KEY}\r\n\r\n".encode("latin-1")),
]


@dataclass
class Stage:
    """A server that does to each stream what its case says."""

    cases: dict[str, Case]
    requests: Counter[str] = field(default_factory=Counter)

    def __call__(self, request: RecordedRequest) -> Any:
        """The response to a request."""
        stream = request.path.rpartition("/")[2]
        responses = self.cases[stream].responses
        response = responses[min(self.requests[stream], len(responses) - 1)]
        self.requests[stream] += 1
        if isinstance(response, Reply) and response.headers.get("Location") == "/moved":
            return Reply(status=response.status, headers={"Location": f"/moved/{stream}"})
        return response


@dataclass
class Outcome:
    """What one run of the tap made of its cases."""

    process: subprocess.CompletedProcess[str]
    requests: Counter[str]

    def rows(self, stream: str) -> int:
        """The rows of a stream that came out."""
        messages = map(json.loads, self.process.stdout.splitlines())
        return sum(message["type"] == "RECORD" and message["stream"] == stream for message in messages)

    def error(self, stream: str) -> str | None:
        """The line that says why a stream failed; None if no line does."""
        lines = re.findall(rf"ERROR +\| tap-feedback +\| {stream} failed: (.+)", self.process.stderr)
        assert len(lines) < 2
        return lines[0] if lines else None


AUTHS: dict[str, dict[str, str]] = {
    "query": {"type": "api_key"},
    "header": {"type": "api_key", "name": "X-API-Key", "location": "header"},
    "bearer": {"type": "bearer"},
    "basic": {"type": "http_basic"},
}


def config_for(url: str, auth: str, **settings: Any) -> dict[str, Any]:
    """Settings in which every stream is one page at its own path."""
    return {
        name: api(
            url,
            api_key=KEY,
            auth=AUTHS[auth],
            paginator={"type": "single_page"},
            max_connections=8,
            streams={stream: {"path": f"/{stream}", "data_selector": "data"} for stream in streams},
            **settings,
        )
        for name, streams in STREAMS.items()
    }


def batches(cases: Sequence[Case]) -> list[dict[str, Case]]:
    """The cases in batches, one case for each stream; the last batch repeats its last case."""
    firsts = range(0, len(cases), len(NAMES))
    return [{name: cases[min(first + place, len(cases) - 1)] for place, name in enumerate(NAMES)} for first in firsts]


def play(batch: dict[str, Case], folder: Path, *arguments: str, auth: str = "query", level: str = "INFO") -> Outcome:
    """Run the tap, as a process, with a server that does to each stream what its case says."""
    stage = Stage(batch)
    waits = any(case.timeout for case in batch.values())
    with Server(stage) as server:
        file = folder / f"{server.http.server_port}.json"
        file.write_text(json.dumps(config_for(server.url, auth, **({"timeout": TIMEOUT} if waits else {}))), "utf-8")
        process = run_tap("--config", str(file), *arguments, env={"TAP_FEEDBACK_LOGLEVEL": level, "NO_PROXY": "*"})
        file.unlink()
    return Outcome(process, stage.requests)


def in_parallel(calls: Iterable[Callable[[], Outcome]]) -> list[Outcome]:
    """The results of the calls, some of which run concurrently."""
    with ThreadPoolExecutor(3) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


# What a server does

BATCHES = [
    batch
    for waits in (False, True)
    for fails in (False, True)
    for batch in batches([case for case in CASES if case.timeout is waits and (case.words is not None) is fails])
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """What became of each batch; the ways of authentication take turns."""
    folder = tmp_path_factory.mktemp("outcomes")
    auths = [list(AUTHS)[place % len(AUTHS)] for place in range(len(BATCHES))]
    return in_parallel(partial(play, batch, folder, auth=auth) for batch, auth in zip(BATCHES, auths, strict=True))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(outcomes: list[Outcome], case: Case) -> None:
    """The tap sends as many requests as help; the rows are out, or one line says why they are not."""
    batch, outcome = next(pair for pair in zip(BATCHES, outcomes, strict=True) if case in pair[0].values())
    stream = next(name for name, played in batch.items() if played is case)
    error = outcome.error(stream)
    if case.words is None:
        assert error is None
    else:
        assert error is not None
        for words in case.words:
            assert words.format(api=API_OF[stream]) in error
    assert outcome.requests[stream] == case.requests
    assert outcome.rows(stream) == case.rows


def test_exit_codes(outcomes: list[Outcome]) -> None:
    """A batch that completes exits with 0; one that fails exits with 1, and the last line says which streams failed."""
    for batch, outcome in zip(BATCHES, outcomes, strict=True):
        fails = next(iter(batch.values())).words is not None
        assert outcome.process.returncode == (1 if fails else 0)
        assert "Traceback" not in outcome.process.stderr
        named = (
            outcome.process.stderr.splitlines()[-1]
            .partition(f"{len(NAMES)} of {len(NAMES)} streams failed: ")[2]
            .split(", ")
        )
        assert sorted(named) == (NAMES if fails else [""])


def test_connection_test_sends_each_request_once(tmp_path: Path) -> None:
    """`--test` does not retry: settings that are wrong stay wrong, and a person waits for it."""
    transient = batches([case for case in FAILING if not case.timeout and case.requests == 4])
    for outcome in in_parallel(partial(play, batch, tmp_path, "--test") for batch in transient):
        assert outcome.process.returncode == 1
        assert outcome.requests == dict.fromkeys(NAMES, 1)
        assert "times in a row" not in outcome.process.stderr
        assert all(outcome.error(name) for name in NAMES)


def test_connection_test_tells_the_good_from_the_bad(tmp_path: Path) -> None:
    """`--test` has a line for each stream, even if others fail."""
    bad = final("404", Reply(ENVELOPE, 404))
    outcome = play({name: bad if name < "forums" else passes("good", GOOD) for name in NAMES}, tmp_path, "--test")
    assert outcome.process.returncode == 1
    assert not outcome.process.stdout
    for name in NAMES:
        assert bool(outcome.error(name)) == (name < "forums")
        assert (f"{name}: ok, 3 rows in 1 page, key `id`" in outcome.process.stderr) == (name >= "forums")


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run in which one API refuses connections, one has no host, and one has a certificate that is not trusted."""
    folder = tmp_path_factory.mktemp("unreachable")
    server = Server(lambda request: GOOD)
    encrypt(server, folder)
    with server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        config = config_for(server.url, "query")
        config["feedback"]["base_url"] = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        config["support"]["base_url"] = "http://nowhere.invalid"
        file = folder / "config.json"
        file.write_text(json.dumps(config), "utf-8")
        process = run_tap("--config", str(file), env={"NO_PROXY": "*"})
    return Outcome(process, Counter(request.path for request in server.requests))


@pytest.mark.parametrize(
    ("stream", "retries", "words"),
    [
        (
            "feedback_data",
            3,
            "the connection was refused, 4 times in a row; check `feedback.base_url`, or whether the server is up; the",
        ),
        (
            "customer_support_data",
            3,
            "the host name was not found, 4 times in a row; check `support.base_url`, or whether the server is up; the",
        ),
        *((stream, 0, "the certificate is not trusted (self") for stream in STREAMS["analytics"]),
    ],
)
def test_unreachable(unreachable: Outcome, stream: str, retries: int, words: str) -> None:
    """A host that cannot be reached is tried again; one with a wrong certificate is not."""
    assert words in str(unreachable.error(stream))
    assert re.search(rf"^{stream} +0 +0 +{retries} ", unreachable.process.stderr, re.MULTILINE)
    assert unreachable.process.returncode == 1
    assert unreachable.process.stderr.count("; retrying in") == 6
    assert not unreachable.requests


def test_statuses() -> None:
    """Of the statuses that mean failure, those in `retry.statuses` get four requests, all others one."""
    statuses = range(400, 600)
    for first in range(0, len(statuses), len(NAMES)):
        status_of = dict(zip(NAMES, statuses[first:], strict=False))
        stage = Stage({name: Case(name, (Reply(ENVELOPE, status),)) for name, status in status_of.items()})
        with Server(stage) as server:
            run = sync(config_for(server.url, "query"))
        for name, status in status_of.items():
            assert stage.requests[name] == (4 if status in {429, 500, 502, 503, 504} else 1), status
            phrase = next((known.phrase for known in HTTPStatus if known == status), "")
            assert run.failures[name].startswith(f"returned {status} {phrase}".rstrip())
            assert not run.records(name)


RETRY_AFTER: dict[str, Callable[[datetime], str]] = {
    "feedback": lambda now: "0.5",
    "analytics": lambda now: format_datetime(now + timedelta(seconds=1.5), usegmt=True),
    "support": lambda now: str(now.timestamp() + 0.5),
}


def test_retry_after() -> None:
    """`Retry-After` is honoured as seconds, HTTP date and Unix epoch, by all streams of the API and by no other's."""
    times: dict[str, list[float]] = {}

    def respond(request: RecordedRequest) -> Reply:
        stream = request.path.rpartition("/")[2]
        times.setdefault(stream, []).append(time.monotonic())
        if len(times[stream]) > 1 or stream not in {"feedback_data", "forums", "customer_support_data"}:
            return GOOD
        value = RETRY_AFTER[API_OF[stream]](datetime.now(timezone.utc))
        return Reply(status=429, headers={"Retry-After": value})

    with Server(respond) as server:
        run = sync(config_for(server.url, "query"))
    assert run.error is None
    for stream in ("feedback_data", "forums", "customer_support_data"):
        first, second = times[stream]
        assert 0.45 <= second - first < 30, stream
    assert all(len(run.records(stream)) == 3 for stream in NAMES)


def test_others_stay_whole(tmp_path: Path) -> None:
    """A stream that fails does not stop the others: they are complete, and only their bookmarks move."""
    old = "2024-01-01T00:00:00Z"

    def respond(request: RecordedRequest) -> Any:
        stream = request.path.rpartition("/")[2]
        number = int(request.query.get("cursor", "1"))
        if stream == "features" and number == 2:
            return Reply(ENVELOPE, 500)
        row = {"id": number, "updated_at": f"2024-02-0{number}T00:00:00Z"}
        return {stream: [row], "pagination": {"cursor": str(number + 1) if number < 3 else None}}

    names = ["external_users", "features", "forums"]
    config, state, catalog = tmp_path / "config.json", tmp_path / "state.json", tmp_path / "catalog.json"
    bookmark = {"replication_key": "updated_at", "replication_key_value": old}
    state.write_text(json.dumps({"bookmarks": dict.fromkeys(names, bookmark)}), "utf-8")
    with Server(respond) as server:
        settings = {"analytics": api(server.url)}
        config.write_text(json.dumps(settings), "utf-8")
        catalog.write_text(json.dumps(catalog_of(settings, *names)), "utf-8")
        run = run_tap("--config", str(config), "--state", str(state), "--catalog", str(catalog))
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    rows = Counter(message["stream"] for message in messages if message["type"] == "RECORD")
    bookmarks = [message["value"] for message in messages if message["type"] == "STATE"][-1]["bookmarks"]
    assert run.returncode == 1
    assert rows == {"external_users": 3, "features": 1, "forums": 3}
    assert {name: bookmarks[name]["replication_key_value"] for name in names} == {
        "external_users": "2024-02-03T00:00:00Z",
        "features": old,
        "forums": "2024-02-03T00:00:00Z",
    }
    failed = Outcome(run, Counter())
    assert str(failed.error("features")).startswith("returned 500 Internal Server Error, 4 times in a row")
    assert failed.error("forums") is failed.error("external_users") is None
    assert run.stderr.splitlines()[-1].endswith("1 of 3 streams failed: features")


# Secrets

BETRAYED = [Case(f"telltale {number}", (reply,), words=()) for number, reply in enumerate(TELLTALES)]


def betrayed(text: str) -> list[str]:
    """What of the key is in a text."""
    return [trace for trace in {*TRACES, *forms(KEY)} if trace in text]


def test_no_secret_at_debug(tmp_path: Path) -> None:
    """No failure puts a part of the key into a log line, traceback, state or message, even at the debug level.

    The key in the query, which is in every URL, meets every case; the others meet the telltale ones.
    """
    telltale, *others = [
        *batches([*BETRAYED, *(case for case in FAILING if not case.timeout)]),
        *batches([case for case in FAILING if case.timeout]),
    ]
    runs = [*((telltale, auth) for auth in AUTHS), *((batch, "query") for batch in others)]
    found = in_parallel(partial(play, batch, tmp_path, auth=auth, level="DEBUG") for batch, auth in runs)
    for outcome in found:
        assert outcome.process.returncode == 1
        assert "Traceback" in outcome.process.stderr
        assert betrayed(outcome.process.stdout + outcome.process.stderr) == []


def test_no_secret_at_info(outcomes: list[Outcome], unreachable: Outcome, tmp_path: Path) -> None:
    """The same at the usual level."""
    for outcome in (*outcomes, unreachable, play(batches(BETRAYED)[0], tmp_path, auth="bearer")):
        assert betrayed(outcome.process.stdout + outcome.process.stderr) == []


def test_no_secret_in_connection_test(tmp_path: Path) -> None:
    """The same with `--test`."""
    runs = [*((auth, "DEBUG") for auth in AUTHS), ("query", "INFO")]
    found = in_parallel(
        partial(play, dict.fromkeys(NAMES, case), tmp_path, "--test", auth=auth, level=level)
        for case, (auth, level) in zip(itertools.cycle(BETRAYED), runs, strict=False)
    )
    for outcome in found:
        assert outcome.process.returncode == 1
        assert betrayed(outcome.process.stdout + outcome.process.stderr) == []


def test_no_secret_in_catalog(tmp_path: Path) -> None:
    """Discovery with settings reveals nothing of the key."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config_for("http://127.0.0.1:9", "query")), "utf-8")
    run = run_tap("--config", str(file), "--discover", env={"TAP_FEEDBACK_LOGLEVEL": "DEBUG"})
    assert run.returncode == 0
    assert len(json.loads(run.stdout)["streams"]) == len(NAMES)
    assert betrayed(run.stdout + run.stderr) == []


def test_no_part_of_a_secret(tmp_path: Path) -> None:
    """If the name of a JSON key is too long to be quoted, no part of a secret in it is quoted."""
    case = Case("a long key", (Reply({f"nobody here knows a key such as {KEY}": ENVELOPE}),), words=())
    outcome = play(dict.fromkeys(NAMES, case), tmp_path)
    assert betrayed(outcome.process.stdout + outcome.process.stderr) == []


def run_against(
    respond: Callable[[RecordedRequest], Any], folder: Path, level: str = "DEBUG", **apis: dict[str, Any]
) -> str:
    """Run the tap as a process on APIs of one page at a server; all that it writes."""
    with Server(respond) as server:
        file = folder / "config.json"
        page = {"paginator": {"type": "single_page"}, "retry": {"max_retries": 0}}
        file.write_text(json.dumps({name: api(server.url, **{**page, **own}) for name, own in apis.items()}), "utf-8")
        run = run_tap("--config", str(file), env={"TAP_FEEDBACK_LOGLEVEL": level, "NO_PROXY": "*"})
    assert "feedback_data" in run.stderr
    return run.stdout + run.stderr


def test_no_secret_in_an_address_within_another(tmp_path: Path) -> None:
    """A server sends the client to a login with its address encoded once more; another one's cursor is an address."""
    key = "Ab+/cd==9Z"

    def respond(request: RecordedRequest) -> Any:
        if request.path == "/login":
            return Reply(status=401)
        if request.path == "/v1/feedback":
            return Reply(status=302, headers={"Location": f"/login?next={quote(request.target, safe='')}"})
        link = f"https://api.example/v1/suggestions?api_key={quote(key, safe='')}&page=2"
        name = request.path.rpartition("/")[2]
        return {name: [{"id": len(request.query)}], "next": None if "cursor" in request.query else link}

    paginator = {"type": "cursor", "cursor_path": "next"}
    text = run_against(respond, tmp_path, feedback={"api_key": key}, analytics={"api_key": key, "paginator": paginator})
    assert "/login?next=" in text
    assert "&cursor=https" in text or "?cursor=https" in text
    assert [form for form in forms(key) if form in text] == []


def test_no_secret_without_its_scheme(tmp_path: Path) -> None:
    """A server quotes the token of a header, and not the word before it: as the name of a field, and in an address."""

    def respond(request: RecordedRequest) -> Any:
        scheme, token = request.headers["Authorization"].split()
        if request.path == "/v1/feedback":
            return {token: "is no valid token"}
        return {} if scheme in request.query else Reply(status=302, headers={"Location": f"/v1/auth?{scheme}={token}"})

    header = {"type": "api_key", "name": "Authorization", "location": "header"}
    apis: dict[str, Any] = {
        "feedback": {"api_key": "Token abcdef123456", "auth": header},
        "support": {"headers": {"Authorization": "GenieKey fedcba-654321"}},
    }
    texts = [run_against(respond, tmp_path, level, **apis) for level in ("INFO", "DEBUG")]
    assert "an object with the keys ***;" in texts[0]
    assert "/v1/auth?GenieKey=***" in texts[1]
    assert [part for text in texts for part in ("abcdef", "123456", "fedcba", "654321") if part in text] == []


#: Names of secrets that vendors use; the names at the end have values of other kinds.
SECRET_PARAMS: dict[str, Any] = {
    **{
        name: f"S3cr3t{number:02}Value"
        for number, name in enumerate(
            [
                *("key", "auth", "pwd", "pass", "sig", "hmac", "subscription-key", "appid", "client_id", "jwt"),
                *("credential", "sid", "session", "apiKey", "x-api_key", "access-key", "private_key", "code"),
            ]
        )
    },
    "access_token": ["S3cr3tInAList", "tok9"],
    "app_secret": 987654321234,
    "secret2": 66,
    "passwd": "zq",
}


def test_no_secret_in_params_and_headers(tmp_path: Path) -> None:
    """A second secret is a parameter or header under any name, of an API or a stream, however short."""

    def respond(request: RecordedRequest) -> Any:
        seen = quote(f"{request.target} {request.headers}", safe="")
        return {"data": []} if request.path == "/seen" else Reply(status=302, headers={"Location": f"/seen?{seen}"})

    harmless = {"zip_code": "12345678", "sort_key": "updated_at"}
    text = run_against(
        respond,
        tmp_path,
        feedback={"params": {**SECRET_PARAMS, **harmless}, "headers": {"X-Auth-Token": "S3cr3tHeader", "X-Sid": "h8"}},
        support={"streams": {"customer_support_data": {"params": {"access_token": "S3cr3tOfAStream"}}}},
    )
    assert re.search("S3cr3t|tok9|987654321234|[=D]66|[=D]zq|h8", text) is None
    for name in SECRET_PARAMS:
        assert f"{name}=***" in text
    assert "&zip_code=12345678&sort_key=updated_at" in text


@contextmanager
def sink() -> Iterator[tuple[int, bytearray]]:
    """A port of 127.0.0.1, and all bytes that come there."""
    received = bytearray()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while data := self.request.recv(65536):
                received.extend(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1], received
        server.shutdown()


LOG_CONFIG = """
version: 1
disable_existing_loggers: false
handlers:
  file: {{class: logging.FileHandler, filename: {folder}/memory.log}}
  later: {{class: logging.handlers.MemoryHandler, capacity: 100, target: file}}
  sent: {{class: logging.handlers.SocketHandler, host: 127.0.0.1, port: {port}}}
  asked: {{class: logging.handlers.HTTPHandler, host: "127.0.0.1:{http}", url: /log}}
  structured: {{class: logging.StreamHandler, formatter: json, stream: ext://sys.stderr}}
formatters: {{json: {{(): singer_sdk.logging.StructuredFormatter}}}}
root: {{level: DEBUG, handlers: [later, sent, asked, structured]}}
"""


def test_no_secret_by_handlers_of_a_log_config(tmp_path: Path) -> None:
    """Handlers send records as they are: pickled over a socket, as a form over HTTP, or later, by another handler."""
    logged: list[str] = []

    def respond(request: RecordedRequest) -> Any:
        if request.path == "/log":
            logged.append(request.target)
            return {}
        return {KEY: ENVELOPE}

    with Server(respond) as server, sink() as (port, received):
        file, log = tmp_path / "config.json", tmp_path / "log.yml"
        log.write_text(LOG_CONFIG.format(folder=tmp_path, port=port, http=server.http.server_port), "utf-8")
        file.write_text(json.dumps({"feedback": api(server.url, api_key=KEY, auth=AUTHS["query"])}), "utf-8")
        environment = {"SINGER_SDK_LOG_CONFIG": str(log), "TAP_FEEDBACK_LOGLEVEL": "DEBUG", "NO_PROXY": "*"}
        run = run_tap("--config", str(file), env=environment)
    assert run.returncode == 1
    texts = [(tmp_path / "memory.log").read_text("utf-8"), received.decode("latin-1"), "\n".join(logged), run.stderr]
    for text in texts:
        assert "/v1/feedback" in unquote(text)
        assert betrayed(text) == betrayed(unquote(text)) == []


def test_no_line_is_forged(tmp_path: Path) -> None:
    """An API calls its fields what it likes; neither a line nor a colour of the log is of its making."""
    forged = {"a\n2026-11-21 12:00:00,000 | ERROR    | forged": 1, "\x1b[2Jb\u2028c\x85d\r": 2, "x" * 100_000: 3}
    text = run_against(lambda _: {"data": [{"id": "1", **forged}]}, tmp_path, "INFO", feedback={})
    (line,) = (line for line in text.split("\n") if "3 unknown fields" in line)
    assert r"a\n2026-11-21 12:00:00,000 | ERROR    | forged, \x1b[2Jb\u2028c\x85d\r, xxx" in line
    assert line.isprintable()
    assert len(line) < 400


UNGUARDED = """
import tap_feedback.tap
tap_feedback.tap.guard_logs = lambda secrets: None
tap_feedback.tap.TapFeedback.cli()
"""


@pytest.mark.parametrize(
    ("auth", "level", "case"), [("query", "DEBUG", lasts("503", Reply(status=503))), ("bearer", "INFO", BETRAYED[4])]
)
def test_without_guard(tmp_path: Path, auth: str, level: str, case: Case) -> None:
    """If nothing removes the secrets from the log, these tests find them."""
    with Server(Stage(dict.fromkeys(NAMES, case))) as server:
        file = tmp_path / "config.json"
        file.write_text(json.dumps(config_for(server.url, auth)), "utf-8")
        command = [sys.executable, "-c", UNGUARDED, "--config", str(file)]
        environment = {**os.environ, "TAP_FEEDBACK_LOGLEVEL": level}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert betrayed(run.stderr)


# Signals and pipes


class Feed:
    """A server whose `forums` are one page, and whose `features` have no end, or no response, or always this one."""

    def __init__(self, *, silent: bool = False, always: Reply | None = None, size: int = 100) -> None:
        self.silent = silent
        self.always = always
        self.size = size
        self.pages = 0
        self.forums_sent = threading.Event()

    def __call__(self, request: RecordedRequest) -> Any:
        """The response to a request."""
        stream = request.path.rpartition("/")[2]
        row = {"updated_at": "2024-01-01T00:00:00Z", "name": "n" * 100}
        if stream == "forums":
            self.forums_sent.set()
            return {"forums": [{"id": number, **row} for number in range(10)]}
        if self.silent:
            return Drip([b""], 60)
        if self.always is not None:
            self.forums_sent.wait(20)  # a wait that the API asks for holds back requests of all streams
            self.pages += 1
            return self.always
        self.pages += 1
        rows = [{"id": self.pages * self.size + number, **row} for number in range(self.size)]
        return {"features": rows, "pagination": {"cursor": str(self.pages)}}


@dataclass
class Started:
    """A tap that runs."""

    process: subprocess.Popen[bytes]
    out: IO[bytes]
    errors: Path

    def read_until_forums_are_complete(self) -> list[bytes]:
        """The lines up to the state that says so."""
        lines = []
        for line in self.out:
            lines.append(line)
            if b'"STATE"' in line and b'"replication_key_value"' in line:
                return lines
        raise AssertionError(self.stderr)

    def stop(self, number: int) -> float:
        """Send a signal; the seconds until the tap has ended."""
        begun = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        return time.monotonic() - begun

    @property
    def stderr(self) -> str:
        """What the tap has logged."""
        return self.errors.read_text("utf-8")


@contextmanager
def started(feed: Feed, folder: Path, **more: Any) -> Iterator[Started]:
    """A tap that reads a feed into a pipe, and is killed in the end if it has not ended."""
    config, catalog, errors = folder / "config.json", folder / "catalog.json", folder / "errors.log"
    with Server(feed) as server:
        settings = {"analytics": api(server.url, **more)}
        config.write_text(json.dumps(settings), "utf-8")
        catalog.write_text(json.dumps(catalog_of(settings, "forums", "features")), "utf-8")
        command = [TAP, "--config", str(config), "--catalog", str(catalog)]
        with (
            errors.open("wb") as log,
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log) as process,
        ):
            assert process.stdout is not None
            try:
                yield Started(process, process.stdout, errors)
            finally:
                process.kill()


STOPPED = "Stopped by a signal; state was saved for the streams that had finished"
SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])


def check_stopped(tap: Started, code: int, lines: Sequence[bytes]) -> None:
    """All lines are whole; the last is a state that has the bookmark of the complete stream, and no other."""
    assert tap.process.returncode == code
    messages = [json.loads(line) for line in lines]
    assert lines[-1].endswith(b"\n")
    assert messages[-1]["type"] == "STATE"
    bookmarks = messages[-1]["value"]["bookmarks"]
    assert bookmarks["forums"]["replication_key_value"] == "2024-01-01T00:00:00Z"
    assert not bookmarks.get("features")
    assert sum(message["type"] == "RECORD" and message["stream"] == "forums" for message in messages) == 10
    assert "Traceback" not in tap.stderr
    assert tap.stderr.splitlines()[-1].endswith(STOPPED)


@SIGNALS
def test_signal_while_waiting(tmp_path: Path, number: int, code: int) -> None:
    """A tap that waits for a slow server ends immediately, with a last state."""
    with started(Feed(silent=True), tmp_path) as tap:
        lines = tap.read_until_forums_are_complete()
        assert tap.stop(number) < 3
        check_stopped(tap, code, [*lines, *tap.out])


@pytest.mark.parametrize(
    ("headers", "words"), [({"Retry-After": "200"}, "the API asked to wait 200 s"), ({}, "retrying in 4")]
)
@SIGNALS
def test_signal_before_a_retry(tmp_path: Path, number: int, code: int, headers: dict[str, str], words: str) -> None:
    """A tap that waits before a retry ends immediately, whether the API asked for the wait or not."""
    feed = Feed(always=Reply(status=503, headers=headers))
    with started(feed, tmp_path, retry={"backoff_factor": 4}) as tap:
        lines = tap.read_until_forums_are_complete()
        while words not in tap.stderr:
            time.sleep(0.02)
        assert tap.stop(number) < 3
        check_stopped(tap, code, [*lines, *tap.out])
    assert feed.pages == 1


@SIGNALS
def test_signal_while_rows_flow(tmp_path: Path, number: int, code: int) -> None:
    """A tap in full flow ends behind a whole line, with a last state."""
    with started(Feed(), tmp_path) as tap, ThreadPoolExecutor(1) as reader:
        lines = tap.read_until_forums_are_complete()
        lines += itertools.islice(tap.out, 2000)
        rest = reader.submit(list, tap.out)
        assert tap.stop(number) < 3
        check_stopped(tap, code, [*lines, *rest.result()])


def fill(tap: Started, feed: Feed) -> None:
    """Wait until the tap stalls, as its output is not read."""
    pages = -1
    while feed.pages > pages or not feed.pages:
        pages = feed.pages
        time.sleep(0.5)
    assert tap.process.poll() is None


def test_signal_while_target_stalls(tmp_path: Path) -> None:
    """A tap whose target does not read still ends. Only the line at which the target stopped is incomplete."""
    feed = Feed()
    with started(feed, tmp_path) as tap:
        lines = tap.read_until_forums_are_complete()
        fill(tap, feed)
        assert tap.stop(signal.SIGTERM) < 10
        assert tap.process.returncode == 143
        *rest, last = tap.out
        messages = [json.loads(line) for line in (*lines, *rest)]
        states = [message["value"]["bookmarks"] for message in messages if message["type"] == "STATE"]
        assert [name for name, bookmark in states[-1].items() if bookmark] == ["forums"]
        assert not last.endswith(b"\n")
        assert "Traceback" not in tap.stderr


def test_signal_before_target_reads_on(tmp_path: Path) -> None:
    """A target that stalls and reads on after the signal gets the lines whole, and the last state."""
    feed = Feed()
    with started(feed, tmp_path) as tap:
        lines = tap.read_until_forums_are_complete()
        fill(tap, feed)
        tap.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        lines += tap.out
        tap.process.wait(10)
        check_stopped(tap, 143, lines)


def check_cut_off(tap: Started) -> None:
    """The tap ends immediately, and says why in one line."""
    tap.process.wait(5)
    assert tap.process.returncode == 1
    assert "Traceback" not in tap.stderr
    assert tap.stderr.splitlines()[-1].endswith("The target closed the pipe before everything was written")
    assert tap.stderr.count("pipe") == 1


def test_closed_pipe(tmp_path: Path) -> None:
    """If the pipe is closed, as by `head`, the tap ends."""
    with started(Feed(), tmp_path) as tap:
        assert len(list(itertools.islice(tap.out, 5))) == 5
        tap.out.close()
        check_cut_off(tap)


def test_target_dies(tmp_path: Path) -> None:
    """If the target is killed in the middle, the tap ends."""
    feed = Feed()
    with started(feed, tmp_path) as tap:
        target = subprocess.Popen(["cat"], stdin=tap.out, stdout=subprocess.DEVNULL)
        tap.out.close()
        while feed.pages < 20:
            time.sleep(0.05)
        target.kill()
        target.wait()
        check_cut_off(tap)


@SIGNALS
def test_signal_after_target_died(tmp_path: Path, number: int, code: int) -> None:
    """A signal that tap and target both get, as by Ctrl-C, ends the tap quietly even if the target ends first."""
    with started(Feed(silent=True), tmp_path) as tap:
        tap.read_until_forums_are_complete()
        tap.out.close()
        assert tap.stop(number) < 3
        assert tap.process.returncode == code
        assert "Traceback" not in tap.stderr
        assert "BrokenPipeError" not in tap.stderr


def test_discovery_into_closed_pipe() -> None:
    """Discovery into a closed pipe ends as quietly as any command does before `head`."""
    with subprocess.Popen([TAP, "--discover"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tap:
        assert tap.stdout is not None
        assert tap.stderr is not None
        tap.stdout.close()
        errors = tap.stderr.read().decode()
        tap.wait(20)
    assert tap.returncode == 1
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
