"""The auth `oauth2_client_credentials`: a token that the API gives for a client id and its secret."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tap_feedback.auth.base import AuthSettings
from tap_feedback.fields import Name, text_of


class OAuth2ClientCredentials(AuthSettings, frozen=True, tag_field="type", tag="oauth2_client_credentials"):
    """A token for a client id; the key is the client secret."""

    access_token_url: Annotated[
        Annotated[str, text_of("url-or-path")],
        Meta(description="For `oauth2_client_credentials`: URL of the token, or its path on `base_url`."),
    ]
    client_id: Annotated[Name, Meta(description="For `oauth2_client_credentials`: client id.")]
    scopes: Annotated[tuple[Name, ...], Meta(description="For `oauth2_client_credentials`: scopes to request.")] = ()
