"""Offset paging over HTTP, on an API that reports a total."""

from __future__ import annotations

from typing import Any

import pytest

from tests.paging.offsets import Rows, expected, feedback, offset_server, offsets, refusing_server, rows
from tests.runs import api, sync
from tests.server import RecordedRequest, Server


def test_a_total_that_is_reached_ends_the_sync() -> None:
    """`total_path` saves the request that proves the end."""
    with offset_server(rows(250)) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.ids("feedback_data") == expected(250)
    assert offsets(server) == [0, 99, 198]


@pytest.mark.parametrize("total", [-1, 0, 50, 349])
def test_a_total_that_was_passed_is_none(total: int) -> None:
    """Some APIs report 0 or -1 for what they did not count; that is not the end."""
    table = rows(350)

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return {"data": table[start : start + 100], "total": total}

    with Server(respond) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.error is None
    assert run.ids("feedback_data") == expected(350)


def test_a_total_that_is_not_reached_fails() -> None:
    """A sync of fewer rows than the API counts is incomplete, and activates no version."""

    def respond(request: RecordedRequest) -> Any:
        return {"data": rows(30)[int(request.query["offset"]) :], "total": 45}

    with Server(respond) as server:
        config = {
            "feedback": api(server.url, paginator={"total_path": "total"}),
            "emit_activate_version_messages": True,
        }
        run = sync(config)
    assert "the API reports a total of 45 rows but returned 30" in run.failures["feedback_data"]
    assert run.ids("feedback_data") == expected(30)
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}


def test_an_empty_first_page_with_a_total_fails() -> None:
    """The API counts rows that it does not return."""
    with Server(lambda request: {"data": [], "total": 3000}) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert "a total of 3,000 rows but returned 0" in run.failures["feedback_data"]


def test_the_last_total_counts() -> None:
    """Rows that are deleted during the sync are missing from no total that comes after."""

    def change(table: Rows, request: int) -> None:
        if request == 2:
            del table[10:40]

    with offset_server(rows(230), change=change) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.error is None


def test_an_empty_page_in_the_middle_is_no_end_if_the_total_says_more() -> None:
    """An API that hides rows after it cut its pages may have a page without any."""
    hidden = {f"r{number}" for number in range(300, 450)}

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return {"data": [row for row in rows(1000)[start : start + 100] if row["id"] not in hidden], "total": 850}

    with Server(respond) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.error is None
    assert set(run.ids("feedback_data")) == set(expected(1000)) - hidden


@pytest.mark.parametrize("total", ["3000", 3000.0])
def test_a_total_may_be_written_in_another_way(total: Any) -> None:
    """Some APIs send all numbers as text."""
    with Server(lambda request: {"data": rows(250)[int(request.query["offset"]) :][:100], "total": total}) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert "a total of 3,000 rows but returned 250" in run.failures["feedback_data"]


def test_a_total_that_is_never_there_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A wrong `total_path` proves nothing."""
    with offset_server(rows(30)) as server:
        assert feedback(server, paginator={"total_path": "meta.total"}).error is None
    assert "no response has a number at `meta.total`; check `paginator.total_path`" in caplog.text


def test_a_total_that_nobody_named_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The API counts more rows than it returned; it may count those of another range."""
    table = rows(230)
    with Server(
        lambda request: {"data": table[int(request.query["offset"]) :][:100], "meta": {"total": 900}}
    ) as server:
        assert feedback(server).error is None
    assert "`meta.total` counts more rows than the 230 that the API returned" in caplog.text


@pytest.mark.parametrize("count", [99, 100, 200, 230])
def test_a_total_that_is_that_of_the_page_is_no_end(count: int) -> None:
    """Some APIs report under such a name how many rows the page has."""

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        found = rows(count)[start : start + 50]
        return {"data": found, "total": len(found)}

    with Server(respond) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.ids("feedback_data") == expected(count)


@pytest.mark.parametrize("count", [1000, 1050])
def test_a_total_that_is_the_most_that_is_counted_is_no_end(count: int) -> None:
    """Some APIs count up to a round number."""

    def respond(request: RecordedRequest) -> Any:
        start = int(request.query["offset"])
        return {"data": rows(count)[start : start + 100], "total": 991}

    with Server(respond) as server:
        run = feedback(server, paginator={"total_path": "total"})
    assert run.ids("feedback_data") == expected(count)


@pytest.mark.parametrize(("count", "requests"), [(5, 2), (100, 2), (150, 2), (199, 3)])
def test_a_total_spares_the_proof(count: int, requests: int) -> None:
    """The last row alone, or a page that is short, is the end if the total says so too."""
    with refusing_server(rows(count), 500) as server:
        run = feedback(server, paginator={"total_path": "total"}, max_connections=1)
    assert run.error is None
    assert run.ids("feedback_data") == expected(count)
    assert len(server.requests) == requests
