"""Failures of requests: what they mean and what to do about them, in words."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING

import urllib3
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from tap_feedback.settings import Api

#: The setting with the URL of all requests except those for access tokens.
BASE_URL = "base_url"

NOT_FOUND = "the host name was not found"
REFUSED = "the connection was refused"
NO_RESPONSE = "no response within `timeout`"
BAD_COMPRESSION = "the response's compression is broken"
CUT = "the response was cut"

#: Failures that may pass, from the most specific cause to the least.
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
#: What to do about a failure of the API itself, as the end of a message.
FAULT_OF_API = "; the API is at fault, so run the sync again later"
#: OpenSSL's reasons if the server does not speak TLS.
NOT_TLS = {"HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL", "WRONG_VERSION_NUMBER"}


def transient_reason(error: Exception) -> str | None:
    """Return why a request failed, in words without a URL, if a retry may help; else None.

    A retry does not help against an untrusted certificate, an invalid URL or an invalid header.
    """
    # The innermost cause is the most specific: a refused connection is wrapped four times.
    if caused_by(error, ssl.SSLCertVerificationError):
        return None
    for cause, reason in REASONS.items():
        if caused_by(error, cause):
            return reason
    return None


def explain(error: Exception, api: Api, proxy: str, *, setting: str = BASE_URL) -> TransientError | FatalAPIError:
    """Return the error to raise for a failed request, in words without path, query and password.

    Args:
        error: What urllib3 or requests raised.
        api: The API's settings.
        proxy: Host and port of the proxy; empty without a proxy.
        setting: The setting with the URL.
    """
    if tunnel := re.search(r"Tunnel connection failed: (\d+)", str(error)):
        return refused_by_proxy(int(tunnel[1]), proxy)
    of_proxy = caused_by(error, urllib3.exceptions.ProxyError) is not None
    untrusted = caused_by(error, ssl.SSLCertVerificationError)
    if isinstance(untrusted, ssl.SSLCertVerificationError):
        whose = f"of the proxy {proxy} " if of_proxy else ""
        return FatalAPIError(
            f"the certificate {whose}is not trusted ({untrusted.verify_message}); if your own authority issued it, "
            "set REQUESTS_CA_BUNDLE to the authority's certificate"
        )
    if getattr(caused_by(error, ssl.SSLError), "reason", None) in NOT_TLS:
        where = "for it in HTTPS_PROXY" if of_proxy else f"in `{api.name}.{setting}`"
        whose = f"the proxy {proxy}" if of_proxy else "the server"
        return TransientError(f"{whose} speaks HTTP, not HTTPS", hint=f"; set `http://` {where}", first_retries=0)
    reason = transient_reason(error)
    if reason is None:
        return FatalAPIError(f"the request failed and is not retried ({type(error).__name__}: {error})")
    words, hint = advise(reason, api, setting=setting)
    if of_proxy:
        return TransientError(
            f"the proxy {proxy} failed: {words}", hint="; check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"
        )
    return TransientError(f"{words} (through the proxy {proxy})" if proxy else words, hint=hint)


def advise(reason: str, api: Api, *, setting: str = BASE_URL) -> tuple[str, str]:
    """Return one of REASONS with the settings involved, and what to do about it, as the end of a message."""
    if reason == NO_RESPONSE:
        words = f"no response within `{api.name}.timeout` ({in_seconds(api.timeout)})"
        smaller = f", or lower `{api.name}.paginator.limit`" if setting == BASE_URL else ""
        return words, f"; raise `{api.name}.timeout`{smaller}"
    return reason, {
        NOT_FOUND: f"; check `{api.name}.{setting}`, or whether the server is up",
        REFUSED: f"; check `{api.name}.{setting}`, or whether the server is up",
        CUT: FAULT_OF_API,
        BAD_COMPRESSION: FAULT_OF_API,
    }.get(reason, "; run the sync again later")


def refused_by_proxy(status: int, proxy: str) -> TransientError | FatalAPIError:
    """Return the error to raise for a status that the proxy itself sent."""
    message = f"the proxy {proxy} returned {phrase(status)}"
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return FatalAPIError(f"{message}; check its user and password in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(message)
    return FatalAPIError(f"{message}; check whether it allows requests to this host")


def phrase(status: int) -> str:
    """Return a status with its name, if it has one."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def caused_by(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """Return the first error of this kind among an error and those that it wraps; None without a match."""
    while error is not None:
        if isinstance(error, kind):
            return error
        inner = [part for part in (*error.args, getattr(error, "reason", None)) if isinstance(part, BaseException)]
        error = inner[0] if inner else error.__cause__ or error.__context__
    return None


def in_seconds(seconds: float) -> str:
    """Return a number of seconds as text, such as `30 s` or `0.5 s`."""
    return f"{seconds:,.1f}".removesuffix(".0") + " s"
