"""One host of an API: where requests and redirects may lead, and what becomes of a body on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.streams.rest import HTTPRequest

from tap_feedback.responses import RefusedError
from tap_feedback.retry import TransientError
from tests.connections import connected, post, send
from tests.server import Raw, RecordedRequest, Reply, Server

BEARER: dict[str, Any] = {"auth": {"type": "bearer"}, "api_key": "the-key"}


@pytest.mark.parametrize("url", ["{other}/v1/feedback", "{other}", "http://localhost:{port}/v1", "https://127.0.0.1"])
def test_requests_elsewhere_are_refused(url: str) -> None:
    """The key is never sent to another origin than that of `base_url`."""
    with Server(lambda asked: []) as other, Server(lambda asked: []) as server, connected(server, **BEARER) as way:
        address = url.format(other=other.url, port=server.http.server_port)
        with pytest.raises(FatalAPIError, match=r"the request would go to http.*, not to `feedback\.base_url`, so it"):
            send(way, HTTPRequest(address))
    assert (server.requests, other.requests) == ([], [])


def test_an_invalid_address_is_named_by_its_settings() -> None:
    """What is not a URL fails with the settings that make it."""
    with Server(lambda asked: []) as server, connected(server, **BEARER) as connection:
        for url in ("http://", "http://[", "nowhere"):
            with pytest.raises(FatalAPIError, match=r"the URL is not valid; check `feedback\.base_url`"):
                send(connection, HTTPRequest(url))
    assert server.requests == []


@pytest.mark.parametrize("spelling", ["HTTP://127.0.0.1:{port}/v1/a?b=1", "http://127.0.0.1:{port}/v1/a?b=1#c"])
def test_other_spellings_of_the_origin_are_the_same(spelling: str) -> None:
    """A URL that an API returns may spell its own origin differently; the request line has the path alone."""
    with Server(lambda asked: []) as server, connected(server, **BEARER) as connection:
        send(connection, HTTPRequest(spelling.format(port=server.http.server_port)))
    assert [asked.target for asked in server.requests] == ["/v1/a?b=1"]


@pytest.mark.parametrize("status", [307, 308])
def test_redirects_that_keep_a_post(status: int) -> None:
    """A redirect that keeps method and body is followed with both, and with the key."""

    def answer(asked: RecordedRequest) -> Any:
        return [] if asked.path == "/v2" else Reply(b"", status, {"Location": "/v2"})

    with Server(answer) as server, connected(server, **BEARER) as connection:
        send(connection, post({"limit": 1}))
    for asked in server.requests:
        assert (asked.method, json.loads(asked.body), asked.headers["Authorization"]) == (
            "POST",
            {"limit": 1},
            "Bearer the-key",
        )
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirects_that_would_make_a_get_of_a_post(status: int) -> None:
    """Without its body a request would read something else, so it fails."""
    reply = Reply(b"", status, {"Location": "/v2"})
    with (
        Server(lambda asked: reply) as server,
        connected(server, **BEARER) as connection,
        pytest.raises(FatalAPIError, match=rf"returned {status} .*, a redirect that would turn the POST into a GET"),
    ):
        send(connection, post({"limit": 1}))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [302, 308])
def test_redirects_of_a_post_to_another_host(status: int) -> None:
    """No other host gets the body."""
    with Server(lambda asked: []) as other:
        reply = Reply(b"", status, {"Location": other.url})
        with (
            Server(lambda asked: reply) as server,
            connected(server, **BEARER) as connection,
            pytest.raises(FatalAPIError, match="redirected to another address"),
        ):
            send(connection, post({"limit": 1}))
    assert other.requests == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(Reply({}, 503), TransientError), (Raw(reset=True), TransientError), (Reply({}, 400), RefusedError)],
)
def test_a_post_fails_as_a_get_does(reply: Reply | Raw, kind: type[Exception]) -> None:
    """The method makes no difference to what is worth a retry."""
    with Server(lambda asked: reply) as server, connected(server, **BEARER) as connection, pytest.raises(kind):
        send(connection, post({"limit": 1}))
