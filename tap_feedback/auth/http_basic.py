"""Auth `http_basic`: a user name and a password."""

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
    """The key as the password of `username`; without `username`, the key as user name with an empty password."""

    username: Annotated[
        Annotated[str, text_of("name")] | None,
        Meta(description="For `http_basic`: user name, with the key as password; null to send the key as user name."),
    ] = None

    def faults(self, key: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - any key can be encoded
        """Yield a fault for a colon in the user name, as it would end the user name."""
        if ":" in (self.username or ""):
            yield "username", "must not contain `:`, which would end it"

    def signer(self, key: str, send: Callable[[HTTPRequest], TokenResponse]) -> Signer:  # noqa: ARG002 - needs no token
        """Return a signer that sends user name and password in UTF-8."""
        credentials = basic(self.username, key) if self.username is not None else basic(key, "")
        return Signer(Signature(headers={"Authorization": f"Basic {credentials}"}))


def basic(username: str, password: str) -> str:
    """Return the credentials of HTTP basic auth. The log masks them from now on, even if the password is short."""
    credentials = base64.b64encode(f"{username}:{password}".encode()).decode()
    redaction.redactor.add(Secret(credentials, "Authorization"))
    return credentials
