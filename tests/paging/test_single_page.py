"""A single page: requested once, and not believed if it says that more follow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.runs import Run, api, sync
from tests.server import Server

ROWS = [{"id": "a"}, {"id": "b"}, {"id": "c"}]


def read(server: Server, **paginator: Any) -> Run:
    """Sync the feedback stream of a server with one page."""
    return sync({"feedback": api(server.url, paginator={"type": "single_page", **paginator})})


def test_a_single_page_is_asked_for_once() -> None:
    """With `single_page` one request is all."""
    with Server(lambda request: {"data": ROWS}) as server:
        run = read(server)
    assert run.ids("feedback_data") == ["a", "b", "c"]
    assert [request.query for request in server.requests] == [{"api_key": "test-key"}]


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"total": 5000}, "a total of 5,000 rows but returned 3"),
        ({"has_more": True}, "`has_more` says that more rows follow"),
        ({"links": {"next": "/v1/feedback?page=2"}}, "`links.next` has a value"),
    ],
)
def test_a_page_that_is_not_the_only_one_fails(beside: dict[str, Any], words: str) -> None:
    """The API says that there is more."""
    with Server(lambda request: {"data": ROWS, **beside}) as server:
        run = read(server, total_path="total")
    assert words in run.failures["feedback_data"]


def test_columns_of_a_row_that_is_the_response_say_nothing_of_paging() -> None:
    """A survey has pages of questions, and counts them."""
    survey = {"id": "a", "page_count": 3, "total": 500, "next": "b"}
    streams = {"survey": {"path": "/survey", "data_selector": "$", "single_object": True}}
    with Server(lambda request: survey if request.path == "/v1/survey" else {"data": []}) as server:
        run = sync({"feedback": api(server.url, streams=streams)})
    assert (run.error, run.ids("survey")) == (None, ["a"])
