"""The auth `bearer`: the key as a token."""

from __future__ import annotations

from typing import Any

from tap_feedback.auth.bearer import BearerAuth
from tests.connections import connected, send
from tests.server import Server


def test_sent_as_a_token() -> None:
    """The key is sent in the header `Authorization`, and nowhere else; no header of the settings replaces it."""
    settings: dict[str, Any] = {
        "auth": {"type": "bearer"},
        "api_key": "the-key",
        "headers": {"authorization": "Bearer other"},
    }
    with Server(lambda asked: []) as server, connected(server, **settings) as connection:
        send(connection)
    (asked,) = server.requests
    assert [value for name, value in asked.headers.items() if name.lower() == "authorization"] == ["Bearer the-key"]
    assert asked.query == {}


def test_faults() -> None:
    """A header carries Latin-1 only."""
    assert list(BearerAuth().faults("é")) == []
    assert list(BearerAuth().faults("")) == []
    assert [name for name, _ in BearerAuth().faults("€")] == ["api_key"]
