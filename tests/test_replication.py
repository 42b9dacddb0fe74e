"""Replication: what is asked for, which rows are written, and where the bookmark comes to stand."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest

from tap_feedback.instants import parse_instant
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server


def rows(*updated: Any) -> list[dict[str, Any]]:
    """Forums, numbered from 1, each with its `updated_at`."""
    return [{"id": number, "updated_at": value} for number, value in enumerate(updated, 1)]


def forums_server(table: list[dict[str, Any]]) -> Server:
    """A server that gives all forums in one page, whatever time range is asked for."""
    return Server(lambda asked: {"forums": table})


def bookmark(value: Any, key: str = "updated_at") -> dict[str, Any]:
    """A state with a bookmark of the forums."""
    return {"bookmarks": {"forums": {"replication_key": key, "replication_key_value": value}}}


def forums(
    server: Server, *, state: dict[str, Any] | None = None, top: dict[str, Any] | None = None, **more: Any
) -> Run:
    """Sync the forums of a server."""
    config = {"analytics": api(server.url, **more), **(top or {})}
    return sync(config, catalog=catalog_of(config, "forums"), state=state)


def reached(run: Run) -> Any:
    """The bookmark of the forums at the end."""
    return run.state["bookmarks"]["forums"].get("replication_key_value")


# What the server is asked for


@pytest.mark.parametrize(
    ("settings", "top", "state", "query"),
    [
        ({}, {}, None, {}),
        ({}, {"start_date": "2024-01-31"}, None, {"updated_after": "2024-01-31T00:00:00Z"}),
        ({}, {"start_date": "2024-01-31T01:00:00+01:00"}, None, {"updated_after": "2024-01-31T00:00:00Z"}),
        ({}, {"start_date": "2024-01-01"}, "2024-02-01T00:00:00Z", {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {"start_date": "2024-03-01"}, "2024-02-01T00:00:00Z", {"updated_after": "2024-03-01T00:00:00Z"}),
        ({}, {}, "2024-02-01T02:00:00.75+02:00", {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {}, 1706745600, {"updated_after": "2024-02-01T00:00:00Z"}),
        ({}, {"end_date": "2024-03-01"}, None, {"updated_before": "2024-03-01T00:00:00Z"}),
        ({}, {"end_date": "2024-03-01T00:00:00.5Z"}, None, {"updated_before": "2024-03-01T00:00:01Z"}),
        ({"lookback": 3600}, {}, "2024-02-01T00:00:00Z", {"updated_after": "2024-01-31T23:00:00Z"}),
        ({"lookback": 3600}, {"start_date": "2024-02-01"}, None, {"updated_after": "2024-02-01T00:00:00Z"}),
        ({"format": "epoch"}, {}, "2024-02-01T00:00:00Z", {"updated_after": "1706745600"}),
        ({"format": "epoch_ms"}, {}, "2024-02-01T00:00:00.5Z", {"updated_after": "1706745600500"}),
        ({"format": "%Y-%m-%d"}, {"end_date": "2024-03-01T12:00:00Z"}, None, {"updated_before": "2024-03-02"}),
        ({"start_param": "since"}, {}, "2024-02-01T00:00:00Z", {"since": "2024-02-01T00:00:00Z"}),
        ({"start_param": None}, {}, "2024-02-01T00:00:00Z", {}),
    ],
)
def test_the_server_is_asked_for_the_range(
    settings: dict[str, Any], top: dict[str, Any], state: Any, query: dict[str, str]
) -> None:
    """The bookmark less the lookback, or `start_date`, and `end_date` are sent as the settings say."""
    with forums_server([]) as server:
        run = forums(server, incremental=settings, top=top, state=state and bookmark(state))
    assert run.error is None
    assert server.requests[0].query == query


def test_a_full_table_sync_asks_for_everything() -> None:
    """`start_date` and bookmarks are for incremental syncs."""
    with forums_server(rows("2020-01-01T00:00:00Z")) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-01"}
        catalog = catalog_of(config, "forums")
        for entry in catalog["streams"]:
            entry["replication_method"] = "FULL_TABLE"
        run = sync(config, catalog=catalog, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [1]
    assert server.requests[0].query == {}


# Which rows are written


def test_rows_outside_the_range_are_left_out_whether_or_not_the_api_did() -> None:
    """Rows before the start are not written, nor any from `end_date` on; those at the bookmark come again."""
    table = rows(
        "2024-01-31T23:59:59.999Z",
        "2024-02-01T00:00:00Z",
        "2024-02-01T01:00:00+02:00",  # before, as an instant
        "2024-01-31T23:30:00-01:00",  # behind, as an instant
        "2024-02-29T23:59:59Z",
        "2024-03-01T00:00:00Z",
        None,
    )
    with forums_server(table) as server:
        run = forums(server, top={"end_date": "2024-03-01"}, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [2, 4, 5, 7]
    assert reached(run) == "2024-02-29T23:59:59Z"


def test_a_lookback_reads_rows_again() -> None:
    """Rows within the lookback are written again; the bookmark does not move back."""
    with forums_server(rows("2024-01-31T22:00:00Z", "2024-01-31T23:30:00Z")) as server:
        run = forums(server, incremental={"lookback": 3600}, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [2]
    assert reached(run) == "2024-02-01T00:00:00Z"


# The bookmark


@pytest.mark.parametrize(
    ("updated", "expected"),
    [
        (["2024-01-01T00:00:00Z", "2024-01-03T00:00:00Z", "2024-01-02T00:00:00Z"], "2024-01-03T00:00:00Z"),
        (["2024-01-01T00:30:00Z", "2024-01-01T01:00:00+02:00"], "2024-01-01T00:30:00Z"),
        (["2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z"], "2024-01-01T00:00:00.5Z"),
        (["2024-01-01T00:00:00Z", 1704153600], "2024-01-02T00:00:00Z"),
        (["2024-01-01T00:00:00Z", 1704153600000], "2024-01-02T00:00:00Z"),
        (["2024-01-01T00:00:00Z", None, "nonsense", "0000-00-00"], "2024-01-01T00:00:00Z"),
        ([None, None], None),
        ([], None),
    ],
)
def test_the_bookmark_is_the_latest_instant(updated: list[Any], expected: str | None) -> None:
    """Values are compared as points in time; those that are none move nothing, and their rows are written."""
    with forums_server(rows(*updated)) as server:
        run = forums(server)
    assert run.error is None
    assert len(run.ids("forums")) == len(updated)
    assert reached(run) == expected


def test_a_bookmark_never_moves_back() -> None:
    """Where nothing newer comes, the bookmark stays as it was handed in."""
    with forums_server(rows(None)) as server:
        assert reached(forums(server, state=bookmark("2024-02-01T00:00:00Z"))) == "2024-02-01T00:00:00Z"
    with forums_server([]) as server:
        assert reached(forums(server, state=bookmark("2024-02-01T00:00:00Z"))) == "2024-02-01T00:00:00Z"


def test_bookmark_does_not_pass_the_moment_the_sync_began() -> None:
    """A row that changes while the sync runs, or by a clock that is ahead, is written, and read again by the next."""
    before = datetime.now(timezone.utc)
    table = rows("2024-01-01T00:00:00Z", f"{before + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}")
    with forums_server(table) as server:
        run = forums(server)
        after = datetime.now(timezone.utc)
        assert run.ids("forums") == [1, 2]
        moment = datetime.strptime(reached(run), "%Y-%m-%dT%H:%M:%S%z")
        assert before - timedelta(seconds=1) <= moment <= after
        assert forums(server, state=run.state).ids("forums") == [2]
        # A change in the second in which the sync began, told by a clock that shows whole seconds.
        table.append({"id": 3, "updated_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})
        assert forums(server, state=run.state).ids("forums") == [2, 3]


def test_a_second_run_reads_only_what_is_at_the_bookmark() -> None:
    """The state of one run, handed to the next, leaves the rows at the bookmark and what is newer."""
    table = rows("2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z", "2024-01-02T00:00:00Z")
    with forums_server(table) as server:
        first = forums(server)
        second = forums(server, state=first.state)
        table.append({"id": 4, "updated_at": "2024-01-02T00:00:00.001Z"})
        third = forums(server, state=second.state)
    assert (first.ids("forums"), second.ids("forums"), third.ids("forums")) == ([1, 2, 3], [2, 3], [2, 3, 4])
    assert reached(third) == "2024-01-02T00:00:00.001Z"


def test_a_failed_sync_leaves_the_bookmark() -> None:
    """What a sync wrote before it failed is read again: the state does not pass it."""

    def answer(asked: RecordedRequest) -> Any:
        if "cursor" in asked.query:
            return Reply(status=404)
        return {"forums": rows("2024-03-01T00:00:00Z"), "pagination": {"cursor": "b"}}

    with Server(answer) as server:
        run = forums(server, state=bookmark("2024-02-01T00:00:00Z"))
    assert run.ids("forums") == [1]
    assert run.error is not None
    assert reached(run) == "2024-02-01T00:00:00Z"


def test_the_bookmark_of_another_key_is_not_used() -> None:
    """A stream whose replication key was changed begins anew."""
    with forums_server(rows("2024-01-01T00:00:00Z")) as server:
        run = forums(server, state=bookmark("2024-02-01T00:00:00Z", key="created_at"))
    assert run.ids("forums") == [1]
    assert run.state == bookmark("2024-01-01T00:00:00Z")


def switched(config: dict[str, Any], stream: str, key: str) -> dict[str, Any]:
    """A catalog with one stream, switched to this replication key."""
    catalog = catalog_of(config, stream)
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == stream:
            root = next(item["metadata"] for item in entry["metadata"] if not item["breadcrumb"])
            root.update({"replication-method": "INCREMENTAL", "replication-key": key})
    return catalog


def test_a_number_can_be_the_replication_key() -> None:
    """A catalog may name the id: it is compared as a number, and no time range is asked for."""
    table = [{"id": number} for number in (9, 10, 8)]
    with Server(lambda asked: {"forums": table}) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-01"}
        catalog = switched(config, "forums", "id")
        first = sync(config, catalog=catalog)
        second = sync(config, catalog=catalog, state=first.state)
    assert first.ids("forums") == [9, 10, 8]
    assert first.state == bookmark(10, key="id")
    assert second.ids("forums") == [10]
    assert {str(asked.query) for asked in server.requests} == {"{}"}


def test_a_bookmark_of_another_kind_fails_in_words() -> None:
    """A text as bookmark of a numeric key cannot be compared, which is told as such."""
    with Server(lambda asked: {"forums": [{"id": 9}]}) as server:
        config = {"analytics": api(server.url)}
        run = sync(config, catalog=switched(config, "forums", "id"), state=bookmark("nine", key="id"))
    assert "`id` cannot be compared" in run.failures["forums"]


def test_a_stream_without_a_key_of_its_own_can_be_incremental() -> None:
    """A feedback stream that is switched to INCREMENTAL by its timestamp writes what is new."""
    table = [{"id": str(number), "timestamp": f"2024-01-0{number}T00:00:00Z"} for number in range(1, 6)]

    def answer(asked: RecordedRequest) -> Any:
        start = int(asked.query["offset"])
        return {"data": table[start : start + 2]}

    with Server(answer) as server:
        config = {"feedback": api(server.url, paginator={"limit": 2})}
        catalog = switched(config, "feedback_data", "timestamp")
        first = sync(config, catalog=catalog)
        table.append({"id": "6", "timestamp": "2024-01-06T00:00:00Z"})
        second = sync(config, catalog=catalog, state=first.state)
    assert first.ids("feedback_data") == ["1", "2", "3", "4", "5"]
    assert second.ids("feedback_data") == ["5", "6"]


# Keys that have no order


def refused(config: dict[str, Any], catalog: dict[str, Any] | None) -> str:
    """The message with which a sync ends before any request."""
    run = sync(config, catalog=catalog)
    assert not run.messages
    assert not run.failures
    return str(run.error)


@pytest.mark.parametrize("stream", ["feedback_data", "forums"])
def test_a_text_as_replication_key_is_refused(stream: str) -> None:
    """As texts "10" comes before "9", so the rows after the ninth would be left out by every sync that follows."""
    api_name, key = ("feedback", "id") if stream == "feedback_data" else ("analytics", "name")
    with Server(lambda asked: Reply(status=404)) as server:
        by_settings = {api_name: api(server.url, streams={stream: {"replication_key": key}})}
        by_catalog = {api_name: api(server.url)}
        messages = [
            refused(by_settings, catalog_of(by_settings, stream)),
            refused(by_catalog, switched(by_catalog, stream, key)),
        ]
        assert not server.requests
    for message in messages:
        assert message.startswith(f"{stream}: the replication key {key!r} is neither a point in time nor a number")
        assert f"`{api_name}.streams.{stream}.replication_key`" in message


def retyped(config: dict[str, Any], subschema: dict[str, Any]) -> dict[str, Any]:
    """A catalog of the forums in which `updated_at` has another schema."""
    catalog = catalog_of(config, "forums")
    for entry in catalog["streams"]:
        entry["schema"]["properties"]["updated_at"] = subschema
    return catalog


@pytest.mark.parametrize("lost", [{"type": ["string", "null"]}, {"type": "string"}, {}])
def test_a_catalog_that_lost_the_format_of_a_timestamp_loses_no_row(lost: dict[str, Any]) -> None:
    """The tap's own schema knows a point in time; as texts, 09:45Z and 06:00-05:00 come before 10:00+02:00."""
    table = rows("2024-04-05T10:00:00+02:00", "2024-04-05T09:30:00+00:00")
    with forums_server(table) as server:
        config = {"analytics": api(server.url)}
        catalog = retyped(config, lost)
        first = sync(config, catalog=catalog)
        table += [
            {"id": 3, "updated_at": "2024-04-05T09:45:00+00:00"},
            {"id": 4, "updated_at": "2024-04-05T06:00:00-05:00"},
        ]
        second = sync(config, catalog=catalog, state=first.state)
    assert reached(first) == "2024-04-05T09:30:00+00:00"
    assert second.ids("forums") == [2, 3, 4]
    assert reached(second) == "2024-04-05T06:00:00-05:00"


@pytest.mark.parametrize(
    "number", [{"type": ["integer", "null"]}, {"type": "number"}, {"anyOf": [{"type": "integer"}, {"type": "null"}]}]
)
def test_a_catalog_may_make_a_number_of_a_key(number: dict[str, Any]) -> None:
    """A version that counts up is compared as a number, whatever the tap's own schema says."""
    with forums_server(rows(10, 9)) as server:
        config = {"analytics": api(server.url)}
        first = sync(config, catalog=retyped(config, number))
        second = sync(config, catalog=retyped(config, number), state=first.state)
    assert first.state == bookmark(10)
    assert second.ids("forums") == [1]
    assert all(not asked.query for asked in server.requests)


def test_a_date_is_a_point_in_time() -> None:
    """A key without a time of day begins its day."""
    with forums_server(rows("2024-01-09", "2024-01-10")) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-10"}
        run = sync(config, catalog=retyped(config, {"type": ["string", "null"], "format": "date"}))
    assert run.ids("forums") == [2]
    assert server.requests[0].query == {"updated_after": "2024-01-10T00:00:00Z"}


# The API's clock


def http_date(moment: datetime) -> str:
    """A moment as a `Date` header."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


@pytest.mark.parametrize("window", [None, 1])
def test_no_change_is_lost_if_the_clock_of_the_api_is_behind(window: float | None) -> None:
    """Row 1 changes after its page was read, and row 2 later, but before its own is: the next sync reads row 1."""
    behind = timedelta(minutes=1)
    start = datetime.now(timezone.utc) - timedelta(days=1, hours=12)
    table = dict.fromkeys((1, 2), start + timedelta(hours=1))
    changes = iter([True])

    def answer(asked: RecordedRequest) -> Reply:
        now = datetime.now(timezone.utc) - behind
        first = parse_instant(asked.query["updated_after"]) or now
        last = parse_instant(asked.query.get("updated_before")) or now + timedelta(days=1)
        found = [row for row in table.items() if first <= row[1] <= last]
        here = found[1:] if "cursor" in asked.query else found[:1]
        body: dict[str, Any] = {"forums": [{"id": row[0], "updated_at": row[1].isoformat()} for row in here]}
        if len(found) > 1 and "cursor" not in asked.query:
            body["pagination"] = {"cursor": "2"}
            if next(changes, False):
                table.update({1: now + timedelta(seconds=1), 2: now + timedelta(seconds=2)})
        return Reply(body, headers={"Date": http_date(now)})

    with Server(answer) as server:
        more: dict[str, Any] = {"top": {"start_date": start.isoformat()}, "incremental": {"window": window}}
        began = datetime.now(timezone.utc)
        first = forums(server, **more)
        second = forums(server, state=first.state, **more)
    assert first.error is second.error is None
    moment = parse_instant(reached(first))
    assert moment is not None
    assert timedelta(seconds=-1) <= moment - (began - behind) <= timedelta(seconds=1)
    # Row 2 left its window, which ends later than this clock; what is behind the windows is read from this clock on.
    assert set(first.ids("forums")) == {1, 2}
    newest = {row["id"]: row["updated_at"] for run in (first, second) for row in run.records("forums")}
    assert newest == {number: moment.isoformat() for number, moment in table.items()}


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (timedelta(hours=-1), timedelta(hours=-1)),
        (timedelta(hours=1), timedelta(0)),
        (timedelta(days=36500), timedelta(0)),
        ("Thu, 32 Foo 2024", timedelta(0)),
        ("0", timedelta(0)),
        ("", timedelta(0)),
    ],
)
def test_the_earlier_of_both_clocks_bounds_the_bookmark(date: timedelta | str, expected: timedelta) -> None:
    """A `Date` that lies ahead, or cannot be read, says nothing."""
    began = datetime.now(timezone.utc)
    header = date if isinstance(date, str) else http_date(began + date)
    table = rows(f"{began + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}")
    with Server(lambda asked: Reply({"forums": table}, headers={"Date": header})) as server:
        run = forums(server)
    moment = parse_instant(reached(run))
    assert moment is not None
    assert timedelta(seconds=-1) <= moment - began - expected <= datetime.now(timezone.utc) - began


def test_the_first_response_tells_the_time() -> None:
    """What changes after the first page was read counts, so the clock of later responses does not."""
    began = datetime.now(timezone.utc).replace(microsecond=0)
    dates = [began - timedelta(minutes=minutes) for minutes in (30, 20)]
    later = f"{began:%Y-%m-%dT%H:%M:%SZ}"

    def answer(asked: RecordedRequest) -> Reply:
        page = int(asked.query.get("cursor", 0))
        body = {"forums": [{"id": page, "updated_at": later}], "pagination": {"cursor": None if page else "1"}}
        return Reply(body, headers={"Date": http_date(dates[page])})

    with Server(answer) as server:
        assert reached(forums(server)) == f"{dates[0]:%Y-%m-%dT%H:%M:%SZ}"


def test_a_bookmark_does_not_move_back_to_the_clock_of_the_api() -> None:
    """A clock that was put right, or another server of the API, leaves the bookmark where it is."""
    hour_ago = http_date(datetime.now(timezone.utc) - timedelta(hours=1))
    minute_ago = f"{datetime.now(timezone.utc) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
    with Server(lambda asked: Reply({"forums": rows(minute_ago)}, headers={"Date": hour_ago})) as server:
        assert reached(forums(server, state=bookmark(minute_ago))) == minute_ago


# Ranges in which nothing is


@pytest.mark.parametrize("window", [None, 30])
@pytest.mark.parametrize("end_date", ["2024-02-01", "2024-03-01"])
def test_an_end_before_the_bookmark_asks_for_nothing(
    window: float | None, end_date: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An API may refuse a range that ends before it begins; the stream has all that it was asked for."""
    caplog.set_level("INFO")
    state = bookmark("2024-03-01T00:00:00Z")
    with Server(lambda asked: Reply(status=400)) as server:
        run = forums(server, top={"end_date": end_date}, state=state, incremental={"window": window})
    assert run.error is None
    assert not server.requests
    assert run.state == state
    assert [message["type"] for message in run.messages] == ["STATE", "SCHEMA", "STATE"]
    assert "forums: nothing to read: `end_date` is not after 2024-03-01T00:00:00Z" in caplog.text
    assert "no row has" not in caplog.text


def test_an_end_within_the_lookback_asks_for_the_rest() -> None:
    """What is read again before the bookmark counts."""
    with forums_server([]) as server:
        forums(
            server,
            top={"end_date": "2024-02-29T23:30:00Z"},
            state=bookmark("2024-03-01T00:00:00Z"),
            incremental={"lookback": 3600},
        )
    assert server.requests[0].query == {
        "updated_after": "2024-02-29T23:00:00Z",
        "updated_before": "2024-02-29T23:30:00Z",
    }


# States of other taps


@pytest.mark.parametrize(
    "state",
    [
        {"currently_syncing": "forums", "bookmarks": {"forums": {"updated_at": "2024-02-01T00:00:00Z"}}},
        {"currently_syncing": None, "forums": {"updated_at": "2024-02-01T00:00:00Z"}},
        {"forums": {"updated_at": "2024-02-01T00:00:00Z"}},
    ],
)
def test_the_state_of_a_singer_io_tap_is_taken_over(state: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Whoever comes from such a tap does not read everything again; the oldest of them have no `bookmarks`."""
    caplog.set_level("INFO")
    with forums_server(rows("2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z", "2024-02-02T00:00:00Z")) as server:
        run = forums(server, state=state)
        assert "forums: takes over the bookmark of a singer-io tap, `updated_at`" in caplog.text
        caplog.clear()
        again = forums(server, state=run.state)
    assert [asked.query["updated_after"] for asked in server.requests] == [
        "2024-02-01T00:00:00Z",
        "2024-02-02T00:00:00Z",
    ]
    assert (run.ids("forums"), again.ids("forums")) == ([2, 3], [3])
    assert reached(run) == "2024-02-02T00:00:00Z"
    assert "singer-io" not in caplog.text


@pytest.mark.parametrize(
    ("state", "start"),
    [
        ({"updated_at": "2024-03-01", **bookmark("2024-02-01T00:00:00Z")["bookmarks"]["forums"]}, "2024-02-01"),
        ({"updated_at": "2024-01-01", **bookmark("2024-02-01T00:00:00Z")["bookmarks"]["forums"]}, "2024-02-01"),
        ({"updated_at": "2024-01-01", **bookmark("2024-02-01", key="id")["bookmarks"]["forums"]}, "2024-01-01"),
        ({"updated_at": 1704067200}, "2024-01-01"),
        ({"created_at": "2024-01-01"}, None),
        ({"updated_at": None}, None),
    ],
)
def test_the_own_bookmark_goes_before_that_of_a_singer_io_tap(state: dict[str, Any], start: str | None) -> None:
    """The SDK's form counts if it is of this key; a bookmark under another name is none of this key."""
    with forums_server([]) as server:
        forums(server, state={"bookmarks": {"forums": state}})
    assert server.requests[0].query == ({"updated_after": f"{start}T00:00:00Z"} if start else {})


@pytest.mark.parametrize(
    ("value", "words"), [("yesterday", "is not a point in time"), ("2123-01-01", "lies in the future")]
)
def test_a_singer_io_bookmark_that_cannot_be_used_is_refused(value: str, words: str) -> None:
    """As the SDK's own: before any request."""
    with Server(lambda asked: Reply(status=404)) as server:
        run = forums(server, state={"bookmarks": {"forums": {"updated_at": value}}})
        assert not server.requests
    assert f"state: the bookmark of forums {words}" in str(run.error)


# What the log says


@pytest.mark.parametrize(
    ("table", "state", "words"),
    [
        ([{"id": 1}], None, "there is no bookmark; every sync reads everything"),
        (rows(None, "nonsense"), None, "there is no bookmark; every sync reads everything"),
        (rows(None), "2024-01-01T00:00:00Z", "the bookmark stays; every sync reads on from there"),
        ([], None, None),
        (rows(None, "2024-02-01T00:00:00Z"), None, None),
        (rows("2023-02-01T00:00:00Z", None), "2024-01-01T00:00:00Z", None),
    ],
)
def test_rows_without_the_replication_key_are_told(
    table: list[dict[str, Any]], state: str | None, words: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """An incremental stream without a bookmark reads everything every time, and looks as if all were well."""
    with forums_server(table) as server:
        run = forums(server, state=bookmark(state) if state else None)
    assert run.error is None
    warnings = [record.getMessage() for record in caplog.records if "no row has" in record.getMessage()]
    expected = f"forums: no row has `updated_at`, so {words}; check `analytics.streams.forums.replication_key`"
    assert warnings == ([expected] if words else [])


@pytest.mark.parametrize(
    ("settings", "state", "origin"),
    [
        ({}, None, "the beginning"),
        ({"start_date": "2024-01-01"}, None, "2024-01-01T00:00:00Z"),
        ({}, "2024-02-01T02:00:00.5+02:00", "2024-02-01T00:00:00Z"),
        ({"start_date": "2024-03-01"}, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
    ],
)
def test_the_log_says_from_where_a_stream_is_read(
    settings: dict[str, Any], state: str | None, origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each stream has the start that is sent."""
    caplog.set_level("INFO")
    with forums_server([]) as server:
        forums(server, top=settings, state=bookmark(state) if state else None)
    lines = [record.getMessage() for record in caplog.records if "Beginning sync" in record.getMessage()]
    assert lines == [f"Beginning sync of 'forums' in incremental mode from {origin}"]


def test_the_log_says_that_a_full_table_starts_at_the_beginning(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever `start_date` says, which is for incremental streams."""
    caplog.set_level("INFO")
    with Server(lambda asked: {"data": []}) as server:
        sync({"feedback": api(server.url), "start_date": "2024-01-01"})
    assert "Beginning sync of 'feedback_data' in full_table mode from the beginning" in caplog.text


@pytest.mark.parametrize(("key", "told"), [("created_at", "`created_at`"), (None, "none"), ("updated_at", "")])
def test_a_replication_key_that_is_newer_than_the_catalog_is_told(
    key: str | None, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The catalog wins, as its user may have chosen; the log names both."""
    with forums_server(rows("2024-01-01T00:00:00Z")) as server:
        catalog = catalog_of({"analytics": api(server.url)}, "forums")
        config = {"analytics": api(server.url, streams={"forums": {"replication_key": key}})}
        run = sync(config, catalog=catalog)
    assert run.state["bookmarks"]["forums"]["replication_key"] == "updated_at"
    warnings = [record.getMessage() for record in caplog.records if "the catalog says" in record.getMessage()]
    expected = (
        f"forums: `analytics.streams.forums.replication_key` is {told}, but the catalog says `updated_at`, and the "
        "catalog wins: run `--discover` again, or change it there"
    )
    assert warnings == ([expected] if told else [])


def test_a_replication_key_is_told_if_the_catalog_has_none(caplog: pytest.LogCaptureFixture) -> None:
    """A catalog of the time when a stream was read whole has it read whole for ever."""
    with Server(lambda asked: {"data": []}) as server:
        catalog = catalog_of({"feedback": api(server.url)}, "feedback_data")
        sync(
            {"feedback": api(server.url, streams={"feedback_data": {"replication_key": "timestamp"}})}, catalog=catalog
        )
    assert (
        "feedback_data.replication_key` is `timestamp`, but the catalog says none, and the catalog wins" in caplog.text
    )


# ACTIVATE_VERSION


def test_activate_version_follows_the_last_row() -> None:
    """A complete FULL_TABLE sync activates the version that its records carry, after them and before the state."""
    with Server(lambda asked: {"data": [{"id": "1"}, {"id": "2"}] if asked.query["offset"] == "0" else []}) as server:
        run = sync({"feedback": api(server.url), "emit_activate_version_messages": True})
    kinds = [message["type"] for message in run.messages]
    assert kinds[-4:] == ["RECORD", "RECORD", "ACTIVATE_VERSION", "STATE"]
    assert kinds.count("ACTIVATE_VERSION") == 1
    versions = {message["version"] for message in run.messages if message["type"] in {"RECORD", "ACTIVATE_VERSION"}}
    assert len(versions) == 1


def test_failed_sync_does_not_activate_its_version() -> None:
    """A sync that fails half-way must not have the target delete what did not come."""
    pages = {"0": {"data": [{"id": "1"}, {"id": "2"}]}}
    with Server(lambda asked: pages.get(asked.query["offset"], Reply(status=401))) as server:
        config = {"feedback": api(server.url, paginator={"overlap": 0}), "emit_activate_version_messages": True}
        run = sync(config)
    assert run.ids("feedback_data") == ["1", "2"]
    assert run.error is not None
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}


def test_an_incremental_sync_activates_no_version() -> None:
    """What an incremental sync does not read is not gone."""
    with forums_server(rows("2024-01-01T00:00:00Z")) as server:
        run = forums(server, top={"emit_activate_version_messages": True})
    assert "ACTIVATE_VERSION" not in {message["type"] for message in run.messages}
    assert "version" not in next(message for message in run.messages if message["type"] == "RECORD")
