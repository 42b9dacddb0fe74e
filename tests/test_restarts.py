"""`paginator.max_pages`: an API that serves no more than so many pages is read in several chains, or fails."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.records.forums import bookmark, reached
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

SIZE, CAP = 5, 4
OFFSET = {"type": "offset", "limit": SIZE}
WHOLE = {"type": "offset", "limit": SIZE, "overlap": 0}
NUMBER = {"type": "page_number", "limit": SIZE, "limit_param": "limit"}
CHECKED = {**NUMBER, "overlap": 1}
CURSOR = {"type": "cursor", "limit": SIZE, "limit_param": "limit", "cursor_path": "next"}
ROW_CURSOR = {"type": "cursor", "limit": SIZE, "limit_param": "limit", "cursor_row_path": "id"}
LINK = {"type": "json_link", "limit": SIZE, "limit_param": "limit", "next_url_path": "next"}
HEADER = {"type": "header_link", "limit": SIZE, "limit_param": "limit"}
ALL = [OFFSET, WHOLE, NUMBER, CHECKED, CURSOR, ROW_CURSOR, LINK, HEADER]
ASC = {"row_order": "asc"}


def moment(number: int) -> str:
    """A moment for each number, a minute apart."""
    return f"{datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"


def minutes(count: int, rows_each: int = 1) -> list[dict[str, Any]]:
    """Rows of which some each share a moment."""
    return [{"id": number, "updated_at": moment(number // rows_each)} for number in range(1, count + 1)]


class Desk:
    """A sorted list with a filter by time, of which only the first pages are served.

    Args:
        table: The rows.
        excludes: Whether the start of a range is not part of it.
        total: Whether responses count all rows of the range.
    """

    def __init__(self, table: list[dict[str, Any]], *, excludes: bool = False, total: bool = False) -> None:
        self.table = table
        self.excludes = excludes
        self.total = total
        self.starts: list[str | None] = []

    def __call__(self, asked: RecordedRequest) -> Any:
        """A page, or a refusal."""
        query, size = asked.query, int(asked.query["limit"])
        after, before = query.get("updated_after", ""), query.get("updated_before", "9")
        found = [
            row
            for row in self.table
            if after <= row["updated_at"] < before and not (self.excludes and row["updated_at"] == after)
        ]
        if query.get("updated_after") not in self.starts:
            self.starts.append(query.get("updated_after"))
        first = int(query.get("offset") or query.get("at") or 0)
        first = (int(query["page"]) - 1) * size if "page" in query else first
        if "cursor" in query:
            ids = [str(row["id"]) for row in found]
            first = int(query["cursor"][1:]) if query["cursor"][0] == "c" else ids.index(query["cursor"]) + 1
        if first + size > CAP * SIZE:
            return Reply({"message": "too deep"}, 400)
        body: dict[str, Any] = {"forums": found[first : first + size]}
        if self.total:
            body["total"] = len(found)
        if first + size >= len(found):
            return body
        link = f"/v1/forums?limit={size}&at={first + size}&updated_after={after}&updated_before={before}"
        mode = query.get("mode")
        if mode == "cursor":
            body["next"] = f"c{first + size}"
        elif mode == "json_link":
            body["next"] = f"{link}&mode={mode}"
        elif mode == "header_link":
            return Reply(body, headers={"Link": f'<{link}&mode={mode}>; rel="next"'})
        return body


def read(
    desk: Any,
    paginator: dict[str, Any],
    incremental: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
    *,
    method: str = "INCREMENTAL",
    top: dict[str, Any] | None = None,
    **more: Any,
) -> Run:
    """Sync the forums of a desk."""
    mode = paginator["type"] if "cursor_row_path" not in paginator else ""
    with Server(desk) as server:
        settings = {
            "paginator": {"max_pages": CAP, **paginator},
            "incremental": ASC if incremental is None else incremental,
            "params": {"mode": mode},
            **more,
        }
        config = {"analytics": api(server.url, **settings), **(top or {})}
        catalog = catalog_of(config, "forums")
        for entry in catalog["streams"]:
            entry["replication_method"] = method
        return sync(config, catalog=catalog, state=state)


@pytest.mark.parametrize("paginator", ALL)
@pytest.mark.parametrize("rows_each", [1, 3])
@pytest.mark.parametrize("excludes", [False, True])
def test_a_sorted_list_is_read_beyond_the_cap(paginator: dict[str, Any], *, rows_each: int, excludes: bool) -> None:
    """Each chain begins at the last row of the one before; an API that leaves out its very start loses none."""
    desk = Desk(minutes(73, rows_each), excludes=excludes)
    run = read(desk, paginator)
    assert (run.failures, set(run.ids("forums"))) == ({}, set(range(1, 74)))
    assert reached(run) == moment(73 // rows_each)
    assert len(desk.starts) >= 4


@pytest.mark.parametrize("count", [15, 19, 20, 21, 25, 40])
@pytest.mark.parametrize("paginator", ALL)
@pytest.mark.parametrize("total", [False, True])
def test_no_count_of_rows_loses_one(paginator: dict[str, Any], count: int, *, total: bool) -> None:
    """Neither just below, at, nor just above the cap."""
    path = {"total_path": "total"} if total and paginator["type"] != "page_number" else {}
    run = read(Desk(minutes(count), total=total), {**paginator, **path})
    assert (run.failures, set(run.ids("forums"))) == ({}, set(range(1, count + 1)))


def test_a_full_table_is_read_beyond_the_cap() -> None:
    """The method says which rows are wanted, not how they are reached."""
    run = read(Desk(minutes(33)), NUMBER, method="FULL_TABLE")
    assert (run.failures, set(run.ids("forums"))) == ({}, set(range(1, 34)))


@pytest.mark.parametrize("paginator", ALL)
@pytest.mark.parametrize("count", [21, 22, 30])
def test_a_list_in_no_known_order_fails_beyond_the_cap(paginator: dict[str, Any], count: int) -> None:
    """The message says what to do, and the bookmark stays."""
    state = bookmark(moment(0))
    failure = read(Desk(minutes(count)), paginator, {}, state).failures["forums"]
    assert failure.startswith("the API serves 4 pages (`paginator.max_pages`), but more rows may follow; if ")
    assert "set `incremental.row_order` to `asc`; or set `incremental.window`" in failure


@pytest.mark.parametrize("paginator", ALL)
def test_a_list_that_ends_before_the_cap_needs_no_order(paginator: dict[str, Any]) -> None:
    """Its last page is not full, and nothing says that more rows follow."""
    for count in (0, 3, 12, 14):
        run = read(Desk(minutes(count)), paginator, {})
        assert (run.failures, len(set(run.ids("forums")))) == ({}, count)


def test_a_total_says_that_more_rows_follow() -> None:
    """An API that serves its last page short still counts them."""
    rows = minutes(13)

    def answer(asked: RecordedRequest) -> Any:
        first = int(asked.query["offset"])
        return {"forums": rows[:13][first : first + 5], "total": 99}

    run = read(answer, {**WHOLE, "total_path": "total", "max_pages": 3}, {})
    assert "but more rows may follow" in run.failures["forums"]


@pytest.mark.parametrize(
    ("incremental", "words"),
    [
        ({"row_order": "asc", "start_param": None}, "request fewer rows at a time, in `params` or `passes`"),
        ({"row_order": "asc", "trust_filter": True}, "set `incremental.window`"),
        ({"row_order": "asc", "trust_filter": True, "window": 3650}, "set a smaller `incremental.window`"),
    ],
)
def test_the_message_says_what_helps(incremental: dict[str, Any], words: str) -> None:
    """A range must be one that can be requested, and filtered by what it is sorted by."""
    run = read(Desk(minutes(30)), NUMBER, incremental, top={"start_date": "2024-01-01"})
    assert run.failures["forums"].endswith(words)


@pytest.mark.parametrize("excludes", [False, True])
@pytest.mark.parametrize("paginator", [OFFSET, NUMBER, CURSOR])
def test_rows_that_all_share_one_value_fail(paginator: dict[str, Any], *, excludes: bool) -> None:
    """There is no way behind them; the message names what to do."""
    table = [*minutes(8), *({"id": number, "updated_at": moment(60)} for number in range(100, 140))]
    run = read(Desk(table, excludes=excludes), paginator)
    assert run.failures["forums"].startswith(
        "all rows of the 4 pages that the API serves (`paginator.max_pages`) share"
    )
    assert "raise `paginator.limit`" in run.failures["forums"]


def test_a_format_in_days_fails_if_a_day_has_more_rows_than_the_api_serves() -> None:
    """What counts is what the request can say."""
    run = read(Desk(minutes(30)), NUMBER, {**ASC, "format": "%Y-%m-%d"}, state=bookmark(moment(0)))
    assert "as `incremental.format` shows it" in run.failures["forums"]


def test_each_window_has_its_own_chains() -> None:
    """The end of a window holds for all of them."""
    table = [{"id": number, "updated_at": moment(60 * number)} for number in range(1, 101)]
    desk = Desk(table)
    incremental = {**ASC, "window": 2}
    run = read(desk, NUMBER, incremental, top={"start_date": "2024-01-01", "end_date": "2024-01-08"})
    assert (run.failures, set(run.ids("forums"))) == ({}, set(range(1, 101)))


def test_windows_can_take_the_place_of_an_order() -> None:
    """Each is small enough."""
    table = [{"id": number, "updated_at": moment(240 * number)} for number in range(1, 51)]
    run = read(Desk(table), OFFSET, {"window": 2}, top={"start_date": "2024-01-01", "end_date": "2024-01-12"})
    assert (run.failures, set(run.ids("forums"))) == ({}, set(range(1, 51)))


def test_no_page_behind_the_cap_is_requested() -> None:
    """Not even ahead."""
    with Server(Desk(minutes(73))) as server:
        settings = {"paginator": {**WHOLE, "max_pages": CAP}, "incremental": ASC, "max_connections": 8}
        config = {"analytics": api(server.url, **settings)}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.error is None
    assert max(int(request.query["offset"]) for request in server.requests) == (CAP - 1) * SIZE


def test_a_row_that_changes_at_the_seam_is_not_lost() -> None:
    """The last row of a chain moves to the end, so that it does not come again where it was."""
    desk = Desk(minutes(53, 2))
    served: list[int] = []

    def answer(asked: RecordedRequest) -> Any:
        body = desk(asked)
        if len(served) == CAP - 1:
            moved = desk.table.pop(CAP * SIZE - 1)
            desk.table.append({**moved, "updated_at": moment(500)})
        served.append(1)
        return body

    run = read(answer, NUMBER)
    assert (run.failures, set(run.ids("forums"))) == ({}, set(range(1, 54)))


def test_parameters_of_the_first_page_are_sent_by_each_chain() -> None:
    """`first_page_only` and `passes` hold for what follows a cap, too."""
    desk = Desk(minutes(33))
    sent: list[tuple[bool, str]] = []

    def answer(asked: RecordedRequest) -> Any:
        sent.append(("sort" in asked.query, asked.query["kind"]))
        return desk(asked)

    own = {"passes": [{"kind": "a"}, {"kind": "b"}]}
    paginator = {**NUMBER, "first_page_only": ["sort"]}
    run = read(answer, paginator, params={"sort": "updated_at"}, streams={"forums": own})
    assert run.error is None
    assert [first for first, _ in sent] == 2 * [True, False, False, False, True, False, False, False]
    assert [kind for _, kind in sent] == 8 * ["a"] + 8 * ["b"]


@pytest.mark.parametrize("incremental", [ASC, {"window": 1}])
def test_the_summary_adds_up_the_totals_of_all_chains(
    incremental: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A chain that stops at the cap counts what it has read; others what the API counts. Rows at seams come twice."""
    caplog.set_level("INFO")
    desk = Desk([{"id": number, "updated_at": moment(240 * number)} for number in range(1, 34)], total=True)
    top = {"start_date": "2024-01-01", "end_date": "2024-01-08"}
    run = read(desk, {**OFFSET, "total_path": "total"}, incremental, top=top, max_connections=1)
    assert run.failures == {}
    line = next(line for line in caplog.text.splitlines() if line.split()[:1] == ["forums"])
    rows, total = line.split()[1:3]
    assert rows == total == str(len(run.ids("forums")))
