"""Authentication: one module for each type, with its settings, its checks and its signature of requests."""

from __future__ import annotations

from tap_feedback.auth.api_key import ApiKeyAuth
from tap_feedback.auth.base import AuthSettings, Signature, Signer
from tap_feedback.auth.bearer import BearerAuth
from tap_feedback.auth.http_basic import HttpBasicAuth
from tap_feedback.auth.oauth2_client_credentials import OAuth2ClientCredentials

__all__ = ["Auth", "AuthSettings", "Signature", "Signer"]

#: The types of `auth`; a new one is added here.
Auth = ApiKeyAuth | BearerAuth | HttpBasicAuth | OAuth2ClientCredentials
