"""Auth `oauth2_client_credentials`: an access token that the API issues for a client id and its secret."""

from __future__ import annotations

import math
import re
import threading
import time
from concurrent.futures import Future
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import quote_plus, urlsplit

from msgspec import Meta
from singer_sdk.streams.rest import HTTPRequest

from tap_feedback import redaction
from tap_feedback.auth.base import AuthSettings, Signature, Signer, TokenError
from tap_feedback.auth.http_basic import basic
from tap_feedback.body import FORM
from tap_feedback.failures import phrase
from tap_feedback.fields import Name, text_of
from tap_feedback.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_feedback.auth.base import TokenResponse

#: A token is renewed when this part of its life is left, or this many seconds if that is less. The seconds are the
#: default of `retry.max_wait`, as a signed request may wait that long.
LAST_PART, LAST_SECONDS = 0.1, 300
#: The error codes of RFC 6749, with the settings to check. Other codes are not quoted, as they could hold anything.
ERROR_CODES = {
    "invalid_client": "`api_key` and `auth.client_id`",
    "invalid_grant": "`api_key` and `auth.client_id`",
    "invalid_request": "`api_key`, `auth.client_id` and `auth.access_token_url`",
    "invalid_scope": "`auth.scopes`, and what the client `auth.client_id` may read",
    "unauthorized_client": "`api_key`, `auth.client_id`, and whether the client may use the grant `client_credentials`",
    "unsupported_grant_type": "`api_key`, `auth.client_id` and `auth.access_token_url`",
}
REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
#: Matches a token, which RFC 6749 limits to characters that a header can carry.
is_token = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?").fullmatch


class OAuth2ClientCredentials(AuthSettings, frozen=True, tag_field="type", tag="oauth2_client_credentials"):
    """An access token for a client id; the key is the client secret."""

    access_token_url: Annotated[
        Annotated[str, text_of("url-or-path")],
        Meta(
            description="For `oauth2_client_credentials`: URL that issues access tokens, or its path on `base_url`, "
            "without `path_prefix`."
        ),
    ]
    client_id: Annotated[Name, Meta(description="For `oauth2_client_credentials`: client id.")]
    scopes: Annotated[tuple[Name, ...], Meta(description="For `oauth2_client_credentials`: scopes to request.")] = ()

    def faults(self, key: str) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - any key can be encoded
        """Yield faults for a user name or a fragment in the URL, and for scopes that contain blanks."""
        if "@" in urlsplit(self.access_token_url).netloc:
            yield "access_token_url", "must be without user name and password: the secret goes into `api_key`"
        if "#" in self.access_token_url or not is_token(self.access_token_url) or " " in self.access_token_url:
            yield "access_token_url", "must be without fragment, blanks and characters beyond ASCII"
        if any(" " in scope for scope in self.scopes):
            yield "scopes", "must be a list with one scope in each item"

    def signer(self, key: str, send: Callable[[HTTPRequest], TokenResponse]) -> Signer:
        """Return a signer that fetches a token when it needs one."""
        return TokenSigner(self, key, send)


class Token(NamedTuple):
    """An access token as a signature, and when to renew it, by the monotonic clock."""

    signature: Signature
    renew_at: float


class TokenSigner(Signer):
    """Signs with an access token, which all requests of an API share.

    Args:
        auth: The settings.
        secret: The client secret.
        send: Sends a request for a token.
    """

    def __init__(
        self, auth: OAuth2ClientCredentials, secret: str, send: Callable[[HTTPRequest], TokenResponse]
    ) -> None:
        super().__init__(Signature())
        self._auth = auth
        self._secret = secret
        self._send = send
        self._by_basic = False  # whether the API expects the client in HTTP basic auth, not in the form
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._fetched: Future[Token] | None = None  # set while a token is fetched

    def sign(self) -> Signature:
        """Return the token; a new one if it is missing or expires soon. One thread fetches it while others wait."""
        with self._lock:
            if self._token is not None and time.monotonic() < self._token.renew_at:
                return self._token.signature
            fetched, is_mine = self._fetched or Future(), self._fetched is None
            self._fetched = fetched
        if is_mine:
            self._fetch_into(fetched)
        return fetched.result().signature

    def renew(self, refused: Signature) -> bool:
        """Drop the token if it is the refused one, so that the next request fetches a new one."""
        with self._lock:
            if self._token is not None and self._token.signature == refused:
                self._token = None
        return True

    def _fetch_into(self, fetched: Future[Token]) -> None:
        """Fetch a token for all threads that wait for it. They share a failure, too."""
        token: Token | None = None
        try:
            token = self._fetch()
        except BaseException as error:  # noqa: BLE001 - each thread raises it
            fetched.set_exception(error)
        else:
            fetched.set_result(token)
        finally:
            with self._lock:
                self._token, self._fetched = token, None

    def _fetch(self) -> Token:
        """Fetch a token. If the API refuses the client in the form, try HTTP basic auth (RFC 6749, section 2.3.1)."""
        began = time.monotonic()
        response = self._send(self._request())
        code = _error_code(response.body)
        if response.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            self._by_basic = not self._by_basic
            response = self._send(self._request())
            if response.status in REFUSALS:
                self._by_basic = False
        token = _token_in(response, code)
        redaction.redactor.add(Secret(token, "access_token"))
        return Token(Signature(headers={"Authorization": f"Bearer {token}"}), began + usable_for(response.body))

    def _request(self) -> HTTPRequest:
        form = {"grant_type": "client_credentials"}
        headers = {"Content-Type": FORM}
        if self._by_basic:
            user, password = quote_plus(self._auth.client_id), quote_plus(self._secret)
            headers["Authorization"] = f"Basic {basic(user, password)}"
        else:
            form |= {"client_id": self._auth.client_id, "client_secret": self._secret}
        if self._auth.scopes:
            form["scope"] = " ".join(self._auth.scopes)
        return HTTPRequest(self._auth.access_token_url, "POST", headers=headers, data=form)


def _token_in(response: TokenResponse, first_code: str | None) -> str:
    """Return the token in a response.

    Args:
        response: The response.
        first_code: The error code in the response to the request before.

    Raises:
        TokenError: The token is missing. The message quotes only error codes of RFC 6749 from the response.
    """
    status, body = response
    code = _error_code(body) or (first_code if status in REFUSALS else None)
    if status in REFUSALS or code:
        named = f", `{code}`" if code else ""
        settings = ERROR_CODES.get(code or "", "`api_key` and `auth.client_id`")
        raise TokenError(f"the API refused an access token (returned {phrase(status)}{named}); check {settings}")
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise TokenError(f"no access token: returned {phrase(status)}; check `auth.access_token_url`")
    token = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(token, str) or not is_token(token):
        raise TokenError("no access token: the response has no usable `access_token`; check `auth.access_token_url`")
    return token


def _error_code(body: Any) -> str | None:
    """Return the error code in a response, if RFC 6749 has it."""
    code = body.get("error") if isinstance(body, dict) else None
    return code if isinstance(code, str) and code in ERROR_CODES else None


def usable_for(body: dict[str, Any]) -> float:
    """Return the seconds for which to use a token; infinity without `expires_in`."""
    try:
        seconds = float(body["expires_in"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return math.inf
    return seconds - min(seconds * LAST_PART, LAST_SECONDS) if seconds > 0 else math.inf
