"""Auth `api_key`: where the key is sent, and what cannot be sent there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.auth.api_key import ApiKeyAuth
from tests.connections import KEY, connected, get, post, send
from tests.server import Server


@pytest.mark.parametrize("name", ["api_key", "token", "X-Key", "a key&b"])
def test_in_the_query(name: str) -> None:
    """The key is one of the parameters, whole, and nowhere else."""
    with Server(lambda asked: []) as server, connected(server, auth={"type": "api_key", "name": name}) as connection:
        send(connection, get(limit=1))
    (asked,) = server.requests
    assert asked.query == {"limit": "1", name: KEY}
    assert KEY not in asked.headers.values()


@pytest.mark.parametrize(
    ("prefix", "sent"),
    [
        (None, "the-key"),
        ("Basic", "Basic the-key"),
        ("Klaviyo-API-Key ", "Klaviyo-API-Key the-key"),
        ("Token token=", "Token token=the-key"),
    ],
)
def test_in_a_header(prefix: str | None, sent: str) -> None:
    """The key follows its prefix after one space, or directly after a `=`."""
    auth = {"type": "api_key", "name": "Authorization", "location": "header", "prefix": prefix}
    with Server(lambda asked: []) as server, connected(server, auth=auth, api_key="the-key") as connection:
        send(connection)
    (asked,) = server.requests
    assert asked.headers["Authorization"] == sent
    assert asked.query == {}


@pytest.mark.parametrize(
    ("name", "data", "sent"),
    [
        ("apiKey", {"limit": 10}, {"limit": 10, "apiKey": "the-key"}),
        ("auth.key", {"auth": {"team": "a"}}, {"auth": {"team": "a", "key": "the-key"}}),
        ("auth.key", None, {"auth": {"key": "the-key"}}),
        ("keys.0.key", {"keys": [{}, 1]}, {"keys": [{"key": "the-key"}, 1]}),
    ],
)
def test_in_the_body(name: str, data: Any, sent: Any) -> None:
    """The key is at its path in the body of a POST. The body for the next request does not change."""
    auth = {"type": "api_key", "name": name, "location": "body"}
    given = json.dumps(data)
    with Server(lambda asked: []) as server, connected(server, auth=auth, api_key="the-key") as connection:
        send(connection, post(data))
    (asked,) = server.requests
    assert json.loads(asked.body) == sent
    assert asked.query == {}
    assert json.dumps(data) == given


@pytest.mark.parametrize("request_", [get(), post({"key": "text"}), post([])])
def test_a_body_without_a_place_for_the_key(request_: Any) -> None:
    """A request whose body cannot hold the key is not sent without it."""
    auth = {"type": "api_key", "name": "key.value", "location": "body"}
    words = r"`feedback\.auth\.location` is `body`, but the key does not fit into the request's body"
    with (
        Server(lambda asked: []) as server,
        connected(server, auth=auth) as connection,
        pytest.raises(FatalAPIError, match=words),
    ):
        send(connection, request_)
    assert server.requests == []


@pytest.mark.parametrize(
    ("auth", "key", "names"),
    [
        (ApiKeyAuth(), KEY, []),
        (ApiKeyAuth(), "", []),
        (ApiKeyAuth(name="a b"), "€", []),
        (ApiKeyAuth(name="X-Key", location="header", prefix="Token "), "é", []),
        (ApiKeyAuth(name="a b", location="header"), "€", ["name", "api_key"]),
        (ApiKeyAuth(name="X-Key", location="header", prefix="€"), "a", ["prefix"]),
        (ApiKeyAuth(name="X-Key", location="header", prefix="a\r\nb"), "a", ["prefix"]),
        (ApiKeyAuth(name="auth.key", location="body"), "€", []),
        (ApiKeyAuth(name="auth[0]", location="body"), "a", ["name"]),
    ],
)
def test_faults(auth: ApiKeyAuth, key: str, names: list[str]) -> None:
    """Names, prefixes and keys are refused if the place of the key cannot hold them."""
    assert [name for name, _ in auth.faults(key)] == names
