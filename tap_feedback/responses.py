"""Responses: which statuses and bodies may hold a page, and what the others mean."""

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
    """The response to one request; `body` is decoded from its transfer and content encoding.

    `sent` is when the request was sent, by the API's clock, if its `Date` header says so. `held_until` is when it was
    sent, by the monotonic clock, if it had to wait for its turn; 0 if not.
    """

    status: int
    body: bytes
    received: datetime
    headers: Mapping[str, str]
    sent: datetime | None = None
    held_until: float = 0.0


class RefusedError(FatalAPIError):
    """The API answered with a status that is neither of a page nor transient."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def check_status(status: int, headers: Mapping[str, str], api: Api) -> None:
    """Let the statuses of pages pass.

    Raises:
        TransientError: The status is one of `retry.statuses`; with the wait that the API asks for.
        RefusedError: Any other status; the message says which setting to look at.
    """
    if status in PAGES:
        return
    slower = f"; set `{api.name}.requests_per_minute`, or lower `{api.name}.max_connections`"
    check_transient(status, headers, api, slower=slower)
    raise RefusedError(f"answered {phrase(status)}{hint(status, api)}", status)


def check_transient(status: int, headers: Mapping[str, str], api: Api, *, slower: str = "") -> None:
    """Let the statuses pass that are not in `retry.statuses`.

    Args:
        status: The status of a response.
        headers: Its headers.
        api: The API's settings.
        slower: What to do about a 429, as the end of a message.

    Raises:
        TransientError: The status is one of them; with the wait that the API asks for.
    """
    if status not in api.retry.statuses:
        return
    too_many = status == HTTPStatus.TOO_MANY_REQUESTS
    raise TransientError(
        f"answered {phrase(status)}",
        hint=slower if too_many else FAULT_OF_API if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "",
        retry_after=requested_wait(headers, api.retry.wait_headers),
        refused=too_many,
    )


def hint(status: int, api: Api) -> str:
    """What a person can do about a status, as the end of a message."""
    key, auth = f"`{api.name}.api_key`", f"`{api.name}.auth`"
    if isinstance(api.auth, ApiKeyAuth):
        auth = f"`{api.name}.auth.name` and `{api.name}.auth.location`"
    path = f"; check `{api.name}.base_url`, `{api.name}.path_prefix` and the stream's `path`"
    parameters = f"; check `{api.name}.params`, `{api.name}.paginator` and `{api.name}.incremental`"
    hints = {
        400: parameters,
        401: f"; check {key}, and in {auth} how it is sent",
        403: f"; check what the key in {key} may read, in {auth} how it is sent, and the stream's `path`",
        404: f"{path}, or deselect the stream if the API does not have it (in the catalog, or by `select:` in Meltano)",
        422: parameters,
    }
    if 200 <= status < 300:  # noqa: PLR2004 - success, though not of this kind
        return "; only 200, 203 and 204 are responses"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FAULT_OF_API
    return hints.get(status, path if status >= HTTPStatus.BAD_REQUEST else "")


def check_body(body: bytes, status: int, headers: Mapping[str, str], api: Api) -> None:
    """Let a body pass that may be JSON.

    Raises:
        TransientError: It is empty, or HTML, which is the page of a wrong address, or of a server under repair.
    """
    if not body and status != HTTPStatus.NO_CONTENT:
        raise TransientError(f"answered {phrase(status)} with nothing in it", hint=FAULT_OF_API)
    start = body[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    typed = start.startswith(b"<") and "html" in headers.get("Content-Type", "").lower()
    if typed or start.startswith((b"<!doctype html", b"<html")):
        raise TransientError(
            "returned HTML, not JSON",
            hint=f"; check `{api.name}.base_url` and `{api.name}.path_prefix`",
            first_retries=0,
        )


def api_clock(dates: Iterable[str], took: float) -> datetime | None:
    """When a request was sent, by the clock of the API, or earlier; None if the response does not say.

    Args:
        dates: The response's `Date` headers, of which a proxy may add one. Each says when it was written.
        took: Seconds from the request to the response. The whole ones come off, as the API read its rows meanwhile.
    """
    moments = [moment for text in dates if (moment := parse_http_date(text)) is not None]
    return min(moments) - timedelta(seconds=int(took)) if moments else None


def read_body(response: BaseHTTPResponse) -> bytes:
    """Read the whole body of a response, up to a size.

    Raises:
        FatalAPIError: The body is larger than MAX_BODY.
    """
    chunks, size = [], 0
    while chunk := response.read1(CHUNK, decode_content=True):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            raise FatalAPIError(f"answered with more than {MAX_BODY // 1024 // 1024} MiB: ask for smaller pages")
    return b"".join(chunks)
