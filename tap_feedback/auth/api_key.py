"""The auth `api_key`: the key in the query, a header or the body."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from tap_feedback.auth.base import AuthSettings
from tap_feedback.fields import Name


class ApiKeyAuth(AuthSettings, frozen=True, tag_field="type", tag="api_key"):
    """The key in the query, a header or the body."""

    name: Annotated[Name, Meta(description="For `api_key`: name of the parameter or header.")] = "api_key"
    location: Annotated[Literal["query", "header", "body"], Meta(description="For `api_key`: place of the key.")] = (
        "query"
    )
    prefix: Annotated[str | None, Meta(description="For `api_key`: text before the key; null for none.")] = None
