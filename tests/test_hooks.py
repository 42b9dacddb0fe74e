"""Hooks of the SDK: those that a stream overrides take effect, and those that cannot are refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

from tap_feedback.client import FeedbackAPI
from tap_feedback.hooks import DEAD
from tap_feedback.streams import STREAM_TYPES, FeedbackData
from tap_feedback.tap import TapFeedback
from tests.runs import Run, api, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.client import FeedbackStream

ROWS = [{"id": "1", "feedback_text": "good"}, {"id": "2", "feedback_text": "spam"}]


def run(
    stream: type[FeedbackStream], answer: Callable[[RecordedRequest], Any], **settings: Any
) -> tuple[Run, list[RecordedRequest]]:
    """Sync the feedback stream in this form."""

    class Tap(TapFeedback):
        stream_types = (stream, *STREAM_TYPES[1:])

    with Server(answer) as server:
        found = sync({"feedback": api(server.url, paginator={"type": "single_page"}, **settings)}, tap_type=Tap)
        return found, server.requests


def rows(_: RecordedRequest) -> Any:
    """Two rows."""
    return {"data": ROWS}


def test_rows_are_post_processed() -> None:
    """A row may be changed, or left out."""

    class Stream(FeedbackData):
        def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any] | None:  # noqa: ARG002
            return None if row["feedback_text"] == "spam" else {**row, "feedback_text": row["feedback_text"].upper()}

    found, _ = run(Stream, rows)
    assert found.error is None
    assert [record["feedback_text"] for record in found.records("feedback_data")] == ["GOOD"]


def test_a_response_is_parsed_by_the_stream() -> None:
    """The hook gets what `requests` returns, and may use what the tap would do."""

    class Stream(FeedbackData):
        def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
            for row in super().parse_response(response):
                yield {**row, "customer_id": f"{response.status_code} {response.url[-9:]} {response.headers['x-team']}"}

    found, _ = run(Stream, lambda _: Reply({"data": ROWS}, headers={"X-Team": "a"}))
    assert [record["customer_id"] for record in found.records("feedback_data")] == ["200 /feedback a"] * 2


def test_a_response_that_is_no_json() -> None:
    """A stream that parses its responses may read any format."""

    class Stream(FeedbackData):
        def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
            yield from ({"id": line} for line in response.text.split())

    found, _ = run(Stream, lambda _: Reply(b"a\nb"))
    assert (found.error, found.ids("feedback_data")) == (None, ["a", "b"])


def test_a_response_is_validated_by_the_stream() -> None:
    """RetriableAPIError is retried, FatalAPIError is not, and other statuses may pass."""
    replies = [Reply({"state": "busy"}), Reply({"data": ROWS}, status=202)]

    class Stream(FeedbackData):
        def validate_response(self, response: requests.Response) -> None:
            if response.json().get("state") == "busy":
                raise RetriableAPIError("busy")
            if response.json().get("state") == "closed":
                raise FatalAPIError("closed for good")

    found, asked = run(Stream, lambda _: replies.pop(0))
    assert (found.error, found.ids("feedback_data"), len(asked)) == (None, ["1", "2"], 2)
    found, asked = run(Stream, lambda _: {"state": "closed"})
    assert (found.failures["feedback_data"].partition(";")[0], len(asked)) == ("closed for good", 1)
    found, asked = run(Stream, lambda _: {"state": "busy"})
    assert (found.failures["feedback_data"].partition(";")[0], len(asked)) == ("busy, 4 times in a row", 4)


def test_the_validation_of_the_tap_can_be_called() -> None:
    """A stream may let one status pass and leave the others to the tap."""

    class Stream(FeedbackData):
        def validate_response(self, response: requests.Response) -> None:
            if response.status_code != 201:
                super().validate_response(response)

    found, _ = run(Stream, lambda _: Reply({"data": ROWS}, status=201))
    assert found.ids("feedback_data") == ["1", "2"]
    found, asked = run(Stream, lambda _: Reply({}, status=401))
    assert found.failures["feedback_data"].startswith("returned 401 Unauthorized; check `feedback.api_key`")
    found, asked = run(Stream, lambda _: Reply({}, status=503))
    assert found.failures["feedback_data"].startswith("returned 503 Service Unavailable, 4 times in a row")
    assert len(asked) == 4


def test_tries_and_waits_are_those_of_the_stream() -> None:
    """`backoff_max_tries` counts the first try, and the generator is asked for each wait."""
    waits: list[Exception] = []

    class Stream(FeedbackData):
        def backoff_max_tries(self) -> int:
            return 2

        def backoff_wait_generator(self) -> Generator[float, Any, None]:
            failure = yield 0
            while True:
                waits.append(failure)
                failure = yield 0.001

    found, asked = run(Stream, lambda _: Reply({}, status=500), retry={"backoff_factor": 60})
    assert found.failures["feedback_data"].startswith("returned 500 Internal Server Error, 2 times in a row")
    assert (len(asked), len(waits)) == (2, 1)


def test_requests_are_those_of_the_stream() -> None:
    """Parameters, headers and the address may be changed."""

    class Stream(FeedbackData):
        @property
        def http_headers(self) -> dict[str, str]:
            return {**super().http_headers, "X-Team": "data"}

        def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
            return {**super().get_url_params(context, next_page_token), "kind": "nps"}

        def get_url(self, context: Any) -> str:
            return super().get_url(context) + "/all"

    found, (asked,) = run(Stream, rows)
    assert found.error is None
    assert (asked.path, asked.query["kind"], asked.headers["X-Team"]) == ("/v1/feedback/all", "nps", "data")


def test_bodies_and_whole_requests_are_those_of_the_stream() -> None:
    """The body of a POST may be changed, and any part of a request."""

    class Stream(FeedbackData):
        def prepare_request_payload(self, context: Any, next_page_token: Any) -> dict[str, Any]:
            return {**(super().prepare_request_payload(context, next_page_token) or {}), "kind": "nps"}

        def get_http_request(self, **page: Any) -> HTTPRequest:
            request = super().get_http_request(**page)
            request.headers = {**request.headers, "X-Signed": request.method}
            return request

    found, (asked,) = run(Stream, rows, streams={"feedback_data": {"method": "POST", "json": {"sort": "id"}}})
    assert found.error is None
    assert (asked.json, asked.headers["X-Signed"]) == ({"sort": "id", "kind": "nps"}, "POST")


@pytest.mark.parametrize("name", sorted(DEAD))
def test_an_override_that_could_not_take_effect_is_refused(name: str) -> None:
    """The error comes with the class, and names what to use in its place."""
    with pytest.raises(TypeError, match=re.escape(f"Stream.{name} would have no effect: {DEAD[name]}")):
        type("Stream", (FeedbackAPI,), {name: None})


def test_a_mixin_cannot_hide_an_override() -> None:
    """What a stream inherits from elsewhere is refused, too, and what takes effect does so."""

    class Records:
        def get_records(self, context: Any) -> Iterator[dict[str, Any]]:  # noqa: ARG002
            yield {"id": "3"}

    class Rows:
        def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any] | None:  # noqa: ARG002
            return {**row, "feedback_text": "x"}

    with pytest.raises(TypeError, match=r"Stream\.get_records would have no effect"):
        type("Stream", (Records, FeedbackData), {})
    found, _ = run(type("Stream", (Rows, FeedbackData), {}), rows)
    assert [record["feedback_text"] for record in found.records("feedback_data")] == ["x", "x"]
