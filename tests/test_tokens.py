"""Requests for access tokens: where they go, what may pass, and whom a wait holds."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from typing import Any

import pytest

from tap_feedback.gate import Gates
from tap_feedback.retry import TransientError
from tests.auth.issuer import TOKEN_PATH, TokenServer, failure_of, form, settings_for
from tests.connections import connected, get, send
from tests.server import Drip, Raw, RecordedRequest, Reply


def test_a_path_without_the_prefix_of_the_streams() -> None:
    """A path is one on `base_url`."""
    with TokenServer() as server, connected(server, **settings_for(), path_prefix="/v2/admin") as connection:
        send(connection)
    assert server.forms[0].target == TOKEN_PATH


def test_another_host_sees_no_headers_of_the_api() -> None:
    """The URL may lead to another host, which gets the client and nothing else of the settings."""
    headers = {"X-Secret": "of-the-api"}
    with TokenServer() as issuer, TokenServer() as server:
        auth = settings_for(access_token_url=f"{issuer.url}{TOKEN_PATH}?tenant=1")
        with connected(server, **auth, headers=headers, params={"key": "x"}) as connection:
            send(connection)
    (asked,) = issuer.forms
    assert asked.target == f"{TOKEN_PATH}?tenant=1"
    assert "X-Secret" not in asked.headers
    assert asked.headers["User-Agent"] == "tap-feedback/test"
    assert (server.forms, server.used) == ([], ["token-1"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_to_another_host_are_not_followed(status: int) -> None:
    """No other host gets the client secret."""
    with TokenServer() as other:
        reply = Reply(b"", status, {"Location": other.url + TOKEN_PATH})
        error, _ = failure_of(lambda asked: reply)
    assert f"no access token: redirected to another address, {other.url}, which the tap does not follow" in str(error)
    assert "set `feedback.auth.access_token_url`" in str(error)
    assert other.requests == []


def test_redirects_on_the_same_host_keep_the_form() -> None:
    """A redirect that keeps method and body is followed."""

    def tokens(asked: RecordedRequest) -> Any:
        moved = Reply(b"", 308, {"Location": f"{TOKEN_PATH}?v=2"})
        return {"access_token": "token-1"} if asked.query else moved

    with TokenServer(tokens) as server, connected(server, **settings_for()) as connection:
        send(connection)
    assert form(server.forms[0]) == form(server.forms[1])
    assert server.used == ["token-1"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b"geheim", 503), "no access token: returned 503 Service Unavailable; the API is at fault, so run the"),
        (Raw(reset=True), "no access token: the connection was reset; run the sync again later"),
        (
            Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
            "no access token: the response was cut; the API is at fault",
        ),
    ],
)
def test_transient_failures(reply: Reply | Raw, words: str) -> None:
    """What may pass is worth a retry, and names the token as what is missing."""
    error, _ = failure_of(lambda asked: reply)
    assert isinstance(error, TransientError)
    assert (str(error) + error.hint).startswith(words)


def test_silence_names_the_settings() -> None:
    """A server for tokens that does not respond in time has nothing to do with the size of pages."""
    error, _ = failure_of(lambda asked: Drip([b""], 0.5), timeout=0.1)
    assert isinstance(error, TransientError)
    assert str(error) + error.hint == (
        "no access token: no response within `feedback.timeout` (0.1 s); raise `feedback.timeout`"
    )


def test_a_wrong_address_names_its_setting() -> None:
    """A host that is not there is that of `auth.access_token_url`."""
    with TokenServer() as server:
        auth = settings_for(access_token_url="http://no-such-host.invalid/token")
        with connected(server, **auth) as connection, pytest.raises(TransientError) as raised:
            send(connection)
    assert raised.value.hint == "; check `feedback.auth.access_token_url`, or whether the server is up"


def test_a_wait_for_tokens_holds_their_host() -> None:
    """If the server for tokens asks to wait, the next request for a token waits, and the API's host does not."""
    times: list[float] = []

    def tokens(_: RecordedRequest) -> Any:
        times.append(time.monotonic())
        return Reply({}, 429, {"Retry-After": "0.3"}) if len(times) == 1 else {"access_token": "token-1"}

    gates = Gates()
    with TokenServer(tokens) as issuer, TokenServer() as server:
        auth = settings_for(access_token_url=issuer.url + TOKEN_PATH)
        with (
            connected(server, gates, **auth) as connection,
            connected(server, gates, auth={"type": "bearer"}, api_key="token-0") as other,
        ):
            with pytest.raises(TransientError) as raised:
                send(connection)
            assert raised.value.refused
            assert send(other).held_until == 0
            assert time.monotonic() < times[0] + 0.3
            send(connection)
    assert times[1] - times[0] >= 0.3


def test_a_token_needs_no_second_turn_at_its_host() -> None:
    """After a pause one request at a time is let through, and the token is fetched before its request has that turn."""
    refusals = [Reply({}, 429, {"Retry-After": "0.05"})]

    def tokens(_: RecordedRequest) -> Any:
        return refusals.pop() if refusals else {"access_token": "token-1", "expires_in": 0.000_001}

    with TokenServer(tokens) as server, connected(server, **settings_for()) as connection:
        with pytest.raises(TransientError):
            send(connection)
        for _ in range(3):
            send(connection)
    assert len(server.forms) == 4


def test_closing_ends_the_wait_for_a_token() -> None:
    """Requests whose token waits for its turn end with the connection."""
    reply = Reply({}, 429, {"Retry-After": "60"})
    with TokenServer(lambda asked: reply) as server:
        with connected(server, **settings_for(), max_connections=2) as connection:
            with pytest.raises(TransientError):
                send(connection)
            request = get()
            request.url = server.url + "/v1/feedback"
            futures = [connection.submit(request) for _ in range(4)]
            time.sleep(0.05)
        for future in futures:
            with pytest.raises(CancelledError):
                future.result(5)
    assert len(server.forms) == 1
