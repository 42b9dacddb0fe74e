"""Responses of an API: which statuses and bodies may hold a page, and what the others mean."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.auth.api_key import ApiKeyAuth
from tap_feedback.failures import FAULT_OF_API, phrase
from tap_feedback.records.timestamps import parse_http_date
from tap_feedback.retry import TransientError
from tap_feedback.wait_headers import requested_wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from urllib3 import BaseHTTPResponse

    from tap_feedback.settings import Api

#: Maximum number of bytes in a response, decoded.
MAX_BODY = 256 * 1024 * 1024
CHUNK = 64 * 1024
#: The statuses of responses that may hold a page; 203 is a 200 that a proxy has changed.
PAGES = {HTTPStatus.OK, HTTPStatus.NON_AUTHORITATIVE_INFORMATION, HTTPStatus.NO_CONTENT}


class Response(NamedTuple):
    """The response to one request, with its transfer and content encoding decoded.

    `sent` is the time of the request by the API's clock, if its `Date` header has it. `held_until` is the time of the
    request by the monotonic clock, if it had to wait for its turn, else 0.
    """

    status: int
    body: bytes
    received: datetime
    headers: Mapping[str, str]
    sent: datetime | None = None
    held_until: float = 0.0


class RefusedError(FatalAPIError):
    """The API returned a status that is neither that of a page nor transient."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def check_status(status: int, headers: Mapping[str, str], api: Api) -> None:
    """Let the statuses of pages pass.

    Raises:
        TransientError: The status is one of `retry.statuses`. The error has the wait that the API asks for.
        RefusedError: The status is another one. The message names the settings to check.
    """
    if status in PAGES:
        return
    slower = f"; set `{api.name}.requests_per_minute`, or lower `{api.name}.max_connections`"
    check_transient(status, headers, api, slower=slower)
    raise RefusedError(f"returned {phrase(status)}{hint(status, api)}", status)


def check_transient(status: int, headers: Mapping[str, str], api: Api, *, slower: str = "") -> None:
    """Let the statuses pass that are not in `retry.statuses`.

    Args:
        status: The status of a response.
        headers: Its headers.
        api: The API's settings.
        slower: What to do about a 429, as the end of a message.

    Raises:
        TransientError: The status is one of them. The error has the wait that the API asks for.
    """
    if status not in api.retry.statuses:
        return
    too_many = status == HTTPStatus.TOO_MANY_REQUESTS
    raise TransientError(
        f"returned {phrase(status)}",
        hint=slower if too_many else FAULT_OF_API if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "",
        retry_after=requested_wait(headers, api.retry.wait_headers),
        refused=too_many,
    )


def hint(status: int, api: Api) -> str:
    """Return what to do about a status, as the end of a message."""
    key, auth = f"`{api.name}.api_key`", f"`{api.name}.auth`"
    if isinstance(api.auth, ApiKeyAuth):
        auth = f"`{api.name}.auth.name` and `{api.name}.auth.location`"
    path = f"; check `{api.name}.base_url`, `{api.name}.path_prefix` and the stream's `path`"
    parameters = f"; check `{api.name}.params`, `{api.name}.paginator` and `{api.name}.incremental`"
    hints = {
        400: parameters,
        401: f"; check {key}, and how it is sent ({auth})",
        403: f"; check what {key} may read, how it is sent ({auth}), and the stream's `path`",
        404: f"{path}, or deselect the stream if the API does not have it (in the catalog, or by `select:` in Meltano)",
        422: parameters,
    }
    if 200 <= status < 300:  # noqa: PLR2004 - success, though not of this kind
        return "; the tap accepts only 200, 203 and 204"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FAULT_OF_API
    return hints.get(status, path if status >= HTTPStatus.BAD_REQUEST else "")


def check_body(body: bytes, status: int, headers: Mapping[str, str], api: Api) -> None:
    """Let a body pass that may be JSON.

    Raises:
        TransientError: It is empty; or it is HTML, as from a wrong URL or a server under maintenance.
    """
    if not body and status != HTTPStatus.NO_CONTENT:
        raise TransientError(f"returned {phrase(status)} with an empty body", hint=FAULT_OF_API)
    start = body[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    typed = start.startswith(b"<") and "html" in headers.get("Content-Type", "").lower()
    if typed or start.startswith((b"<!doctype html", b"<html")):
        raise TransientError(
            "returned HTML, not JSON",
            hint=f"; check `{api.name}.base_url` and `{api.name}.path_prefix`",
            first_retries=0,
        )


def api_clock(dates: Iterable[str], took: float) -> datetime | None:
    """Return when a request was sent, or a moment before, by the API's clock; None without a usable `Date`.

    Args:
        dates: The response's `Date` headers, each with the time at which it was written. A proxy may add one.
        took: Seconds from the request to the response. Whole seconds are subtracted, as the API may have read its rows
            at any moment of that time.
    """
    moments = [moment for text in dates if (moment := parse_http_date(text)) is not None]
    return min(moments) - timedelta(seconds=int(took)) if moments else None


def read_body(response: BaseHTTPResponse) -> bytes:
    """Read the whole body of a response.

    Raises:
        FatalAPIError: The body is larger than MAX_BODY.
    """
    chunks, size = [], 0
    while chunk := response.read1(CHUNK, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise FatalAPIError(f"returned more than {MAX_BODY // 1024 // 1024} MiB; request smaller pages")
    return b"".join(chunks)
