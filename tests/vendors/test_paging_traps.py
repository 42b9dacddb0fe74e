"""Where the paging of vendors loses rows: each preset avoids it, and without that setting rows are missing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.vendors.paging import Numbered, Size
from tap_feedback.declarations import preset
from tap_feedback.records.conform import EXTRA
from tests.vendors.stages import stage_of
from tests.vendors.traps import Trap, check, read
from tools.playing import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.vendors.rows import Row

Change = dict[str, Any]


def change_one(rows: list[Row]) -> None:
    """Change a row of the first page."""
    rows[1].change()


def drop_one(rows: list[Row]) -> None:
    """Delete a row of the first page in the order of creation."""
    del rows[1]


@pytest.mark.parametrize(
    ("stream", "change", "happens"),
    [
        ("help_scout_conversations", {".params.sortField": "modifiedAt"}, change_one),
        ("trustpilot_service_reviews", {"paginator.overlap": None}, drop_one),
        ("trustpilot_product_reviews", {"paginator.overlap": None}, drop_one),
        ("zonka_feedback_responses", {"paginator.overlap": None}, drop_one),
        ("retently_feedback", {"paginator.overlap": None}, drop_one),
        ("aha_ideas", {"paginator.overlap": None}, drop_one),
        ("freshdesk_contacts", {"paginator.overlap": None}, drop_one),
        ("typeform_forms", {"paginator.overlap": None}, drop_one),
    ],
)
def test_rows_that_move_between_pages_hide_none(
    stream: str, change: Change, happens: Callable[[list[Row]], None]
) -> None:
    """A row that changes does not move, or the second look at a page shows that others moved."""
    trap = Trap(stream, change)

    def missing(stage: Stage) -> set[str]:
        with stage.player() as player:
            player.meanwhile[stream] = (1, happens)
            played = stage.play(player, stream)
        return {*player.names(stream)} - {*played.names(stream)}

    assert missing(stage_of(trap.vendor)) == set()
    assert len(missing(trap.without())) >= 1


def test_tickets_that_are_deleted_while_they_are_read_hide_none() -> None:
    """They leave one list for another, so that others move up; each page is requested again after the next."""
    stream = "freshdesk_tickets"

    def first_by_change(rows: list[Row]) -> None:
        min((row for row in rows if row.kind == "open"), key=lambda row: row.changed).kind = "deleted"

    with (stage := stage_of("freshdesk")).player() as player:
        player.meanwhile[stream] = (1, first_by_change)
        played = stage.play(player, stream)
    assert (played.failures, {*player.names(stream)} - {*played.names(stream)}) == ({}, set())
    with (stage := Stage("freshdesk", {"paginator.overlap": None})).player() as player:
        player.meanwhile[stream] = (1, first_by_change)
        played = stage.play(player, stream)
    assert {*player.names(stream)} - {*played.names(stream)}


@pytest.mark.parametrize(
    "stream",
    ["retently_feedback", "retently_customers", "trustpilot_service_reviews", "featurebase_posts", "canny_posts"],
)
def test_lists_that_can_be_sorted_are_not_newest_first(stream: str) -> None:
    """Otherwise each new row shifts all pages."""
    trap = Trap(stream, {})
    player, played = read(stage_of(trap.vendor), stream)
    assert [record[EXTRA]["x_new_field"] for record in played.records[stream]] == [
        row.name for row in player.rows(stream)
    ]


def test_a_cap_on_pages_is_passed() -> None:
    """Freshdesk serves 300 pages of tickets; here it is two, so that the test is fast."""
    block = preset("freshdesk")
    assert block is not None
    assert block["streams"]["freshdesk_tickets"]["paginator"]["max_pages"] == 300
    shapes = {"freshdesk_tickets": Numbered(Size("per_page", 30, 100), cap=2)}
    small = {"streams.freshdesk_tickets.paginator.max_pages": 2}
    player, played = read(Stage("freshdesk", small), "freshdesk_tickets", shapes=shapes)
    assert played.failures == {}
    assert {*played.names("freshdesk_tickets")} == {*player.names("freshdesk_tickets")}
    for change in (
        {"streams.freshdesk_tickets.paginator.max_pages": None},
        {**small, "streams.freshdesk_tickets.incremental.row_order": None},
    ):
        player, played = read(Stage("freshdesk", change), "freshdesk_tickets", shapes=shapes)
        assert played.failures


@pytest.mark.parametrize(
    "trap",
    [
        Trap("zendesk_tickets", {".paginator.has_more_path": None}, "cursor"),
        Trap("zendesk_users", {".paginator.has_more_path": None}, "cursor"),
    ],
    ids=lambda trap: trap.stream,
)
def test_a_cursor_on_the_last_page_has_an_end(trap: Trap) -> None:
    """The flag decides; without it the tap fails rather than reads on forever."""
    check(trap)


@pytest.mark.parametrize(
    "trap",
    [
        Trap("zendesk_tickets", {".paginator.first_page_only": None}, "400 Bad Request"),
        Trap("zendesk_users", {".paginator.first_page_only": None}, "400 Bad Request"),
        Trap("typeform_responses", {".paginator.first_page_only": None}, "400 Bad Request"),
    ],
    ids=lambda trap: trap.stream,
)
def test_what_a_cursor_excludes_is_sent_once(trap: Trap) -> None:
    """The API refuses a start or an order beside a cursor."""
    check(trap)


@pytest.mark.parametrize("stream", ["help_scout_conversations", "help_scout_tags"])
def test_an_empty_list_without_its_selector_is_empty(stream: str) -> None:
    """A list of Help Scout embeds nothing if it has no rows."""
    trap = Trap(stream, {".data_selector_empty_ok": None}, "has no `_embedded", {"is_empty": True})
    check(trap)


@pytest.mark.parametrize(
    "trap",
    [
        Trap("survicate_surveys", {"paginator.next_url_path": None}, "next_url"),
        Trap("survicate_responses", {"paginator.next_url_path": None}, "next_url"),
        Trap("front_conversations", {"paginator.next_url_path": None}, "next"),
    ],
    ids=lambda trap: trap.stream,
)
def test_next_urls_are_followed_wherever_they_are(trap: Trap) -> None:
    """Those of Survicate are relative to the version, in spite of their leading slash."""
    check(trap)


def test_a_last_page_that_comes_again_is_the_end() -> None:
    """It is not documented what Zonka Feedback returns behind the last page."""
    shapes = {"zonka_feedback_surveys": Numbered(Size("limit", 25, 100), repeats=True)}
    player, played = read(stage_of("zonka_feedback"), "zonka_feedback_surveys", shapes=shapes)
    assert played.failures == {}
    assert played.names("zonka_feedback_surveys") == player.names("zonka_feedback_surveys")


@pytest.mark.parametrize(
    ("stream", "header", "is_moment"),
    [
        ("help_scout_conversations", "X-RateLimit-Retry-After", False),
        ("surveymonkey_surveys", "X-Ratelimit-App-Global-Minute-Reset", False),
        ("intercom_conversations", "X-RateLimit-Reset", True),
        ("front_conversations", "x-ratelimit-reset", True),
        ("aha_ideas", "X-Ratelimit-Reset", True),
    ],
)
def test_a_wait_is_read_from_the_vendors_header(stream: str, header: str, *, is_moment: bool) -> None:
    """An hour is more than the tap waits, so it fails and says so; without the setting it would try again too early."""
    hour = 3600 + (int(datetime.now(timezone.utc).timestamp()) if is_moment else 0)
    trap = Trap(stream, {"retry.wait_headers": None})
    _, played = read(stage_of(trap.vendor), stream, limit=(2, {header: str(hour)}))
    assert "retry.max_wait`" in played.failures[stream]
    _, played = read(trap.without(), stream, limit=(2, {header: str(hour)}))
    assert played.failures == {}


def test_a_quota_of_a_day_is_no_obstacle() -> None:
    """SurveyMonkey serves 500 requests a day; the next sync continues with the surveys that are left."""
    stage, stream = stage_of("surveymonkey"), "surveymonkey_responses"
    with stage.player(few=True) as player:
        player.quota = 6
        first = stage.play(player, stream, over={"max_connections": 1})  # so that surveys are read one after the other
        player.quota = None
        second = stage.play(player, stream, state=first.state)
    assert "retry.max_wait`" in first.failures[stream]
    assert (second.error, second.failures) == (None, {})
    assert {*first.names(stream)} < {*player.names(stream)}
    assert {*first.names(stream), *second.names(stream)} == {*player.names(stream)}
    assert len(second.records[stream]) < len(player.names(stream))


def test_a_parent_that_is_gone_has_no_rows() -> None:
    """Intercom merges conversations away between the list and the child; on a list itself, 404 is a failure."""
    stream = "intercom_conversation_parts"
    player, played = read(stage_of("intercom"), stream)
    assert played.failures == {}
    assert 404 in [request.status for request in player.requests]
    assert played.names(stream) == player.names(stream)
    player, played = read(Stage("intercom", {"streams.intercom_teams.path": "/gone"}), "intercom_teams")
    assert "404 Not Found" in played.failures["intercom_teams"]


def test_no_list_with_a_cap_is_read_by_search() -> None:
    """HubSpot ends a search at 10,000 rows, without archived ones; Intercom scrolls to 10,000 companies at most."""
    for vendor in ("hubspot", "intercom"):
        block = preset(vendor)
        assert block is not None
        paths = [stream["path"] for stream in block["streams"].values()]
        assert not any("compan" in path if vendor == "intercom" else "search" in path for path in paths)
