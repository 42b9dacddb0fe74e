"""The auth `http_basic`: a user name and a password."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from tap_feedback import redaction
from tap_feedback.auth.base import AuthSettings, Signature, Signer
from tap_feedback.fields import text_of
from tap_feedback.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.auth.base import TokenResponse


class HttpBasicAuth(AuthSettings, frozen=True, tag_field="type", tag="http_basic"):
    """The key as the password of `username`, or without one as the user name, with an empty password."""

    username: Annotated[
        Annotated[str, text_of("name")] | None,
        Meta(description="For `http_basic`: user name; the key is then the password. Null sends the key as user name."),
    ] = None

    def faults(self, key: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - any key can be encoded
        """A colon in the user name, as the server takes what follows it for the password."""
        if ":" in (self.username or ""):
            yield "username", "must not contain `:`, which would end it"

    def signer(self, key: str, send: Callable[[HTTPRequest], TokenResponse]) -> Signer:  # noqa: ARG002 - needs no token
        """Send user name and password in UTF-8."""
        credentials = basic(self.username, key) if self.username is not None else basic(key, "")
        return Signer(Signature(headers={"Authorization": f"Basic {credentials}"}))


def basic(username: str, password: str) -> str:
    """The credentials of HTTP basic auth, which the log masks from then on, however short the password is."""
    credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
    redaction.redactor.add(Secret(credentials, "Authorization"))
    return credentials
