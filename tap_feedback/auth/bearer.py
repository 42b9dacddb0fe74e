"""The auth `bearer`: the key as a bearer token."""

from __future__ import annotations

from tap_feedback.auth.base import AuthSettings


class BearerAuth(AuthSettings, frozen=True, tag_field="type", tag="bearer"):
    """The key as a bearer token."""
