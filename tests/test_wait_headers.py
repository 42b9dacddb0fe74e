"""Headers by which an API asks to wait: which of several counts."""

from __future__ import annotations

import time

import pytest

from tap_feedback.retry import TransientError
from tap_feedback.wait_headers import requested_wait
from tests.connections import connected, send
from tests.server import Reply, Server

NAMES = ("X-Reset-After", "Retry-After")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "7", "X-Reset-After": "3"}, 3),
        ({"Retry-After": "7", "X-Reset-After": "soon"}, 7),
        ({"X-Other": "7"}, None),
    ],
)
def test_the_first_that_can_be_read_counts(headers: dict[str, str], seconds: float | None) -> None:
    """Headers are tried in the order of the setting."""
    assert requested_wait(headers, NAMES) == seconds


def test_the_setting() -> None:
    """`retry.wait_headers` names the headers, in any case, and replaces `Retry-After`."""
    headers = {"x-ratelimit-reset": str(int(time.time()) + 30), "Retry-After": "1"}
    retry = {"wait_headers": ["X-RateLimit-Reset"], "max_wait": 5}
    with (
        Server(lambda asked: Reply({}, 429, headers)) as server,
        connected(server, retry=retry) as connection,
        pytest.raises(TransientError) as raised,
    ):
        send(connection)
    assert raised.value.retry_after == pytest.approx(30, abs=3)


def test_no_headers() -> None:
    """An empty list means that the API's wishes are ignored."""
    with (
        Server(lambda asked: Reply({}, 429, {"Retry-After": "1"})) as server,
        connected(server, retry={"wait_headers": []}) as connection,
        pytest.raises(TransientError) as raised,
    ):
        send(connection)
    assert raised.value.retry_after is None
