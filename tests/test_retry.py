"""Retries: which failures are transient, shown by real ones, and the decision to try again."""

from __future__ import annotations

import gzip
import math
import socket
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.failures import advise, explain, in_seconds, transient_reason
from tap_feedback.retry import GiveUp, TransientError, Tries, Wait, backoff, decide
from tap_feedback.settings import Retry
from tap_feedback.transport import Transport
from tap_feedback.wait_headers import retry_after
from tests.configs import parse
from tests.server import Raw, Reply, Server
from tests.tls import encrypt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2024, 1, 31, 12, tzinfo=timezone.utc)
HEAD = b"HTTP/1.1 200 OK\r\n"
FEEDBACK = parse({"feedback": {"base_url": "http://x", "api_key": "x"}}).apis["feedback"]


def failure(url: str, timeout: float = 5) -> Exception:
    """What a request to this address fails with, its body read as the tap reads it."""
    transport = Transport(url, {}, size=1)
    try:
        with transport.send("GET", url, {}, timeout) as response:
            while response.read1(1024, decode_content=True):
                pass
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error
    finally:
        transport.close()
    raise AssertionError("the request did not fail")


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections; it is held, so that no other server takes it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("30", 30),
        (" 5 ", 5),
        ("0", 0),
        ("1.5", 1.5),
        ("-7", 0),
        ("Wed, 31 Jan 2024 12:01:30 GMT", 90),
        ("Wed, 31 Jan 2024 12:01:30", 90),
        ("Wed, 31 Jan 2024 13:01:30 +0100", 90),
        ("Wednesday, 31-Jan-24 12:01:30 GMT", 90),
        ("Wed Jan 31 12:01:30 2024", 90),
        ("Wed, 31 Jan 2024 11:00:00 GMT", 0),
        (str(int(NOW.timestamp()) + 45), 45),
        (str(int(NOW.timestamp()) - 45), 0),
        (str(int(NOW.timestamp() + 45) * 1000), 45),
        (f"{int(NOW.timestamp()) + 45}.5", 45.5),
        ("999999999", 999_999_999),
        ("99999999999999", 99_999_999_999_999),
        ("", None),
        ("soon", None),
        ("5, 6", None),
        ("0x10", None),
        ("inf", None),
        ("-inf", None),
        ("1e999", None),
        ("nan", None),
        ("2024-01-31T12:01:30Z", None),
        ("Wed, 99 Jan 2024 12:01:30 GMT", None),
        ("Wed, 31 Jan 99999999999999999999 12:01:30 GMT", None),
        ("Wed, 31 Jan 2024 12:01:30 +99999999999999999999", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Every form of `Retry-After` is read, and anything else is ignored."""
    assert retry_after(value, NOW) == seconds


def test_retry_after_asks_from_now() -> None:
    """The wait until a date is counted from the given moment, in any time zone."""
    now = NOW.astimezone(timezone(timedelta(hours=-8)))
    assert retry_after("Wed, 31 Jan 2024 12:00:10 GMT", now) == 10


@pytest.mark.parametrize(
    ("factor", "jitter", "waits"),
    [
        (2, 0, [2, 4, 8]),
        (2, 1, [2.2, 4.4, 8.8]),
        (1.5, 0, [1.5, 2.25, 3.375]),
        (1, 0, [1, 1, 1]),
        (0, 0, [0, 0, 0]),
        (0, 1, [0, 0, 0]),
    ],
)
def test_backoff(factor: float, jitter: float, waits: list[float]) -> None:
    """Waits are the factor to the power of the try, and up to a tenth more."""
    assert [backoff(attempt, factor, jitter) for attempt in (1, 2, 3)] == pytest.approx(waits)


def test_backoff_stays_a_number() -> None:
    """The highest factor and number of retries that the settings allow still give a number."""
    assert math.isfinite(backoff(101, 60, 1))


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Raw(reset=True), "the connection was reset"),
        (Raw(), "the connection was reset"),
        (Raw(b"nonsense\r\n\r\n"), "the connection broke"),
        (Raw(HEAD + b"Content-Length: 10\r\n\r\n12345"), "the response was cut"),
        (Raw(HEAD + b"Content-Length: 10\r\n\r\n"), "the response was cut"),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"), "the response was cut"),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n123"), "the response was cut"),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n"), "the response was cut"),
        (Raw(HEAD + b"Content-Length: 10\r\n\r\n12345", reset=True), "the connection was reset"),
        (Reply(b"not gzip", headers={"Content-Encoding": "gzip"}), "the response's compression is broken"),
        (
            Raw(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + gzip.compress(b"x" * 999)[:20]),
            "the response was cut",
        ),
    ],
)
def test_broken_answers_may_pass(response: Raw | Reply, reason: str) -> None:
    """A response that is cut or broken is worth a retry."""
    with Server(lambda request: response) as server:
        assert transient_reason(failure(server.url)) == reason


def test_refused_connection_may_pass() -> None:
    """A server that is not up may come up."""
    with closed_port() as port:
        assert transient_reason(failure(f"http://127.0.0.1:{port}")) == "the connection was refused"


def test_unknown_host_may_pass() -> None:
    """A name that is not found may be found later."""
    assert transient_reason(failure("http://no-such-host.invalid")) == "the host name was not found"


def test_silence_may_pass() -> None:
    """A server that does not respond may respond the next time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.1)
    assert transient_reason(error) == "no response within `timeout`"


def test_silence_within_the_body_may_pass() -> None:
    """A server that falls silent may speak up the next time."""
    with Server(lambda request: Reply(b"12345", headers={"Content-Length": "10"})) as server:
        assert transient_reason(failure(server.url, 0.1)) == "no response within `timeout`"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            "no response within `timeout`",
            (
                "no response within `feedback.timeout` (60 s); raise `feedback.timeout`, or lower "
                "`feedback.paginator.limit`"
            ),
        ),
        (
            "the connection was refused",
            "the connection was refused; check `feedback.base_url`, or whether the server is up",
        ),
        (
            "the host name was not found",
            "the host name was not found; check `feedback.base_url`, or whether the server is up",
        ),
        ("the response was cut", "the response was cut; the API is at fault, so run the sync again later"),
        ("the connection broke", "the connection broke; run the sync again later"),
    ],
)
def test_failures_come_with_advice(reason: str, told: str) -> None:
    """The last line of a sync that failed at night says what to do now."""
    assert "".join(advise(reason, FEEDBACK)) == told


def test_untrusted_certificate_stays(tmp_path: Path) -> None:
    """A certificate that is not trusted is not trusted the next time either."""
    server = Server(lambda request: [])
    encrypt(server, tmp_path)
    with server:
        error = failure(server.url)
    assert isinstance(error, urllib3.exceptions.SSLError)
    assert transient_reason(error) is None
    found = explain(error, FEEDBACK, "")
    assert isinstance(found, FatalAPIError)
    assert "the certificate is not trusted (self" in str(found)
    assert "REQUESTS_CA_BUNDLE" in str(found)
    assert server.requests == []


def test_end_within_the_handshake_may_pass() -> None:
    """A connection that ends while encryption is agreed on is a broken one, not a wrong certificate."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # the alert "handshake failure"

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = failure(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(5)
    assert transient_reason(error) == "the encrypted connection broke"
    assert str(explain(error, FEEDBACK, "")) == "the encrypted connection broke"


def test_https_on_a_plain_server_is_named() -> None:
    """A server that speaks HTTP cannot read the greeting of HTTPS, and says so in plain text: the scheme is wrong."""
    with Server(lambda request: []) as server:
        found = explain(failure(server.url.replace("http:", "https:")), FEEDBACK, "")
    assert isinstance(found, TransientError)
    assert str(found) + found.hint == "the server speaks HTTP, not HTTPS; set `http://` in `feedback.base_url`"
    assert found.first_retries == 0


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.InvalidURL("no host"),
        requests.exceptions.InvalidHeader("a line break"),
        requests.exceptions.MissingSchema("no scheme"),
        urllib3.exceptions.LocationParseError("nowhere"),
        OSError("Could not find a suitable TLS CA certificate bundle"),
        ValueError("no number"),
    ],
)
def test_wrong_requests_stay(error: Exception) -> None:
    """What is wrong with the request or the machine does not pass by itself."""
    assert transient_reason(error) is None
    found = explain(error, FEEDBACK, "")
    assert isinstance(found, FatalAPIError)
    assert str(found) == f"the request failed and is not retried ({type(error).__name__}: {error})"


def test_reasons_hold_no_address() -> None:
    """A reason says nothing of the address, which may contain a key."""
    error = failure("http://geheim.invalid")
    assert "geheim" in str(error)
    assert "geheim" not in str(transient_reason(error))


def test_transient_error_knows_what_was_asked() -> None:
    """The error has the wait that a server asked for."""
    assert (str(TransientError("busy", retry_after=3)), TransientError("busy", retry_after=3).retry_after) == (
        "busy",
        3,
    )
    assert TransientError("busy").retry_after is None


# The decision

BUSY = TransientError("returned 429 Too Many Requests", hint="; slow down", refused=True)
RESET = TransientError("the connection was reset")
HTML = TransientError("returned HTML, not JSON", first_retries=0)
ERROR = TransientError("the response has no `data`", first_retries=1)


def refusal(strikes: int) -> TransientError:
    """A refusal, the last of a number in a row by its host."""
    error = TransientError(str(BUSY), hint=BUSY.hint, refused=True)
    error.strikes = strikes
    return error


@pytest.mark.parametrize(
    ("failure", "tries", "proven", "decision"),
    [
        (RESET, 1, True, Wait(2)),
        (RESET, 3, True, Wait(8)),
        (RESET, 4, True, GiveUp()),
        (RESET, 1, False, Wait(2)),
        (BUSY, 1, True, Wait(2)),
        (BUSY, 2, False, Wait(4)),
        (BUSY, 4, True, GiveUp()),
        (TransientError("busy", retry_after=30), 1, True, Wait(30)),
        (TransientError("busy", retry_after=300), 3, True, Wait(300)),
        (TransientError("busy", retry_after=30), 4, True, GiveUp()),
        (TransientError("busy", retry_after=300.5), 1, True, GiveUp(too_long=True)),
        (TransientError("busy", retry_after=0), 2, True, Wait(4)),
        (HTML, 1, True, Wait(2)),
        (HTML, 1, False, GiveUp()),
        (ERROR, 1, False, Wait(2)),
        (ERROR, 2, False, GiveUp()),
        (ERROR, 2, True, Wait(4)),
    ],
)
def test_decide(failure: TransientError, tries: int, proven: bool, decision: Wait | GiveUp) -> None:  # noqa: FBT001
    """A wait that the API asks for is kept; without one the waits grow; both have their limit in the settings."""
    assert decide(failure, tries, Retry(), jitter=0, proven=proven) == decision


def test_no_retries() -> None:
    """With `max_retries: 0`, the first failure is the last, also if it is a refusal."""
    for error in (RESET, BUSY, TransientError("busy", retry_after=1)):
        assert decide(error, 1, Retry(max_retries=0), jitter=0) == GiveUp()


def test_a_wait_that_is_asked_for_is_a_refusal() -> None:
    """An API that asks for a wait wants it of all requests; asking for none, or for a moment in the past, does not."""
    assert TransientError("returned 503 Service Unavailable", retry_after=5).refused
    assert not TransientError("returned 503 Service Unavailable", retry_after=0).refused
    assert not TransientError("returned 503 Service Unavailable").refused


def test_refusals_use_up_no_retry_while_others_succeed() -> None:
    """A request that is refused nine times, with successes of others in between, has all its retries left."""
    tries = Tries()
    assert [tries.add(refusal(1)) for _ in range(9)] == [1] * 9
    assert tries.any
    assert tries.add(RESET) == 1


def test_refusals_of_one_path_come_to_an_end() -> None:
    """A request that is refused for ever while others succeed fails at last."""
    tries = Tries()
    assert [tries.add(refusal(1)) for _ in range(20)][-1] == 4
    assert str(tries) == "returned 429 Too Many Requests, 20 times in a row"


def test_refusals_count_when_nothing_succeeds() -> None:
    """A host that refuses everything is given up after the retries, whichever requests it refused."""
    tries = Tries()
    assert [tries.add(refusal(strikes)) for strikes in (2, 4)] == [2, 4]
    assert str(tries) == "returned 429 Too Many Requests, 4 times in a row"


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ([RESET], "the connection was reset"),
        ([RESET, RESET], "the connection was reset, 2 times in a row"),
        (
            [BUSY, BUSY, RESET],
            "3 tries failed (returned 429 Too Many Requests, 2 times; the connection was reset, once); slow down",
        ),
    ],
)
def test_tries_say_what_happened(failures: list[TransientError], words: str) -> None:
    """Tries that failed for one reason are counted; if there are several, each is named."""
    tries = Tries()
    for error in failures:
        tries.add(error)
    assert f"{tries}{tries.hint}" == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(30, "30 s"), (0.5, "0.5 s"), (2.04, "2 s"), (86_400.0, "86,400 s"), (29.37, "29.4 s")]
)
def test_in_seconds(seconds: float, words: str) -> None:
    """Seconds are written with one decimal, if they have any."""
    assert in_seconds(seconds) == words
