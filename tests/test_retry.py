"""Which failures are transient, told by real ones, and how long to wait."""

from __future__ import annotations

import gzip
import math
import socket
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3

from tap_feedback.retry import TransientError, backoff, retry_after, transient_reason
from tap_feedback.transport import Transport
from tests.server import Raw, Reply, Server
from tests.tls import encrypt

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2024, 1, 31, 12, tzinfo=timezone.utc)
HEAD = b"HTTP/1.1 200 OK\r\n"


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


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


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
        ("999999999", 999_999_999),
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
    """Every form of `Retry-After` is read, and what cannot be read is no wish."""
    assert retry_after(value, NOW) == seconds


def test_retry_after_asks_from_now() -> None:
    """A date is so far away as it is from the moment given, in whatever time zone that is."""
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
    ("answer", "reason"),
    [
        (Raw(reset=True), "the connection was reset"),
        (Raw(), "the connection was reset"),
        (Raw(b"nonsense\r\n\r\n"), "the connection broke"),
        (Raw(HEAD + b"Content-Length: 10\r\n\r\n12345"), "the answer was cut"),
        (Raw(HEAD + b"Content-Length: 10\r\n\r\n"), "the answer was cut"),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"), "the answer was cut"),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n123"), "the answer was cut"),
        (Raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nno size\r\n"), "the answer was cut"),
        (Raw(HEAD + b"Content-Length: 10\r\n\r\n12345", reset=True), "the connection was reset"),
        (Reply(b"not gzip", headers={"Content-Encoding": "gzip"}), "the answer's compression is broken"),
        (
            Raw(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + gzip.compress(b"x" * 999)[:20]),
            "the answer was cut",
        ),
    ],
)
def test_broken_answers_may_pass(answer: Raw | Reply, reason: str) -> None:
    """An answer that breaks off or breaks down is worth another try."""
    with Server(lambda asked: answer) as server:
        assert transient_reason(failure(server.url)) == reason


def test_refused_connection_may_pass() -> None:
    """A server that is not up may come up."""
    assert transient_reason(failure(f"http://127.0.0.1:{closed_port()}")) == "the connection was refused"


def test_unknown_host_may_pass() -> None:
    """A name that is not found may be found later."""
    assert transient_reason(failure("http://no-such-host.invalid")) == "the host name was not found"


def test_silence_may_pass() -> None:
    """A server that does not answer may answer the next time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}", 0.1)
    assert transient_reason(error) == "no answer within `timeout`"


def test_silence_within_the_body_may_pass() -> None:
    """A server that falls silent may speak up the next time."""
    with Server(lambda asked: Reply(b"12345", headers={"Content-Length": "10"})) as server:
        assert transient_reason(failure(server.url, 0.1)) == "no answer within `timeout`"


def test_untrusted_certificate_stays(tmp_path: Path) -> None:
    """A certificate that is not trusted is not trusted the next time either."""
    server = Server(lambda asked: [])
    encrypt(server, tmp_path)
    with server:
        error = failure(server.url)
    assert isinstance(error, urllib3.exceptions.SSLError)
    assert transient_reason(error) is None
    assert server.asked == []


def test_end_within_the_handshake_may_pass() -> None:
    """A connection that ends while encryption is agreed on is a broken one, not a wrong certificate."""
    with Server(lambda asked: []) as server:
        # A plain server cannot read the greeting, and says so in plain text.
        error = failure(server.url.replace("http:", "https:"))
    assert transient_reason(error) == "the encrypted connection broke"


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


def test_reasons_hold_no_address() -> None:
    """A reason says nothing of the address, in which a key may stand."""
    error = failure("http://geheim.invalid")
    assert "geheim" in str(error)
    assert "geheim" not in str(transient_reason(error))


def test_transient_error_knows_what_was_asked() -> None:
    """The wait that a server asked for travels with the error."""
    assert (str(TransientError("busy", asked=3)), TransientError("busy", asked=3).asked) == ("busy", 3)
    assert TransientError("busy").asked is None
