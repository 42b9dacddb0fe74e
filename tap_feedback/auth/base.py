"""Base of all types of authentication: their settings, and the contract of a signer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct
from singer_sdk.exceptions import FatalAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.streams.rest import HTTPRequest

NOT_LATIN_1 = "must have only Latin-1 characters, as it is sent in a header"


class Signature(NamedTuple):
    """What an auth adds to a request. `body` has values by dotted path in a JSON body."""

    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: Mapping[str, str] = {}


class TokenResponse(NamedTuple):
    """The response to a request for a token. `body` is decoded, or None if it is not JSON."""

    status: int
    body: Any


class TokenError(FatalAPIError):
    """The tap cannot get an access token, and a retry would not help."""


class Signer:
    """Signs the requests of one API, from any thread. This base class never changes its signature.

    Args:
        signature: The signature of every request.
    """

    def __init__(self, signature: Signature) -> None:
        self._signature = signature

    def sign(self) -> Signature:
        """Return the signature for the next request. This may fetch a token first.

        Raises:
            TransientError: The token could not be fetched, and a retry may help.
            TokenError: The API refused to issue a token. The message names the settings to check.
        """
        return self._signature

    def renew(self, refused: Signature) -> bool:  # noqa: ARG002 - a signature that never changes is not replaced
        """Return whether there is another signature, after the API returned 401 for this one."""
        return False


class AuthSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of all settings of an auth."""

    def faults(self, key: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - not every auth has one
        """Yield the faults of these settings and the key: the name of a setting, and words that follow it.

        The name `api_key` means the key itself, which is empty if it is not set.
        """
        yield from ()

    def signer(self, key: str, send: Callable[[HTTPRequest], TokenResponse]) -> Signer:
        """Return a signer for an API.

        Args:
            key: The secret.
            send: Sends a request for a token, unsigned. The URL may be a path on `base_url`; `data` is sent as a form
                if the headers say so. Raises TransientError or TokenError if there is no response.
        """
        raise NotImplementedError
