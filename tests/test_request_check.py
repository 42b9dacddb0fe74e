"""What is wrong with a stream's requests, found before any is sent."""

from __future__ import annotations

from typing import Any

import pytest

from tap_feedback.tap import TapFeedback
from tests.runs import api, catalog_of, sync
from tests.server import RecordedRequest, Server

IN_BODY = {"type": "offset", "location": "body", "offset_param": "page.from"}


@pytest.mark.parametrize(
    ("settings", "own", "words"),
    [
        (
            {"auth": {"location": "body"}},
            {},
            "`auth.location` is `body`, but a GET has no body; set `feedback",
        ),
        (
            {"paginator": IN_BODY},
            {},
            "`paginator.location` is `body`, but a GET has no body; set `feedback.streams",
        ),
        (
            {},
            {"paginator": IN_BODY},
            "`paginator.location` is `body`, but a GET has no body; set `feedback.streams",
        ),
        ({"paginator": IN_BODY}, {"method": "POST", "json": {"page": 1}}, "`page.from` does not lead into the `json`"),
        (
            {"paginator": {"type": "cursor", "location": "body", "cursor_param": "page.after"}},
            {"method": "POST", "json": {"page": 1}},
            "`page.after` does not lead into the `json` of the stream; check `feedback.streams.own.json`",
        ),
        (
            {"auth": {"location": "body", "name": "a.key"}},
            {"method": "POST", "json": {"a": []}},
            "`a.key` does not lead into the `json`",
        ),
        (
            {"incremental": {"start_param": "filters.0.value"}},
            {"method": "POST", "json": {"filters": {}}, "replication_key": "at"},
            None,
        ),
        (
            {"incremental": {"start_param": "filters.0.value"}},
            {"method": "POST", "json": {"filters": "x"}, "replication_key": "at"},
            "`filters.0.value` does not lead into the `json`",
        ),
        ({}, {"method": "POST", "json": {"a": "<{incremental.end_value}"}, "replication_key": "at"}, "set `end_date`"),
    ],
)
def test_a_value_without_a_place_is_refused_before_any_request(
    settings: dict[str, Any], own: dict[str, Any], words: str | None
) -> None:
    """No other stream is read, either; streams that are not selected do not matter."""
    with Server(lambda _: {"data": [{"id": "1"}]}) as server:
        other = {"path": "/other", "method": "POST", "paginator": {"type": "single_page"}}
        streams = {"own": {"path": "/own", **own}, "other": other}
        config = {"feedback": api(server.url, streams=streams, **settings), "start_date": "2024-01-01"}
        run = sync(config, catalog=catalog_of(config, "own", "other"))
        assert sync(config, catalog=catalog_of(config, "other")).error is None
    if words is None:
        assert run.error is None
        return
    assert run.error is not None
    assert words in run.error
    assert [asked.path for asked in server.requests] == ["/v1/other"]


def test_columns_are_inferred_though_the_body_has_a_range() -> None:
    """Discovery fills in the range of the settings."""

    def answer(asked: RecordedRequest) -> Any:
        assert asked.json == {"query": ">2024-01-01T00:00:00Z"}
        return {"data": [{"id": "1", "at": "2024-01-02T00:00:00Z", "score": 1}]}

    own = {
        "path": "/own",
        "method": "POST",
        "json": {"query": ">{incremental.start_value}"},
        "replication_key": "at",
        "schema": "infer",
        "paginator": {"type": "single_page"},
    }
    with Server(answer) as server:
        config = {"feedback": api(server.url, streams={"own": own}), "start_date": "2024-01-01"}
        entries = {entry["tap_stream_id"]: entry for entry in TapFeedback(config=config).catalog_dict["streams"]}
    assert entries["own"]["schema"]["properties"]["score"]["type"] == ["integer", "null"]


def test_columns_are_not_inferred_by_requests_that_cannot_be_right() -> None:
    """Discovery checks as a sync does."""
    with Server(lambda _: {"data": []}) as server:
        config = {
            "feedback": api(server.url, auth={"location": "body"}, streams={"own": {"path": "/a", "schema": "infer"}})
        }
        with pytest.raises(Exception, match=r"own: `auth\.location` is `body`"):
            _ = TapFeedback(config=config).catalog_dict
    assert server.requests == []
