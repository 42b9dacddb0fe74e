"""Which names hold a secret."""

from __future__ import annotations

import pytest

from tap_feedback.secret_names import is_secret_name


@pytest.mark.parametrize(
    "names",
    [
        "key auth pwd pass sig hmac subscription-key appid client_id jwt credential sid session apiKey x-api_key",
        "access-key private_key code",
        "api_key apikey API-Key X-APIkey APIKey hapikey X-Api-Key-2 Ocp-Apim-Subscription-Key subscriptionKey",
        "accessKeyId x-functions-key app_key appKey licence_key authkey sessionkey",
        "token access_token accessToken authtoken X-Auth-Token sort_token csrfToken OAuth2Token",
        "secret app_secret clientSecret client.secret password passwd user_password passphrase",
        "Authorization Proxy-Authorization X-Authorisation Cookie x-amz-signature signature credentials creds",
        "auth_code authCode access_code functions-code clientid appId consumer_id session_id sessionid PHPSESSID otp",
    ],
)
def test_names_of_secrets(names: str) -> None:
    """Names that vendors use for secrets, in any spelling."""
    assert [name for name in names.split() if not is_secret_name(name)] == []


@pytest.mark.parametrize(
    "names",
    [
        "monkey turkey keyword keywords hockey zip_code zipCode country_code countryCode status_code language_code",
        "postcode barcode sort_key sortKey sort-key order_key primary_key replication_key idempotency-key foreignKey",
        "passage passenger passes bypass compass author authors author_id authored_after signal signup_date design",
        "session_type sessions key_metrics keys codes id user_id account_id page limit cursor updated_after Accept",
        "User-Agent X-Api-Version access_token_url token_type auth.type auth_method api_key_name signature_expires",
        "side assigned pages status _ 2 é",
    ],
)
def test_other_names(names: str) -> None:
    """A word that only contains a mark is not a secret, nor is a name that describes a secret."""
    assert [name for name in names.split() if is_secret_name(name)] == []
    assert not is_secret_name("")
