"""Requests as a connection completes them: with the API's headers, the key, and a body."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import FatalAPIError
from singer_sdk.metrics import Point
from singer_sdk.streams.rest import HTTPRequest

from tap_feedback.retry import TransientError
from tests.connections import connected, get, post, send
from tests.runs import api, run_tap
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

METRICS = "singer_sdk.metrics"


def sent(request: HTTPRequest, **settings: Any) -> RecordedRequest:
    """A request as it arrives."""
    with Server(lambda asked: []) as server, connected(server, **settings) as connection:
        send(connection, request)
    (asked,) = server.requests
    return asked


# Parameters


def test_the_key_wins_over_parameters() -> None:
    """A request keeps its parameters in their order, and the key replaces one of its name."""
    asked = sent(get(a=2, c=["x", "y"], api_key="another", d=None), api_key="the-key")
    assert asked.target == "/v1/feedback?a=2&c=x&c=y&api_key=the-key"


def test_an_address_of_the_api_is_requested_as_it_is() -> None:
    """An address that the API returned keeps its spelling, and gets the key and the headers only."""
    url = "/v1/feedback?b=%2F+1&a=&cursor=a%3D%3D"
    settings: dict[str, Any] = {"headers": {"X-Team": "feedback"}, "api_key": "the-key"}
    asked = sent(HTTPRequest(url), **settings)
    assert asked.target == f"{url}&api_key=the-key"
    assert asked.headers["X-Team"] == "feedback"
    assert sent(HTTPRequest(url), **settings, auth={"type": "bearer"}).target == url


@pytest.mark.parametrize("name", ["api_key", "api%5Fkey"])
def test_a_key_in_the_address_is_replaced(name: str) -> None:
    """An API that returns its next address with the key in it gets the key once."""
    asked = sent(HTTPRequest(f"/v1/feedback?{name}=old&b=1&api_key="), api_key="the-key")
    assert asked.target == "/v1/feedback?b=1&api_key=the-key"


# Headers


def test_headers_by_precedence() -> None:
    """The request's headers win over the API's, and the auth's over both, regardless of case."""
    request = HTTPRequest("/v1/feedback", headers={"x-team": "support", "AUTHORIZATION": "other"})
    headers = {"X-Team": "feedback", "X-Version": "2", "user-agent": "acme/1", "authorization": "another"}
    asked = sent(request, headers=headers, auth={"type": "bearer"}, api_key="the-key")
    found = [(name.lower(), value) for name, value in asked.headers.items()]
    for name, value in {"x-team": "support", "x-version": "2", "user-agent": "acme/1"}.items():
        assert [other for found_name, other in found if found_name == name] == [value]
    assert [value for name, value in found if name == "authorization"] == ["Bearer the-key"]
    assert "content-type" not in dict(found)


# Bodies


@pytest.mark.parametrize("data", [{"limit": 10, "after": 1.5, "ids": [1, None], "text": "é"}, {}, [1]])
def test_a_body_is_json(data: Any) -> None:
    """The data of a POST arrives as JSON, and says so."""
    asked = sent(post(data))
    assert (asked.method, json.loads(asked.body)) == ("POST", data)
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["Content-Length"] == str(len(asked.body))


@pytest.mark.parametrize(
    "settings", [{"headers": {"content-type": "application/vnd.acme+json"}}, {"headers": {"Content-Type": "text/json"}}]
)
def test_another_content_type(settings: dict[str, Any]) -> None:
    """The headers of the settings may name another type of JSON."""
    asked = sent(post({"limit": 1}), **settings)
    (name,) = settings["headers"].values()
    assert [value for key, value in asked.headers.items() if key.lower() == "content-type"] == [name]
    assert json.loads(asked.body) == {"limit": 1}


def test_a_form() -> None:
    """A request whose content type is that of forms is sent as one."""
    content_type = "application/x-www-form-urlencoded; charset=utf-8"
    asked = sent(post({"a": "b c", "d": "é&"}, headers={"Content-Type": content_type}))
    assert asked.body == b"a=b+c&d=%C3%A9%26"


def test_parameters_beside_a_body() -> None:
    """A POST has its parameters and the key in the query."""
    asked = sent(post({"limit": 1}, params={"b": 1}), api_key="the-key")
    assert asked.query == {"b": "1", "api_key": "the-key"}


# METRIC points


@pytest.fixture
def points() -> Iterator[list[logging.LogRecord]]:
    """The records that the SDK's logger of METRIC points gets, at the debug level."""
    records: list[logging.LogRecord] = []
    logger = logging.getLogger(METRICS)
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[assignment]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield records
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.parametrize(("status", "result"), [(200, "succeeded"), (503, "failed"), (404, "failed")])
def test_each_response_is_a_metric_point(points: list[logging.LogRecord], status: int, result: str) -> None:
    """Each response is a point at the debug level, with the tags that the SDK gives it, and no address."""
    with (
        Server(lambda asked: Reply([], status)) as server,
        connected(server, path_prefix="/v1") as connection,
        suppress(FatalAPIError, TransientError),
    ):
        send(connection, get(limit=1), stream="feedback_data")
    (record,) = points
    assert record.levelno == logging.DEBUG
    (point,) = record.args if isinstance(record.args, tuple) else ()
    assert isinstance(point, Point)
    assert 0 < point.value < 10
    assert json.loads(str(point)) == {
        "type": "timer",
        "metric": "http_request_duration",
        "value": point.value,
        "tags": {"stream": "feedback_data", "endpoint": "/feedback", "http_status_code": status, "status": result},
    }


def test_a_sync_logs_points_with_its_streams(tmp_path: Path) -> None:
    """At the debug level a sync logs a point for each page, and no point has the key."""
    with Server(lambda asked: {"data": []}) as server:
        (tmp_path / "config.json").write_text(json.dumps({"feedback": api(server.url)}), "utf-8")
        run = run_tap("--config", str(tmp_path / "config.json"), env={"TAP_FEEDBACK_LOGLEVEL": "DEBUG"})
    assert run.returncode == 0
    lines = [line for line in run.stderr.splitlines() if "http_request_duration" in line]
    assert len(lines) == len(server.requests) > 0
    assert all('"stream":"feedback_data","endpoint":"/feedback","http_status_code":200' in line for line in lines)
    assert "test-key" not in run.stderr


def test_no_point_above_the_debug_level(points: list[logging.LogRecord]) -> None:
    """At INFO no line is logged per request."""
    logging.getLogger(METRICS).setLevel(logging.INFO)
    sent(get())
    assert [record for record in points if "http_request_duration" in record.getMessage()] == []
