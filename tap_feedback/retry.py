"""Which failures are transient, and how long to wait before the next try."""

from __future__ import annotations

import http.client
import math
import socket
import ssl
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import urllib3

#: Seconds; who tries ever again should not wait for days.
LONGEST_BACKOFF = 3600.0

#: What may pass, from the most telling cause to the least.
REASONS: dict[type[BaseException], str] = {
    socket.gaierror: "the host name was not found",
    ConnectionRefusedError: "the connection was refused",
    urllib3.exceptions.ReadTimeoutError: "no answer within `timeout`",
    urllib3.exceptions.ConnectTimeoutError: "no answer within `timeout`",
    TimeoutError: "no answer within `timeout`",
    urllib3.exceptions.DecodeError: "the answer's compression is broken",
    http.client.IncompleteRead: "the answer was cut",
    ConnectionResetError: "the connection was reset",
    urllib3.exceptions.ProtocolError: "the connection broke",
    ssl.SSLError: "the encrypted connection broke",
    urllib3.exceptions.NewConnectionError: "the connection failed",
    urllib3.exceptions.ProxyError: "the connection failed",
}
#: A number of seconds above this one is a Unix epoch: nobody asks a client to wait for thirty years.
EPOCH_FROM = 1_000_000_000


class TransientError(Exception):
    """A failure that may pass when the request is sent again.

    Attributes:
        asked: Seconds for which the server asked to wait; None where it did not ask.
    """

    def __init__(self, message: str, *, asked: float | None = None) -> None:
        super().__init__(message)
        self.asked = asked


def transient_reason(error: Exception) -> str | None:
    """Why a request failed, in words that hold no URL, where sending it again may help; else None.

    Certificate errors stay until somebody mends the certificate; a URL or header that is refused stays as it is.
    """
    # The innermost cause says most: a refused connection comes wrapped four times.
    if _caused_by(error, ssl.SSLCertVerificationError):
        return None
    for cause, reason in REASONS.items():
        if _caused_by(error, cause):
            return reason
    return None


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Whether an error, or one that it wraps, is of this kind."""
    while error is not None:
        if isinstance(error, kind):
            return True
        inner = [part for part in (*error.args, getattr(error, "reason", None)) if isinstance(part, BaseException)]
        error = inner[0] if inner else error.__cause__ or error.__context__
    return False


def backoff(attempt: int, factor: float, jitter: float) -> float:
    """Seconds to wait after the failed try number `attempt` (from 1): factor^attempt, plus up to a tenth.

    A factor of 0 never waits. `jitter` is a random number from 0 to 1, which keeps clients apart that failed together.
    """
    return 0.0 if factor == 0 else min(float(factor) ** attempt, LONGEST_BACKOFF) * (1 + jitter / 10)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks to wait, from seconds, an HTTP date or a Unix epoch.

    Returns:
        0 or more; None where there is no header, or none that can be read.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (OverflowError, ValueError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        seconds = (moment - now).total_seconds()
    else:
        if not math.isfinite(seconds):
            return None
        if seconds >= EPOCH_FROM:
            seconds -= now.timestamp()
    return max(0.0, seconds)
