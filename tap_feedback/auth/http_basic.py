"""The auth `http_basic`: a user name and a password."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tap_feedback.auth.base import AuthSettings
from tap_feedback.fields import text_of


class HttpBasicAuth(AuthSettings, frozen=True, tag_field="type", tag="http_basic"):
    """The key as the password of `username`, or without one as the user name, with an empty password."""

    username: Annotated[
        Annotated[str, text_of("name")] | None,
        Meta(description="For `http_basic`: user name; the key is then the password. Null sends the key as user name."),
    ] = None
