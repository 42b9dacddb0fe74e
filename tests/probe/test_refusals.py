"""The probe claims no more than it has proven, and says what it could not decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.probe.players import STREAM, Player, by_offset, by_page, probe, rows
from tests.server import RecordedRequest, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.probe.players import Row


def pages_of(size: int) -> Callable[[list[Row], dict[str, Any]], Any]:
    """The first page, whatever is asked for."""
    return lambda found, _: {"data": found[:size]}


def test_an_api_that_ignores_everything_and_may_have_more(caplog: pytest.LogCaptureFixture) -> None:
    """A page of a round number of rows that never changes may be cut, so that no paging is claimed."""
    found = probe(Player(rows(300), pages_of(100)), caplog)
    assert "may be the page size" in found.missing[STREAM]
    assert found.block["feedback"]["streams"] == {}


def test_an_api_that_counts_more_than_it_gives(caplog: pytest.LogCaptureFixture) -> None:
    """A count of more rows denies that the page is the only one."""
    found = probe(Player(rows(70), lambda found, _: {"data": found[:20], "total": len(found)}), caplog)
    assert "`total` counts more rows" in found.missing[STREAM]


def test_a_count_of_the_page(caplog: pytest.LogCaptureFixture) -> None:
    """A count may be that of the page, so that it does not prove that there is one page only."""
    found = probe(Player(rows(70), lambda found, _: {"data": found[:20], "count": 20}), caplog)
    assert STREAM in found.missing


def test_an_api_that_heeds_the_size_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """The same page comes for any offset, though its size changes: no paging is claimed."""
    player = Player(rows(80), lambda found, params: {"data": found[: int(params.get("limit", 20))]})
    found = probe(player, caplog)
    assert "no known parameter leads to the next page" in found.missing[STREAM]


def test_an_empty_api(caplog: pytest.LogCaptureFixture) -> None:
    """Without rows there is nothing to prove."""
    found = probe(Player([], by_offset), caplog)
    assert "has no rows" in found.missing[STREAM]
    assert len(found.requests) == 1


def test_one_row(caplog: pytest.LogCaptureFixture) -> None:
    """One row does not show how pages follow."""
    found = probe(Player(rows(1), lambda found, _: {"data": found}), caplog)
    assert "one row cannot show" in found.missing[STREAM]


def test_an_order_that_changes(caplog: pytest.LogCaptureFixture) -> None:
    """Pages of an API without an order cannot be proven."""
    turns = iter(range(10_000))

    def shuffled(found: list[Row], params: dict[str, Any]) -> Any:
        size, skip = int(params.get("take", 20)), int(params.get("skip", 0))
        turn = next(turns) * 13 % len(found)
        return {"data": (found[turn:] + found[:turn])[skip : skip + size]}

    found = probe(Player(rows(97), shuffled), caplog)
    assert STREAM in found.missing


def test_a_cap_on_pages(caplog: pytest.LogCaptureFixture) -> None:
    """A page that the API caps is as large as the settings then say, and every row is read."""
    found = probe(Player(rows(95), by_offset), caplog)
    assert found.paginator["limit"] == 50
    assert len(found.run.ids(STREAM)) == 95


def test_a_smallest_page(caplog: pytest.LogCaptureFixture) -> None:
    """An API that never returns less than some rows is proven with pages of that size."""

    def page(found: list[Row], params: dict[str, Any]) -> Any:
        size, start = max(int(params.get("limit", 40)), 7), int(params.get("start", 0))
        return {"values": found[start : start + size]}

    found = probe(Player(rows(95), page), caplog)
    assert (found.paginator["limit_param"], found.paginator["offset_param"]) == ("limit", "start")
    assert len(found.run.ids(STREAM)) == 95


def test_whole_pages(caplog: pytest.LogCaptureFixture) -> None:
    """An API that moves an offset to the beginning of a page is read without overlap."""

    def page(found: list[Row], params: dict[str, Any]) -> Any:
        size = int(params.get("limit", 40))
        start = int(params.get("offset", 0)) // size * size
        return {"data": found[start : start + size]}

    found = probe(Player(rows(95), page), caplog)
    assert (found.paginator["offset_param"], found.paginator["overlap"]) == ("offset", 0)
    assert len(found.run.ids(STREAM)) == 95


def test_a_page_size_that_cannot_be_set(caplog: pytest.LogCaptureFixture) -> None:
    """Pages of a fixed size are proven by whole pages."""
    for name, at in (("page", lambda number: (number - 1) * 15), ("offset", lambda number: number)):

        def page(found: list[Row], params: dict[str, Any], name: str = name, at: Any = at) -> Any:
            start = at(int(params.get(name, 1 if name == "page" else 0)))
            return found[start : start + 15]

        found = probe(Player(rows(95), page), caplog)
        assert (found.paginator[f"{name}_param"], found.paginator["limit_param"]) == (name, None)
        assert len(found.run.ids(STREAM)) == 95


def test_two_lists(caplog: pytest.LogCaptureFixture) -> None:
    """The list with the usual name and the keys is taken, and the other one is named."""

    def two(found: list[Row], params: dict[str, Any]) -> Any:
        page = by_page(1)(found, params)
        users = [{"id": number, "name": f"User {number}"} for number in range(60)]
        return {"users": users, "included": users, "payload": {"data": page.pop("reviews")}, **page}

    found = probe(Player(rows(64), two), caplog)
    assert found.stream["data_selector"] == "payload.data"
    assert any("not taken: `users` (60 objects)" in line for line in found.lines)
    assert len(found.run.ids(STREAM)) == 64


def test_rows_without_a_key(caplog: pytest.LogCaptureFixture) -> None:
    """A key that rows share is none."""
    made = [{"id": 1, "text": f"row {number}"} for number in range(9)]
    found = probe(Player(made, by_offset), caplog)
    assert "`primary_key`" in found.missing[STREAM]


def test_a_key_of_two_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Several fields are the key if none is by itself."""
    made = [{"user_id": number // 3, "survey_id": number % 3, "score": 1} for number in range(31)]
    found = probe(Player(made, by_page(1)), caplog)
    assert found.stream["primary_key"] == ["user_id", "survey_id"]
    assert len(found.run.records(STREAM)) == 31


def test_an_api_that_refuses_unknown_parameters(caplog: pytest.LogCaptureFixture) -> None:
    """Where several parameters at a time are refused, they are tried alone."""

    def strict(asked: RecordedRequest) -> Any:
        if asked.query.keys() - {"limit", "offset", "modified_since"}:
            return Reply({"error": "unknown parameter"}, status=400)
        size, skip = int(asked.query.get("limit", 20)), int(asked.query.get("offset", 0))
        return {"data": rows(90)[skip : skip + size]}

    found = probe(strict, caplog)
    assert (found.paginator["offset_param"], found.paginator["limit_param"]) == ("offset", "limit")
    assert len(found.run.ids(STREAM)) == 90


def test_a_path_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is that of a sync."""
    found = probe(lambda _: Reply({}, status=404), caplog)
    assert "404 Not Found" in found.missing[STREAM]


def test_a_wait_is_obeyed_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    """A request that the API puts off is sent again, and is one of the twenty."""
    player, refused = Player(rows(40), by_offset), iter([True, False, False, True])

    def busy(asked: RecordedRequest) -> Any:
        if next(refused, False):
            return Reply({}, status=429, headers={"Retry-After": "0"})
        return player(asked)

    found = probe(busy, caplog, synced=False)
    assert found.paginator["offset_param"] == "skip"


def test_a_wait_that_is_too_long(caplog: pytest.LogCaptureFixture) -> None:
    """A wait beyond `retry.max_wait` ends the probe of the stream."""
    found = probe(lambda _: Reply({}, status=429, headers={"Retry-After": "4000"}), caplog)
    assert "asks to wait 4,000 s" in found.missing[STREAM]
    assert len(found.requests) == 1
