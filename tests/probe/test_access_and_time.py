"""The probe finds how a key is sent, which time moves, and whether the API filters by it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from tests.probe.players import STREAM, Player, by_cursor, by_offset, by_page, probe, rows, size_of
from tests.server import RecordedRequest, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.probe.players import Row

BASIC = "Basic " + base64.b64encode(b"test-key:").decode()
ACCESSES: dict[str, tuple[Callable[[RecordedRequest], bool], dict[str, Any]]] = {
    "bearer": (lambda asked: asked.headers.get("Authorization") == "Bearer test-key", {"type": "bearer"}),
    "header": (lambda asked: asked.headers.get("X-API-Key") == "test-key", {"type": "api_key", "location": "header"}),
    "plain": (lambda asked: asked.headers.get("Authorization") == "test-key", {"name": "Authorization"}),
    "prefix": (lambda asked: asked.headers.get("Authorization") == "Token test-key", {"prefix": "Token"}),
    "basic": (lambda asked: asked.headers.get("Authorization") == BASIC, {"type": "http_basic"}),
    "query": (lambda asked: asked.query.get("api_key") == "test-key", {"name": "api_key", "location": "query"}),
}


@pytest.mark.parametrize("given", [None, {"type": "api_key", "name": "wrong", "location": "header", "prefix": "Key"}])
@pytest.mark.parametrize("way", ACCESSES)
def test_the_key_is_sent_in_the_usual_ways(
    way: str, given: dict[str, Any] | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The auth that the API accepts is found, whether the settings have none or a wrong one; the key is not shown."""
    accepts, auth = ACCESSES[way]
    player = Player(rows(33), by_offset)
    refuse = Reply({"message": "no"}, status=401)
    settings: dict[str, Any] = {"auth": given} if given else {}
    found = probe(lambda asked: player(asked) if accepts(asked) else refuse, caplog, **settings)
    assert found.missing == {}
    assert auth.items() <= found.block["feedback"]["auth"].items()
    assert len(found.run.ids(STREAM)) == 33
    assert not any("test-key" in line for line in found.lines)


def test_a_key_that_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    """If no way works, the reason is that of the first response."""
    found = probe(lambda _: Reply({"message": "no"}, status=403), caplog)
    assert "403 Forbidden" in found.missing[STREAM]
    assert any("tried were" in line for line in found.lines)


def test_an_auth_that_works_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    """The block has no auth if the settings have the right one."""
    found = probe(Player(rows(33), by_offset), caplog, auth={"type": "bearer"})
    assert "auth" not in found.block["feedback"]


@pytest.mark.parametrize("page", [by_offset, by_page(1), by_cursor])
@pytest.mark.parametrize("since", ["updated_since", "modifiedSince", "since"])
@pytest.mark.parametrize("count", [12, 90])
def test_a_filter_is_proven(page: Any, since: str, count: int, caplog: pytest.LogCaptureFixture) -> None:
    """The parameter that leaves out the rows before a moment is found among those that do not."""
    found = probe(Player(rows(count), page, since=since), caplog)
    assert found.stream["incremental"]["start_param"] == since
    assert len(found.run.ids(STREAM)) == count


@pytest.mark.parametrize(
    ("since", "until"),
    [("updated_since", "updated_until"), ("modifiedSince", "modifiedBefore"), ("updated_at[gte]", "updated_at[lte]")],
)
def test_the_end_of_a_range_is_proven(since: str, until: str, caplog: pytest.LogCaptureFixture) -> None:
    """The parameter beside that of the start must leave out the later rows."""
    found = probe(Player(rows(45), by_offset, since=since, until=until), caplog)
    assert found.stream["incremental"]["end_param"] == until
    assert len(found.run.ids(STREAM)) == 45


def test_a_filter_by_another_time_is_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    """A parameter that filters by the time of creation would leave out rows that changed."""
    found = probe(Player(rows(45), by_offset, since="since", time="created_at"), caplog)
    assert found.stream["incremental"]["start_param"] is None


def test_a_total_that_the_filter_does_not_change(caplog: pytest.LogCaptureFixture) -> None:
    """A total of all rows would fail each sync of a time range, so it is left out."""

    def page(found: list[Row], params: dict[str, Any]) -> Any:
        return {**by_offset(found, params), "meta": {"total": 45}}

    found = probe(Player(rows(45), page, since="updated_after"), caplog)
    assert found.stream["incremental"]["start_param"] == "updated_after"
    assert found.paginator.get("total_path") is None


def test_no_filter(caplog: pytest.LogCaptureFixture) -> None:
    """Parameters that an API ignores filter nothing."""
    found = probe(Player(rows(45), by_offset), caplog)
    assert found.stream["incremental"] == {"start_param": None, "end_param": None}


@pytest.mark.parametrize(("unit", "pattern"), [(1, "epoch"), (1000, "epoch_ms")])
def test_epochs(unit: int, pattern: str, caplog: pytest.LogCaptureFixture) -> None:
    """A time in seconds or milliseconds is the replication key, and the API is sent the same."""
    times = [(1_700_000_000 + 1000 * (number * 7 % 60)) * unit for number in range(60)]
    made = [{**row, "updated_at": time} for row, time in zip(rows(60), times, strict=True)]
    found = probe(Player(made, by_offset, since="updated_since"), caplog)
    assert found.stream["replication_key"] == "updated_at"
    assert found.stream["incremental"] == {"start_param": "updated_since", "end_param": None, "format": pattern}
    assert len(found.run.ids(STREAM)) == 60
    assert str(found.run.records(STREAM)[0]["updated_at"]).startswith("2023-11-")


def test_a_cursor_in_the_body_of_a_post(caplog: pytest.LogCaptureFixture) -> None:
    """In a POST, the parameters are in the body."""

    def page(found: list[Row], params: dict[str, Any]) -> Any:
        paging = params.get("paging", {})
        size, place = size_of(paging, "limit", 10, 50), int(paging.get("after") or 0)
        after = str(place + size) if place + size < len(found) else None
        return {"results": found[place : place + size], "paging": {"next": {"after": after}}}

    found = probe(Player(rows(77), page), caplog, stream={"method": "POST", "json": {"paging": {"sort": "id"}}})
    assert {asked.method for asked in found.requests} == {"POST"}
    assert found.paginator["location"] == "body"
    assert (found.paginator["cursor_path"], found.paginator["cursor_param"]) == ("paging.next.after", "paging.after")
    assert len(found.run.ids(STREAM)) == 77
