"""Who may read the sandbox's APIs: holders of a key or of a token."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Options, Sandbox
from tests.sandbox.client import BEARER, get

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = {"feedback": "feedback-key", "analytics": "analytics-key", "support": "support-key"}


@pytest.mark.parametrize(("api", "path"), [("feedback", "feedback"), ("analytics", "forums"), ("support", "resource")])
def test_keys(shared_sandbox: Sandbox, api: str, path: str) -> None:
    """Each API takes its own key in a header, as bearer and as basic user; the offset APIs also in the query."""

    def status(key: str, way: str) -> int:
        basic = base64.b64encode(f"{key}:".encode()).decode()
        headers = {
            "X-API-Key": {"X-API-Key": key},
            "api_key": {"api_key": key},
            "bearer": {"Authorization": f"Bearer {key}"},
            "basic": {"Authorization": f"Basic {basic}"},
        }
        query = {"api_key": key} if way == "query" else {}
        url = f"{shared_sandbox.url}/v1/{path}"
        return requests.get(url, params=query, headers=headers.get(way, {}), timeout=10).status_code

    assert {status(KEYS[api], way) for way in ("X-API-Key", "api_key", "bearer", "basic")} == {200}
    assert status(KEYS[api], "query") == (401 if api == "analytics" else 200)
    assert {status(KEYS["support"] + "x", way) for way in ("X-API-Key", "bearer", "basic", "query", "none")} == {401}


@pytest.mark.parametrize(
    "sent", ["Basic %%%", "Basic", "Digest x", "Bearer", f"Basic {base64.b64encode(b'analytics-key:x').decode()}"]
)
def test_malformed_keys_are_refused(shared_sandbox: Sandbox, sent: str) -> None:
    """A credential that cannot be decoded, or a basic one with a password, gets 401."""
    url = f"{shared_sandbox.url}/v1/forums"
    assert requests.get(url, headers={"Authorization": sent}, timeout=10).status_code == 401


def test_a_wrong_key_is_quoted(shared_sandbox: Sandbox) -> None:
    """The error body repeats the key that the client sent, as some vendors do."""
    response = requests.get(f"{shared_sandbox.url}/v1/feedback", params={"api_key": "guess"}, timeout=10)
    assert "guess" in response.json()["message"]


def test_keys_are_settable() -> None:
    """Another key replaces the usual one, in the configuration too."""
    with Sandbox(rows=1, apis={"analytics": Options(key="ключ")}) as sandbox:
        assert sandbox.config["analytics"] == {"base_url": sandbox.url, "api_key": "ключ"}
        assert sandbox.config["support"]["api_key"] == "support-key"
        assert get(sandbox, "/v1/resource").status_code == 200
        assert requests.get(f"{sandbox.url}/v1/forums", headers=BEARER, timeout=10).status_code == 401


# OAuth2 client credentials


@pytest.fixture
def oauth() -> Iterator[Sandbox]:
    """A sandbox whose support API accepts tokens only."""
    with Sandbox(rows=1, apis={"support": Options(token_lifetime=3600)}) as sandbox:
        yield sandbox


FORM = {"grant_type": "client_credentials", "client_id": "support-client", "client_secret": "support-key"}


def issue(sandbox: Sandbox, form: dict[str, str], **more: Any) -> requests.Response:
    """The response of the token endpoint to a form."""
    return requests.post(f"{sandbox.url}/oauth/token", data=form, timeout=10, **more)


def read(sandbox: Sandbox, token: str) -> requests.Response:
    """The response of the support API to a token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{sandbox.url}/v1/resource", headers=headers, timeout=10)


def test_a_token_opens_the_api_until_it_expires(oauth: Sandbox) -> None:
    """The endpoint gives out tokens of which each works for its time; an old one gets 401, and so does the key."""
    first, second = issue(oauth, FORM).json(), issue(oauth, FORM).json()
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 3600)
    assert first["access_token"] != second["access_token"]
    assert [read(oauth, given["access_token"]).status_code for given in (first, second)] == [200, 200]
    oauth.expire_tokens()
    old = read(oauth, first["access_token"])
    assert (old.status_code, old.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert read(oauth, issue(oauth, FORM).json()["access_token"]).status_code == 200
    assert read(oauth, "support-key").status_code == 401
    assert get(oauth, "/v1/forums").status_code == 200


def test_a_token_lasts_as_long_as_is_set() -> None:
    """A lifetime of 0 seconds is over immediately."""
    with Sandbox(rows=1, apis={"support": Options(token_lifetime=0)}) as sandbox:
        assert read(sandbox, issue(sandbox, FORM).json()["access_token"]).status_code == 401


def test_the_client_may_use_basic_auth(oauth: Sandbox) -> None:
    """Id and secret may come in the header in place of the form."""
    form = {"grant_type": "client_credentials"}
    assert issue(oauth, form, auth=("support-client", "support-key")).status_code == 200
    assert issue(oauth, form, auth=("support-client", "wrong")).status_code == 401


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_wrong_client_gets_no_token(oauth: Sandbox, changes: dict[str, str], status: int, error: str) -> None:
    """The errors of the endpoint are those of RFC 6749."""
    response = issue(oauth, {**FORM, **changes})
    assert (response.status_code, response.json()) == (status, {"error": error})


def test_the_endpoint_wants_a_posted_form(oauth: Sandbox) -> None:
    """JSON gets 400, another method 405; a sandbox without OAuth2 has no such endpoint."""
    url = f"{oauth.url}/oauth/token"
    assert requests.post(url, json=FORM, timeout=10).json() == {"error": "invalid_request"}
    assert requests.get(url, timeout=10).status_code == 405
    with Sandbox(rows=1) as other:
        assert issue(other, FORM).status_code == 404


def test_the_settings_say_how_to_get_a_token(oauth: Sandbox) -> None:
    """The configuration names the endpoint and the client; the key is the client's secret."""
    assert oauth.config["support"] == {
        "base_url": oauth.url,
        "api_key": "support-key",
        "auth": {
            "type": "oauth2_client_credentials",
            "access_token_url": "/oauth/token",
            "client_id": "support-client",
        },
    }
