"""Check of a stream's requests before the first: whether the key, the paging values and the range have a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.exceptions import ConfigurationError

from tap_feedback.auth.api_key import ApiKeyAuth
from tap_feedback.body import PlaceError, with_values
from tap_feedback.hooks import is_overridden
from tap_feedback.paging import PageRequest
from tap_feedback.request import Assembler, RangeRequest

if TYPE_CHECKING:
    from tap_feedback.api_stream import ApiStream

#: Hooks with which a subclass builds its requests.
OWN_REQUESTS = ("get_http_request", "prepare_request_payload", "http_method")
#: Settings of paginators that name parameters which the first request may lack.
LATER = ("cursor_param", "offset_param", "page_param")


def check_requests(stream: ApiStream, bounds: tuple[str | None, str | None]) -> None:
    """Check that the requests of a stream have a place for the key, the paging values and the time range.

    Args:
        stream: The stream.
        bounds: The time range of a request.

    Raises:
        ConfigurationError: A place is missing. The message says what to change.
    """
    if any(is_overridden(stream, hook) for hook in OWN_REQUESTS):
        return
    declaration, auth, place = stream.declaration, stream.connection.api.auth, f"{stream.api}.streams.{stream.name}"
    key = [auth.name] if isinstance(auth, ApiKeyAuth) and auth.location == "body" else []
    if declaration.method == "GET":
        in_body = ["auth.location"] * bool(key) + ["paginator.location"] * (declaration.paginator.location == "body")
        if in_body:
            raise ConfigurationError(
                f"{stream.name}: `{in_body[0]}` is `body`, but a GET has no body; set `{place}.method` to `POST`, or "
                "deselect the stream"
            )
        return
    names = [getattr(declaration.paginator, name) for name in LATER if hasattr(declaration.paginator, name)]
    page = stream.get_new_paginator().request
    page = PageRequest({**page.params, **dict.fromkeys(names, "")}, is_first=True)
    try:
        body = Assembler(declaration, {}).body(RangeRequest({}, *bounds, page))
        with_values(body, dict.fromkeys(key, ""))
    except PlaceError as error:
        raise ConfigurationError(f"{stream.name}: {error}; check `{place}.json`") from None
