"""Auth `oauth2_client_credentials`: when and how tokens are fetched, and what happens without one."""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import pytest

from tap_feedback.auth.base import TokenError
from tap_feedback.auth.oauth2_client_credentials import OAuth2ClientCredentials, usable_for
from tap_feedback.redaction import redactor
from tap_feedback.responses import RefusedError
from tests.auth.issuer import SECRET, TOKEN_PATH, TokenServer, failure_of, form, settings_for
from tests.connections import connected, get, send
from tests.runs import api, catalog_of, run_tap, sync
from tests.server import Raw, RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from pathlib import Path

# Requests for tokens


def test_the_form() -> None:
    """Client id, secret and scopes are sent as a form, once."""
    with TokenServer() as server, connected(server, **settings_for(scopes=["read", "list"])) as connection:
        send(connection)
    (asked,) = server.forms
    assert form(asked) == {
        "grant_type": "client_credentials",
        "client_id": "client 1",
        "client_secret": SECRET,
        "scope": "read list",
    }
    assert "Authorization" not in asked.headers
    assert server.used == ["token-1"]


def test_one_token_for_all_workers() -> None:
    """Requests that need a token at the same time wait for one."""

    def tokens(_: RecordedRequest) -> Any:
        time.sleep(0.1)
        return {"access_token": "token-1", "expires_in": 3600}

    with TokenServer(tokens) as server, connected(server, **settings_for(), max_connections=8) as connection:
        request = get()
        request.url = server.url + "/v1/feedback"
        for future in [connection.submit(request) for _ in range(16)]:
            future.result(10)
    assert len(server.forms) == 1
    assert server.used == ["token-1"] * 16


@pytest.mark.parametrize(
    ("expires_in", "tokens"),
    [(None, 1), (3600, 1), ("3600", 1), (0, 1), ("soon", 1), (0.000_001, 3)],
)
def test_tokens_are_renewed_before_they_expire(expires_in: object, tokens: int) -> None:
    """A token is used as long as it lives, and without a known life until it is refused."""
    with TokenServer(expires_in=expires_in) as server, connected(server, **settings_for()) as connection:
        for _ in range(3):
            send(connection)
    assert len(server.forms) == tokens
    assert len(set(server.used)) == tokens


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(100, 90), (3600, 3300), ("3600", 3300), (86400, 86100), (None, math.inf), (-1, math.inf), ("nan", math.inf)],
)
def test_tokens_are_used_up_to_a_margin(expires_in: object, seconds: float) -> None:
    """A tenth of a token's life is left for the request that it signs, and at most five minutes."""
    assert usable_for({"expires_in": expires_in}) == seconds
    assert usable_for({}) == math.inf


# HTTP basic auth for the client


@pytest.mark.parametrize("status", [400, 401])
def test_a_client_in_basic_auth(status: int) -> None:
    """An API that refuses the client in the form gets it by basic auth, encoded by RFC 6749, from then on."""

    def tokens(asked: RecordedRequest) -> Any:
        return {"access_token": server.issue()} if "Authorization" in asked.headers else Reply({}, status)

    with (
        TokenServer(tokens, accepts=lambda token: token == "token-3") as server,
        connected(server, **settings_for()) as connection,
    ):
        send(connection)
    in_form, *by_basic = server.forms
    assert form(in_form)["client_secret"] == SECRET
    assert len(by_basic) == 2
    for asked in by_basic:
        assert form(asked) == {"grant_type": "client_credentials"}
        encoded = asked.headers["Authorization"].removeprefix("Basic ")
        assert [unquote_plus(part) for part in base64.b64decode(encoded).decode().split(":")] == ["client 1", SECRET]


# Refusals


@pytest.mark.parametrize(
    ("status", "body", "requests", "words"),
    [
        (400, {}, 2, "(returned 400 Bad Request); check `api_key` and `auth.client_id`"),
        (401, b"geheim", 2, "(returned 401 Unauthorized); check `api_key` and `auth.client_id`"),
        (403, {}, 1, "(returned 403 Forbidden); check `api_key` and `auth.client_id`"),
        (
            *(401, {"error": "invalid_client", "error_description": "geheim"}, 2),
            "(returned 401 Unauthorized, `invalid_client`); check `api_key` and `auth.client_id`",
        ),
        (
            *(400, {"error": "invalid_scope"}, 2),
            "(returned 400 Bad Request, `invalid_scope`); check `auth.scopes`, and what the client `auth.client_id`",
        ),
        (400, {"error": "geheim"}, 2, "(returned 400 Bad Request); check `api_key`"),
        (200, {"error": "invalid_client"}, 1, "(returned 200 OK, `invalid_client`); check `api_key`"),
    ],
)
def test_refusals(status: int, body: object, requests: int, words: str) -> None:
    """A refusal fails immediately, with the settings to check, and quotes nothing but the codes of the standard."""
    error, server = failure_of(lambda asked: Reply(body, status))
    assert isinstance(error, TokenError)
    assert str(error).startswith(f"the API refused an access token {words}")
    assert "geheim" not in str(error)
    assert (len(server.forms), server.used) == (requests, [])


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply({}, 404), "returned 404 Not Found; check `auth.access_token_url`"),
        (Reply({"geheim": 1}), "the response has no usable `access_token`; check `auth.access_token_url`"),
        (Reply({"access_token": ""}), "the response has no usable"),
        (Reply({"access_token": 1}), "the response has no usable"),
        (Reply({"access_token": "geheim\r\nX-Other: 1"}), "the response has no usable"),
        (Reply({"access_token": "geheim€"}), "the response has no usable"),
        (Reply(["geheim"]), "the response has no usable"),
        (Reply(b"<html>geheim</html>"), "the response has no usable"),
        (Reply(b"", 204), "the response has no usable"),
        (
            Reply(b"", 302, {"Location": "/login"}),
            (
                "returned 302 Found, a redirect that would turn the POST into a GET, so the tap does not follow it; "
                "check `feedback.auth.access_token_url`"
            ),
        ),
    ],
)
def test_responses_without_a_token(reply: Reply, words: str) -> None:
    """What is not a token is not sent as one, and not quoted."""
    error, server = failure_of(lambda asked: reply)
    assert isinstance(error, TokenError)
    assert str(error).startswith(f"no access token: {words}")
    assert "geheim" not in str(error)
    assert (len(server.forms), server.used) == (1, [])


# Tokens that the API refuses


def test_a_refused_token_is_replaced_once() -> None:
    """After a 401 the request is sent again with another token; a second 401 is final."""
    with (
        TokenServer(accepts=lambda token: token == "token-2") as server,
        connected(server, **settings_for()) as connection,
    ):
        assert send(connection).body == b"[]"
    assert server.used == ["token-1", "token-2"]
    with (
        TokenServer(accepts=lambda _: False) as server,
        connected(server, **settings_for()) as connection,
        pytest.raises(RefusedError, match=r"returned 401 Unauthorized; check `feedback\.api_key`"),
    ):
        send(connection)
    assert server.used == ["token-1", "token-2"]


def test_requests_that_are_refused_together_share_the_next_token() -> None:
    """Several 401 for one token lead to one new token."""
    together = threading.Barrier(4)

    def accepts(token: str) -> bool:
        if token == "token-1":
            together.wait(10)
        return token == "token-2"

    with TokenServer(accepts=accepts) as server, connected(server, **settings_for(), max_connections=4) as connection:
        request = get()
        request.url = server.url + "/v1/feedback"
        for future in [connection.submit(request) for _ in range(4)]:
            assert future.result(10).body == b"[]"
    assert len(server.forms) == 2


# Syncs


def analytics(asked: RecordedRequest) -> Any:
    """The only page of a stream."""
    name = asked.path.rpartition("/")[2]
    return {name: [{"id": 1, "updated_at": "2024-01-01T00:00:00Z"}]}


class Api(TokenServer):
    """An API with rows."""

    def respond(self, asked: RecordedRequest) -> Any:
        """A token, or a page of rows."""
        reply = super().respond(asked)
        return analytics(asked) if reply == [] else reply


def test_all_streams_share_a_token_that_stays_within() -> None:
    """A sync of several streams fetches one token, and no message has it."""
    with Api() as server:
        config = {"analytics": {**api(server.url), **settings_for()}}
        catalog = catalog_of(config, "forums", "features", "suggestions")
        run = sync(config, catalog=catalog)
    assert (run.error, run.failures) == (None, {})
    assert len(run.ids("forums") + run.ids("features") + run.ids("suggestions")) == 3
    assert len(server.forms) == 1
    assert "token-1" not in "".join(run.lines) + json.dumps(catalog)


def test_tokens_are_retried_as_pages_are() -> None:
    """A server for tokens that fails three times does not fail the stream."""
    replies = [Reply({}, 503), Raw(reset=True), Reply({}, 429)]

    def tokens(_: RecordedRequest) -> Any:
        return replies.pop(0) if replies else {"access_token": "token-1"}

    with Api(tokens) as server:
        config = {"analytics": {**api(server.url), **settings_for()}}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.failures == {}
    assert run.ids("forums") == [1]
    assert len(server.forms) == 4


@pytest.mark.parametrize(
    ("status", "requests", "line"),
    [
        (503, 4, "no access token: returned 503 Service Unavailable, 4 times in a row; the API is at fault, so run"),
        (401, 2, "the API refused an access token (returned 401 Unauthorized); check `api_key` and `auth.client_id`"),
    ],
)
def test_a_stream_without_a_token_fails_with_one_line(status: int, requests: int, line: str) -> None:
    """The line says what to check, and not the address of a page that was never requested."""
    with Api(lambda asked: Reply({}, status)) as server:
        config = {"analytics": {**api(server.url), **settings_for()}}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.failures["forums"].startswith(line)
    assert "address" not in run.failures["forums"]
    assert len(server.forms) == requests


def test_no_log_has_the_token(tmp_path: Path) -> None:
    """Neither the token nor the secret is in a line of the log at the debug level, even if the API repeats them."""
    token = "eyJhbGciOi.the-token"

    def respond(asked: RecordedRequest) -> Any:
        if asked.path == TOKEN_PATH:
            return {"access_token": token}
        return Reply(b"", 302, {"Location": f"http://127.0.0.1:1/?token={token}&secret={SECRET}"})

    with Server(respond) as server:
        config = {"feedback": {**api(server.url), **settings_for(), "path_prefix": f"/{token}"}}
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config), "utf-8")
        run = run_tap("--config", str(path), env={"TAP_FEEDBACK_LOGLEVEL": "DEBUG"})
    assert run.returncode == 1
    assert "redirected to another address" in run.stderr
    assert "POST /oauth/token" in run.stderr
    assert token in server.requests[-1].headers["Authorization"]
    for part in (token, SECRET, "the-token"):
        assert part not in run.stderr + run.stdout


def test_tokens_are_masked_from_the_beginning() -> None:
    """The redactor knows a token before a request has it."""
    token = "a-token-of-its-own"

    def tokens(_: RecordedRequest) -> Any:
        return {"access_token": token}

    with TokenServer(tokens, accepts=lambda _: True) as server, connected(server, **settings_for()) as connection:
        send(connection)
    assert token not in redactor(f"Authorization: Bearer {token}")


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, []),
        ({"access_token_url": "https://login.example.com/token?tenant=1", "scopes": ("a", "b")}, []),
        ({"access_token_url": "https://ann:pw@login.example.com/token"}, ["access_token_url"]),
        ({"access_token_url": "/token#part"}, ["access_token_url"]),
        ({"access_token_url": "/to ken"}, ["access_token_url"]),
        ({"scopes": ("a b",)}, ["scopes"]),
    ],
)
def test_faults(settings: dict[str, Any], names: list[str]) -> None:
    """Users and fragments in the URL are refused, and scopes that would be read as several."""
    auth = OAuth2ClientCredentials(**{"access_token_url": TOKEN_PATH, "client_id": "a", **settings})
    assert [name for name, _ in auth.faults("€")] == names
