"""Retries: which failures are transient, whether to try again, and how long to wait before it."""

from __future__ import annotations

import http.client
import math
import re
import socket
import ssl
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import urllib3
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.records.timestamps import WAIT_EPOCH_FROM, parse_http_date, parse_instant

if TYPE_CHECKING:
    from datetime import datetime

    from tap_feedback.settings import Api, Retry

#: Seconds; a tap that retries a hundred times must not wait for days.
LONGEST_BACKOFF = 3600.0
#: A request that is refused so often while others succeed has used up one of its retries: not the host but its own
#: path seems to be closed.
REFUSALS_PER_RETRY = 5

NOT_FOUND = "the host name was not found"
REFUSED = "the connection was refused"
NO_RESPONSE = "no response within `timeout`"
BAD_COMPRESSION = "the response's compression is broken"
CUT = "the response was cut"

#: What may pass, from the most telling cause to the least.
REASONS: dict[type[BaseException], str] = {
    socket.gaierror: NOT_FOUND,
    ConnectionRefusedError: REFUSED,
    urllib3.exceptions.ReadTimeoutError: NO_RESPONSE,
    urllib3.exceptions.ConnectTimeoutError: NO_RESPONSE,
    TimeoutError: NO_RESPONSE,
    urllib3.exceptions.DecodeError: BAD_COMPRESSION,
    http.client.IncompleteRead: CUT,
    ConnectionResetError: "the connection was reset",
    urllib3.exceptions.ProtocolError: "the connection broke",
    ssl.SSLError: "the encrypted connection broke",
    urllib3.exceptions.NewConnectionError: "the connection failed",
    urllib3.exceptions.ProxyError: "the connection failed",
}
#: What to do about a failure for which the API is to blame, as the end of a message.
FAULT_OF_API = "; the fault is the API's: run the sync again later"
#: What OpenSSL says if the other side does not speak TLS.
NOT_TLS = {"HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL", "WRONG_VERSION_NUMBER"}


class TransientError(Exception):
    """A failure that may pass when the request is sent again.

    Attributes:
        hint: What to do about it, as the end of a message.
        asked: Seconds that the API asked to wait; None if it did not ask.
        refused: Whether the API refuses all requests for now, because they are too many.
        first_retries: Most retries of a stream's first page, if wrong settings are the likelier cause; None for all.
        strikes: Times in a row that the host paused all requests, this one included; the gate sets it.
        held_until: When the request was sent, by the monotonic clock, if it had to wait for its turn; 0 if not.
    """

    strikes = 0
    held_until = 0.0

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        asked: float | None = None,
        refused: bool = False,
        first_retries: int | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.asked = asked
        self.refused = refused or bool(asked)
        self.first_retries = first_retries


class Wait(NamedTuple):
    """The decision to try again, after some seconds."""

    seconds: float


class GiveUp(NamedTuple):
    """The decision to fail; `too_long` if the API asked for a longer wait than `retry.max_wait`."""

    too_long: bool = False


def decide(failure: TransientError, tries: int, policy: Retry, *, jitter: float, proven: bool = True) -> Wait | GiveUp:
    """Decide whether a request is tried again, and after what wait.

    Args:
        failure: Why the last try failed.
        tries: Tries that count, the last one included; see `Tries`.
        policy: The API's settings.
        jitter: A random number from 0 to 1, which keeps clients apart that failed together.
        proven: Whether the stream's settings are known to work, as it has a page.
    """
    if failure.asked is not None and failure.asked > policy.max_wait:
        return GiveUp(too_long=True)
    if tries > policy.max_retries or (
        not proven and failure.first_retries is not None and tries > failure.first_retries
    ):
        return GiveUp()
    # An API that asks to wait until a moment in the past has another clock: the usual wait is the safer one.
    return Wait(failure.asked or backoff(tries, policy.backoff_factor, jitter))


class Tries:
    """The failed tries of one request."""

    def __init__(self) -> None:
        self._failures: list[TransientError] = []

    def add(self, failure: TransientError) -> int:
        """Add a failure.

        Returns:
            The tries that count so far. A refusal counts only if no request to the host succeeded since the one before.
        """
        self._failures.append(failure)
        alike = sum(other.refused == failure.refused for other in self._failures)
        return max(failure.strikes, alike // REFUSALS_PER_RETRY) if failure.refused else alike

    def __str__(self) -> str:
        """What happened, and how often."""
        reasons = Counter(map(str, self._failures))
        if len(reasons) > 1:
            each = "; ".join(reason + _times(number) for reason, number in reasons.items())
            return f"{len(self._failures)} tries failed ({each})"
        last = self._failures[-1]
        number = max(len(self._failures), last.strikes)
        return f"{last}{_times(number)} in a row" if number > 1 else str(last)

    @property
    def any(self) -> bool:
        """Whether a try has failed."""
        return bool(self._failures)

    @property
    def hint(self) -> str:
        """What to do about it, as the end of a message."""
        return "".join(dict.fromkeys(failure.hint for failure in self._failures))


def _times(number: int) -> str:
    """How often, after what happened."""
    return f", {number} times" if number > 1 else ", once"


def transient_reason(error: Exception) -> str | None:
    """Why a request failed, in words that hold no URL, if sending it again may help; else None.

    Certificate errors stay until somebody mends the certificate; a URL or header that is refused stays as it is.
    """
    # The innermost cause says most: a refused connection comes wrapped four times.
    if caused_by(error, ssl.SSLCertVerificationError):
        return None
    for cause, reason in REASONS.items():
        if caused_by(error, cause):
            return reason
    return None


def explain(error: Exception, api: Api, proxy: str) -> TransientError | FatalAPIError:
    """What a failed request means, in words without path, query and password.

    Args:
        error: What urllib3 or requests raised.
        api: The API's settings.
        proxy: Host and port of the proxy that leads to it, empty if there is none.
    """
    if tunnel := re.search(r"Tunnel connection failed: (\d+)", str(error)):
        return refused_by_proxy(int(tunnel[1]), proxy)
    of_proxy = caused_by(error, urllib3.exceptions.ProxyError) is not None
    untrusted = caused_by(error, ssl.SSLCertVerificationError)
    if isinstance(untrusted, ssl.SSLCertVerificationError):
        whose = f"of the proxy {proxy} " if of_proxy else ""
        return FatalAPIError(
            f"the certificate {whose}is not trusted ({untrusted.verify_message}); if your own authority issued it, "
            "name the authority's certificate in REQUESTS_CA_BUNDLE"
        )
    if getattr(caused_by(error, ssl.SSLError), "reason", None) in NOT_TLS:
        where = "for it in HTTPS_PROXY" if of_proxy else f"in `{api.name}.base_url`"
        whose = f"the proxy {proxy}" if of_proxy else "the server"
        return TransientError(f"{whose} speaks HTTP, not HTTPS", hint=f"; set `http://` {where}", first_retries=0)
    reason = transient_reason(error)
    if reason is None:
        return FatalAPIError(f"the request failed and is not retried ({type(error).__name__}: {error})")
    words, hint = advise(reason, api)
    if of_proxy:
        return TransientError(
            f"the proxy {proxy} failed: {words}", hint="; check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"
        )
    return TransientError(f"{words} (through the proxy {proxy})" if proxy else words, hint=hint)


def advise(reason: str, api: Api) -> tuple[str, str]:
    """One of REASONS with the settings that it is about, and what to do about it, as the end of a message."""
    if reason == NO_RESPONSE:
        words = f"no response within `{api.name}.timeout` ({in_seconds(api.timeout)})"
        return words, f"; raise `{api.name}.timeout`, or lower `{api.name}.paginator.limit`"
    return reason, {
        NOT_FOUND: f"; check `{api.name}.base_url`, or whether the server is up",
        REFUSED: f"; check `{api.name}.base_url`, or whether the server is up",
        CUT: FAULT_OF_API,
        BAD_COMPRESSION: FAULT_OF_API,
    }.get(reason, "; run the sync again later")


def refused_by_proxy(status: int, proxy: str) -> TransientError | FatalAPIError:
    """What a status means with which a proxy itself answers."""
    message = f"the proxy {proxy} answered {phrase(status)}"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return FatalAPIError(f"{message}; check its user and password in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(message)
    return FatalAPIError(f"{message}; check whether it allows requests to this host")


def phrase(status: int) -> str:
    """A status with its name, if it has one."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def caused_by(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The error of this kind among an error and those that it wraps; None if there is none."""
    while error is not None:
        if isinstance(error, kind):
            return error
        inner = [part for part in (*error.args, getattr(error, "reason", None)) if isinstance(part, BaseException)]
        error = inner[0] if inner else error.__cause__ or error.__context__
    return None


def backoff(attempt: int, factor: float, jitter: float) -> float:
    """Seconds to wait after the failed try number `attempt` (from 1): factor^attempt, plus up to a tenth.

    A factor of 0 never waits. `jitter` is a random number from 0 to 1.
    """
    return 0.0 if factor == 0 else min(float(factor) ** attempt, LONGEST_BACKOFF) * (1 + jitter / 10)


def in_seconds(seconds: float) -> str:
    """A number of seconds as a person writes it: `30 s`, `0.5 s`."""
    return f"{seconds:,.1f}".removesuffix(".0") + " s"


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks to wait, from seconds, an HTTP date or a Unix epoch.

    Returns:
        0 or more; None if there is no header, or none that can be read.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = parse_http_date(value)
        if moment is None:
            return None
    else:
        if not math.isfinite(seconds):
            return None
        moment = parse_instant(seconds) if seconds >= WAIT_EPOCH_FROM else None
    return max(0.0, seconds if moment is None else (moment - now).total_seconds())
