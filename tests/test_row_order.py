"""`incremental.row_order`: rows are in the order that the settings promise, and what is too old is not read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tap_feedback.paging import keys_by
from tap_feedback.records.time_range import SyncClock
from tap_feedback.row_order import RowOrder, in_order
from tests.configs import problems
from tests.records.forums import bookmark, reached
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Server

NOW = datetime(2024, 6, 1, tzinfo=timezone.utc)
PAGE = 5
CURSOR = {"type": "cursor", "cursor_path": "next", "limit": PAGE, "has_more_path": "more"}
OFFSET = {"type": "offset", "limit": PAGE}
NUMBER = {"type": "page_number", "limit": PAGE, "limit_param": "limit"}
LINK = {"type": "json_link", "next_url_path": "next", "limit": PAGE, "has_more_path": "more"}


def day(number: int) -> str:
    """A day of 2024, by its number."""
    return f"{datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(days=number - 1):%Y-%m-%dT%H:%M:%SZ}"


def daily(*days: int) -> list[dict[str, Any]]:
    """A row for each of these days, which are their ids."""
    return [{"id": number, "updated_at": day(number)} for number in days]


class Listing:
    """A list in pages, by offset, page number, cursor or link, without a filter; `before` runs before a page is cut."""

    def __init__(self, table: list[dict[str, Any]]) -> None:
        self.table = table
        self.served = 0
        self.came = 0

    def before(self) -> None:
        """Change the table."""

    def __call__(self, asked: RecordedRequest) -> dict[str, Any]:
        """A page; links lead to offsets."""
        self.before()
        self.served += 1
        size = int(asked.query.get("limit", PAGE))
        first = int(asked.query.get("offset") or asked.query.get("cursor") or 0)
        first = (int(asked.query["page"]) - 1) * size if "page" in asked.query else first
        behind = first + size
        more = behind < len(self.table)
        link = f"/v1/forums?offset={behind}" if "offset" in asked.query else str(behind)
        return {"forums": self.table[first:behind], "more": more, "next": link if more else None}

    def insert(self, count: int = 1) -> None:
        """Rows that come at the front."""
        for _ in range(count):
            self.came += 1
            moment = datetime.now(timezone.utc) + timedelta(seconds=self.came)
            self.table.insert(0, {"id": 1000 + self.came, "updated_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})


def read(listing: Any, paginator: dict[str, Any], order: str, state: dict[str, Any] | None = None, **more: Any) -> Run:
    """Sync the forums of a listing in an order."""
    with Server(listing) as server:
        incremental = {"start_param": None, "end_param": None, "row_order": order, **more.pop("incremental", {})}
        settings = {"paginator": paginator, "incremental": incremental, "max_connections": 1, **more}
        if paginator["type"] == "json_link":
            settings["params"] = {"offset": 0}
        config = {"analytics": api(server.url, **settings)}
        return sync(config, catalog=catalog_of(config, "forums"), state=state)


@pytest.mark.parametrize("paginator", [CURSOR, OFFSET, NUMBER, LINK])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_rows_in_their_order_are_read(paginator: dict[str, Any], order: str) -> None:
    """The other order fails, and the message names the setting."""
    table = daily(*range(1, 24))
    table = table if order == "asc" else table[::-1]
    run = read(Listing(table), paginator, order)
    assert run.error is None
    assert run.ids("forums") == [row["id"] for row in table]
    other = {"asc": "desc", "desc": "asc"}[order]
    failure = read(Listing(table), paginator, other).failures["forums"]
    assert failure.startswith("the rows are not in the order of `updated_at` that `incremental.row_order` promises")


@pytest.mark.parametrize("paginator", [CURSOR, OFFSET, NUMBER, LINK])
@pytest.mark.parametrize(
    ("order", "days"),
    [("asc", [1, 2, 3, 4, 5, 1, 7, 8]), ("desc", [9, 8, 7, 6, 5, 8, 3, 2]), ("asc", [1, 2, 4, 3])],
)
def test_each_row_is_checked_and_each_page_against_the_one_before(
    paginator: dict[str, Any], order: str, days: list[int]
) -> None:
    """Pages that are each in order may still not be in the order of the list. The bookmark stays."""
    table = [{**row, "id": number} for number, row in enumerate(daily(*days))]
    run = read(Listing(table), paginator, order, bookmark(day(1)))
    assert "`incremental.row_order`" in run.failures["forums"]
    assert reached(run) == day(1)


@pytest.mark.parametrize(
    ("values", "order", "expected"),
    [([], "asc", True), ([1, 1, 2], "asc", True), ([2, 2, 1], "desc", True), ([2, 1], "asc", False)],
)
def test_equal_values_are_in_order(values: list[int], order: Any, *, expected: bool) -> None:
    """APIs sort rows of one second as they like."""
    assert in_order(values, order) is expected


def test_rows_without_a_value_have_no_place() -> None:
    """They may come anywhere, and are written."""
    table = daily(1, 2, 3)
    table.insert(1, {"id": 90, "updated_at": None})
    table.append({"id": 91, "updated_at": "never"})
    assert read(Listing(table), OFFSET, "asc").ids("forums") == [1, 90, 2, 3, 91]


@pytest.mark.parametrize("paginator", [CURSOR, OFFSET, NUMBER, LINK])
def test_a_descending_list_is_read_up_to_the_first_page_that_is_too_old(paginator: dict[str, Any]) -> None:
    """A whole page before the start proves that the rest is older, and costs no further request."""
    listing = Listing(daily(*range(100, 0, -1)))
    run = read(listing, paginator, "desc", bookmark(day(93)))
    assert run.error is None
    assert run.ids("forums") == [100, 99, 98, 97, 96, 95, 94, 93]
    assert reached(run) == day(100)
    assert listing.served <= 4


def test_the_lookback_counts_for_the_stop() -> None:
    """Rows within it are wanted."""
    run = read(Listing(daily(*range(100, 0, -1))), CURSOR, "desc", bookmark(day(93)), incremental={"lookback": 864000})
    assert run.ids("forums") == list(range(100, 82, -1))


def test_a_page_with_one_row_that_is_new_enough_is_not_the_end() -> None:
    """Nor is one with a row whose time is not known."""
    listing = Listing([*daily(10, 9, 8, 7, 6), *daily(5, 4), {"id": 50, "updated_at": None}, *daily(3, 2), *daily(1)])
    assert read(listing, CURSOR, "desc", bookmark(day(5))).ids("forums") == [10, 9, 8, 7, 6, 5, 50]
    assert listing.served == 3


def test_a_first_sync_and_a_full_table_read_everything() -> None:
    """Without a start no row is too old."""
    assert len(read(Listing(daily(*range(40, 0, -1))), CURSOR, "desc").ids("forums")) == 40


def test_a_trusted_filter_does_not_stop() -> None:
    """Rows of any age are wanted there."""
    incremental = {"start_param": "since", "trust_filter": True}
    run = read(Listing(daily(*range(40, 0, -1))), CURSOR, "desc", bookmark(day(39)), incremental=incremental)
    assert len(run.ids("forums")) == 40


@pytest.mark.parametrize("paginator", [OFFSET, NUMBER, LINK])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_rows_that_come_in_front_during_the_sync_lose_none(paginator: dict[str, Any], count: int) -> None:
    """They move known rows to later pages; one sync or the next has them, and the stop still holds."""
    listing = Listing(daily(*range(100, 0, -1)))
    changes = iter([False, True, True, True])
    listing.before = lambda: listing.insert(count) if next(changes, False) else None  # type: ignore[method-assign]
    first = read(listing, paginator, "desc", bookmark(day(80)))
    assert first.error is None
    assert set(range(80, 101)) <= set(first.ids("forums"))
    listing.before = lambda: None  # type: ignore[method-assign]
    assert listing.served < 100
    second = read(listing, paginator, "desc", first.state)
    assert second.error is None
    came = set(range(1001, 1001 + listing.came))
    assert came <= set(first.ids("forums")) | set(second.ids("forums"))


def test_a_row_that_is_found_in_a_second_look_is_no_disorder() -> None:
    """Rows that go shift others to a page that was read; the tap goes back, and finds older ones than the last."""
    listing = Listing(daily(*range(1, 31)))
    changes = iter([False, False, True])

    def delete() -> None:
        if next(changes, False):
            del listing.table[:3]

    listing.before = delete  # type: ignore[method-assign]
    run = read(listing, OFFSET, "asc")
    assert run.error is None
    assert sorted(run.ids("forums")) == list(range(1, 31))


@pytest.mark.parametrize("paginator", [OFFSET, {**NUMBER, "overlap": 1}])
def test_a_page_is_checked_again_before_the_stop(paginator: dict[str, Any]) -> None:
    """A row that goes shifts another one, which is wanted, to the page before; all behind it is too old."""
    listing = Listing(daily(*range(100, 0, -1)))
    changes = iter([False, True])

    def delete() -> None:
        if next(changes, False):
            del listing.table[0]

    listing.before = delete  # type: ignore[method-assign]
    run = read(listing, paginator, "desc", bookmark(day(95)))
    assert (run.failures, sorted(run.ids("forums"))) == ({}, [95, 96, 97, 98, 99, 100])
    assert listing.served < 8


def test_numbers_are_compared_as_numbers() -> None:
    """A sequence is an order, too; as a text, 10 would come before 9."""
    own = {
        "path": "/events",
        "data_selector": "data",
        "replication_key": "seq",
        "schema": {"seq": {"type": "integer"}},
        "paginator": {"type": "single_page"},
        "incremental": {"row_order": "asc"},
    }
    with Server(lambda _: {"data": [{"id": "a", "seq": "9"}, {"id": "b", "seq": "10"}]}) as server:
        config = {"feedback": api(server.url, streams={"events": own})}
        run = sync(config, catalog=catalog_of(config, "events"))
    assert (run.error, run.ids("events")) == (None, ["a", "b"])


def test_a_new_row_may_only_be_newer_than_all() -> None:
    """In descending numbers, one that is new on a later page came in front, or the list is in no order."""

    def order() -> RowOrder:
        rows = [{"id": number, "seq": number} for number in (9, 8, 7)]
        made = RowOrder("seq", "desc", is_instant=False, keys=keys_by(["id"]), clock=SyncClock(NOW))
        made.take(rows, reach=1)
        return made

    order().take([{"id": 10, "seq": 10}, {"id": 9, "seq": 9}], reach=2)
    with pytest.raises(Exception, match="row_order"):
        order().take([{"id": 80, "seq": 8}, {"id": 7, "seq": 7}], reach=2)


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        ({"replication_key": "at", "incremental": {"row_order": "up"}}, "must be one of `asc`, `desc`, null"),
        ({"incremental": {"row_order": "asc"}}, "needs `replication_key`"),
        ({"replication_key": "at", "incremental": {"row_order": None}}, None),
        ({"replication_key": "at", "incremental": {"row_order": "desc"}}, None),
    ],
)
def test_what_cannot_work_is_refused(stream: dict[str, Any], words: str | None) -> None:
    """An order is one of a key."""
    block = {"base_url": "https://a.b", "api_key": "k", "streams": {"nps": {"path": "/nps", **stream}}}
    found = problems({"support": block})
    assert found == ([] if words is None else [f"`support.streams.nps.incremental.row_order` {words}"])
