"""Auth `api_key`: the key in the query, a header or the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from tap_feedback.auth.base import NOT_LATIN_1, AuthSettings, Signature, Signer
from tap_feedback.fields import Name
from tap_feedback.formats import is_dotted_path, is_header_name, is_latin_1, is_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.auth.base import TokenResponse

#: Endings of a prefix after which no space is added, as in `Token token=<key>`.
JOINED = ("=", " ")


class ApiKeyAuth(AuthSettings, frozen=True, tag_field="type", tag="api_key"):
    """The key in the query, a header or the body."""

    name: Annotated[
        Name,
        Meta(description="For `api_key`: name of the parameter or header, or dotted path into the JSON body."),
    ] = "api_key"
    location: Annotated[
        Literal["query", "header", "body"],
        Meta(description="For `api_key`: place of the key; `body` needs streams with the `method` POST."),
    ] = "query"
    prefix: Annotated[
        str | None,
        Meta(
            description="For `api_key`: text before the key, as in `Token`; one space follows it, unless it ends in "
            "`=` or a space. Null for none."
        ),
    ] = None

    def faults(self, key: str) -> Iterator[tuple[str, str]]:
        """Yield a fault for a name, prefix or key that cannot be sent in this place."""
        in_header = self.location == "header"
        if in_header and not is_header_name(self.name):
            yield "name", "must be the name of a header, as in `X-Api-Version`"
        if self.location == "body" and not is_dotted_path(self.name):
            yield "name", "must be a dotted path without `*`, `[` and `]`, as in `auth.key`"
        if self.prefix is not None and not is_line(self.prefix.removesuffix(" ")):
            yield "prefix", "must be one line of text"
        elif in_header and not is_latin_1(self.prefix or ""):
            yield "prefix", NOT_LATIN_1
        if in_header and not is_latin_1(key):
            yield "api_key", NOT_LATIN_1

    def signer(self, key: str, send: Callable[[HTTPRequest], TokenResponse]) -> Signer:  # noqa: ARG002 - needs no token
        """Return a signer that sends the key after the prefix."""
        if self.prefix:
            key = f"{self.prefix}{'' if self.prefix.endswith(JOINED) else ' '}{key}"
        sent = {self.name: key}
        if self.location == "query":
            return Signer(Signature(params=sent))
        return Signer(Signature(headers=sent) if self.location == "header" else Signature(body=sent))
