"""The auth `http_basic`: user name and password."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tap_feedback.auth.http_basic import HttpBasicAuth
from tap_feedback.redaction import redactor
from tests.connections import connected, send
from tests.server import Server


@pytest.mark.parametrize(
    ("auth", "credentials"),
    [
        ({}, "clé€:"),
        ({"username": None}, "clé€:"),
        ({"username": "ann@example.com/token"}, "ann@example.com/token:clé€"),
        ({"username": "Ånn"}, "Ånn:clé€"),
    ],
)
def test_sent_as_basic_auth(auth: dict[str, str], credentials: str) -> None:
    """The key is the password of a user, or the user name without one, in UTF-8."""
    settings: dict[str, Any] = {"auth": {"type": "http_basic", **auth}, "api_key": "clé€"}
    with Server(lambda asked: []) as server, connected(server, **settings) as connection:
        send(connection)
    scheme, _, encoded = server.requests[0].headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded).decode() == credentials


def test_short_passwords_are_masked() -> None:
    """What basic auth makes of a user and a short password is as secret as the password."""
    HttpBasicAuth(username="somebody").signer("pw", lambda _: pytest.fail("no token is needed"))
    encoded = base64.b64encode(b"somebody:pw").decode()
    assert encoded not in redactor(f"the header was {encoded}")


def test_faults() -> None:
    """The first colon ends the user name, so it cannot hold one."""
    assert list(HttpBasicAuth(username="ann@example.com/token").faults("€:")) == []
    assert list(HttpBasicAuth().faults("")) == []
    assert [name for name, _ in HttpBasicAuth(username="a:b").faults("")] == ["username"]
