"""Client of one host: sends a request, follows redirects on the same host, and reads the response in time."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timezone
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.failures import BASE_URL, explain, phrase, refused_by_proxy
from tap_feedback.responses import Response, api_clock, read_body
from tap_feedback.transport import Transport
from tap_feedback.urls import Location, Origin, locate, origin, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_feedback.settings import Api

MAX_REDIRECTS = 5
#: Redirects that keep the method and the body of a request.
KEEP_METHOD = {HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT}


class Host:
    """One host of an API. Any thread may send requests to it.

    Args:
        api: The API's settings.
        url: A URL on the host.
        user_agent: Sent with every request.
        size: Number of connections to keep open.
        setting: The setting with the URL, named in messages.
    """

    def __init__(self, api: Api, url: str, user_agent: str, *, size: int, setting: str = BASE_URL) -> None:
        self.api = api
        self._url = url
        self._setting = setting
        self._transport = Transport(url, {"User-Agent": user_agent, "Accept": "application/json"}, size)

    @cached_property
    def origin(self) -> Origin:
        """Scheme, host and port."""
        return locate(self._url).origin

    def exchange(
        self,
        method: str,
        location: Location,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        check: Callable[[int, Mapping[str, str]], None],
    ) -> Response:
        """Send a request, follow redirects on the same host, and read the response.

        Args:
            method: Such as GET.
            location: Where to send it.
            headers: Sent in addition to `User-Agent` and `Accept`.
            body: Sent unchanged.
            check: Raises if the status and headers show that the body is of no use.

        Raises:
            TransientError: The request failed, and a retry may help.
            FatalAPIError: The request failed, and a retry would not help; or it would go to another host.
        """
        if location.origin != self.origin:
            raise FatalAPIError(
                f"the request would go to {location.origin}, not to `{self.api.name}.{self._setting}`, so it was not "
                "sent; check the stream's `path` and `paginator.next_url_path`"
            )
        began = time.monotonic()
        deadline = began + self.api.timeout
        target = location.target
        try:
            for _ in range(MAX_REDIRECTS + 1):
                left = deadline - time.monotonic()
                with self._transport.send(method, target, headers, left, body) as response:
                    redirect = response.get_redirect_location()
                    if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and self._transport.proxy:
                        raise refused_by_proxy(response.status, self._transport.proxy)
                    if not redirect:
                        check(response.status, response.headers)
                    sent = api_clock(response.headers.getlist("Date"), time.monotonic() - began)
                    content = read_body(response)  # all of it, so that the connection can be reused
                if not redirect:
                    return Response(response.status, content, datetime.now(timezone.utc), response.headers, sent)
                target = self._follow(target, redirect)
                if method != "GET" and response.status not in KEEP_METHOD:
                    raise FatalAPIError(
                        f"returned {phrase(response.status)}, a redirect that would turn the {method} into a GET, so "
                        f"the tap does not follow it; check `{self.api.name}.{self._setting}` and the path"
                    )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise explain(error, self.api, self._transport.proxy, setting=self._setting) from None
        raise FatalAPIError(f"redirected more than {MAX_REDIRECTS} times; check `{self.api.name}.path_prefix`")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _follow(self, target: str, redirect: str) -> str:
        """Return the path and query to which a response redirects.

        Raises:
            FatalAPIError: It redirects to another host, or to an invalid URL.
        """
        with suppress(UnicodeError):
            redirect = redirect.encode("latin-1").decode()  # as requests reads it
        setting = f"`{self.api.name}.{self._setting}`"
        try:
            parts = urlsplit(quoted(urljoin(f"{self.origin}{target}", redirect)))
            has_moved = origin(parts) != self.origin
        except (ValueError, requests.RequestException):
            raise FatalAPIError(f"redirected to an invalid URL; check {setting}") from None
        if has_moved:
            address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            raise FatalAPIError(
                f"redirected to another address, {address}, which the tap does not follow; set {setting} to it"
            )
        return Location(self.origin, parts.path, parts.query).target
