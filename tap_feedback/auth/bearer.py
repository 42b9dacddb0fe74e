"""Auth `bearer`: the key as a bearer token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_feedback.auth.base import NOT_LATIN_1, AuthSettings, Signature, Signer
from tap_feedback.formats import is_latin_1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.auth.base import TokenResponse


class BearerAuth(AuthSettings, frozen=True, tag_field="type", tag="bearer"):
    """The key as a bearer token."""

    def faults(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield a fault for a key that a header cannot carry."""
        if not is_latin_1(key):
            yield "api_key", NOT_LATIN_1

    def signer(self, key: str, send: Callable[[HTTPRequest], TokenResponse]) -> Signer:  # noqa: ARG002 - needs no token
        """Return a signer that sends the key as the token."""
        return Signer(Signature(headers={"Authorization": f"Bearer {key}"}))
