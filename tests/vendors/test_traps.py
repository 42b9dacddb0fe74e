"""What silently loses rows at real vendors: each preset knows it, and without that setting rows are missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.vendors.paging import Numbered, Size
from tap_feedback.declarations import preset
from tap_feedback.records.conform import EXTRA
from tests.vendors.stages import NAMES, stage_of
from tools.playing import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.vendors import Player
    from sandbox.vendors.rows import Row
    from tools.playing import Played

Change = dict[str, Any]


@dataclass(frozen=True)
class Trap:
    """A setting that a preset must have.

    Args:
        stream: The stream that would lose rows.
        change: The setting, taken away (None) or with another value; relative to the stream if it begins with a dot.
        failure: What the stream says without the setting; empty if it just loses rows.
    """

    stream: str
    change: Change
    failure: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def vendor(self) -> str:
        """The vendor's name."""
        return next(name for name in NAMES if self.stream.startswith(name))

    def without(self) -> Stage:
        """The preset without the setting."""
        change = {
            f"streams.{self.stream}{path}" if path.startswith(".") else path: value
            for path, value in self.change.items()
        }
        return Stage(self.vendor, change)


def read(stage: Stage, stream: str, **more: Any) -> tuple[Player, Played]:
    """Sync one stream from a player that is as `more` says."""
    with stage.player(few=stream in stage.parents, **more) as player:
        return player, stage.play(player, stream)


def check(trap: Trap) -> None:
    """Check that a stream is read whole, and that it is not if the setting is taken away."""
    player, played = read(stage_of(trap.vendor), trap.stream, **trap.more)
    assert (played.failures, played.error) == ({}, None)
    assert played.names(trap.stream) == player.names(trap.stream)
    player, played = read(trap.without(), trap.stream, **trap.more)
    if trap.failure:
        assert trap.failure in played.failures[trap.stream]
    else:
        assert {*played.names(trap.stream)} < {*player.names(trap.stream)}


@pytest.mark.parametrize(
    "trap",
    [
        Trap("help_scout_conversations", {".params.status": None}),
        Trap("help_scout_ratings", {".params.rating": None}),
        Trap("jira_service_management_requests", {".params.requestOwnership": None}),
        Trap("productboard_notes", {".passes": None}),
        Trap("featurebase_comments", {".params.privacy": None}),
        Trap("featurebase_contacts", {".params.contactType": None}),
        Trap("frill_comments", {".params.included_types": None}),
        Trap("hubspot_tickets", {".passes": None}),
        Trap("hubspot_feedback_submissions", {".passes": None}),
        Trap("freshdesk_tickets", {".passes": None}),
    ],
    ids=lambda trap: trap.stream,
)
def test_a_default_filter_hides_no_rows(trap: Trap) -> None:
    """Closed conversations, requests of others, archived notes, private comments, deleted tickets and so on."""
    check(trap)


def test_unfinished_responses_have_a_stream_of_their_own() -> None:
    """By default, forms have finished responses only."""
    stage = stage_of("typeform")
    with stage.player(few=True) as player:
        played = stage.play(player, "typeform_responses", "typeform_partial_responses")
        bare = Stage("typeform", {"streams.typeform_partial_responses.params.response_type": None})
        other = bare.play(player, "typeform_partial_responses")
    assert played.names("typeform_partial_responses") == player.names("typeform_partial_responses")
    assert played.names("typeform_responses") == player.names("typeform_responses")
    assert not {*other.names("typeform_partial_responses")} & {*player.names("typeform_partial_responses")}


@pytest.mark.parametrize(
    ("stream", "setting", "column"),
    [
        ("help_scout_conversations", ".params.embed", "_embedded"),
        ("hubspot_tickets", ".params.properties", "properties"),
        ("freshdesk_tickets", ".params.include", "description"),
        ("aha_ideas", ".params.fields", "votes"),
        ("surveymonkey_surveys", ".params.include", "response_count"),
        ("jira_service_management_issues", ".params.fields", "fields"),
    ],
)
def test_a_default_hides_no_fields(stream: str, setting: str, column: str) -> None:
    """Fields that come only if they are named are named."""
    trap = Trap(stream, {setting: None})
    player, played = read(stage_of(trap.vendor), stream)
    _, bare = read(trap.without(), stream)
    rendered = player.makers[stream].render(player.rows(stream)[0])[column]
    assert rendered in [record[column] for record in played.records[stream]]
    assert bare.records[stream]
    assert rendered not in [record.get(column) for record in bare.records[stream]]


@pytest.mark.parametrize(
    "trap",
    [
        Trap("freshdesk_tickets", {".incremental.initial_value": None}),
        Trap("freshdesk_satisfaction_ratings", {".incremental.initial_value": None}),
        Trap("help_scout_ratings", {".incremental.initial_value": None}, "400 Bad Request"),
        Trap("help_scout_ratings", {".params.end": None}, "400 Bad Request"),
        Trap("zendesk_tickets", {".incremental.initial_value": None}, "400 Bad Request"),
        Trap("intercom_conversations", {"incremental.initial_value": None}, "has no value"),
        Trap("jira_service_management_issues", {".incremental.initial_value": None}, "400 Bad Request"),
    ],
    ids=lambda trap: f"{trap.stream}{next(iter(trap.change))}",
)
def test_a_default_window_hides_no_rows(trap: Trap) -> None:
    """A start is sent if there is no bookmark: the API hides older rows without it, or refuses."""
    check(trap)


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
    ("stream", "setting"),
    [
        ("help_scout_conversations", ".incremental.trust_filter"),
        ("help_scout_customers", ".incremental.trust_filter"),
        ("zendesk_users", ".incremental.trust_filter"),
        ("zendesk_satisfaction_ratings", ".incremental.trust_filter"),
    ],
)
def test_a_filter_by_another_field_hides_no_rows(stream: str, setting: str) -> None:
    """A workflow changes a row, and what the row shows stays as it was: the second sync has it."""
    trap = Trap(stream, {setting: None})

    def comes(stage: Stage) -> bool:
        with stage.player() as player:
            first = stage.play(player, stream)
            row = player.rows(stream)[1]
            row.changed = datetime.now(timezone.utc)
            second = stage.play(player, stream, state=first.state)
        assert (first.failures, second.failures) == ({}, {})
        return row.name in second.names(stream)

    assert comes(stage_of(trap.vendor))
    assert not comes(trap.without())


def test_ratings_that_are_filtered_by_creation_come_whatever_they_show() -> None:
    """A rating of last week that changed today is among those read again."""
    stream = "freshdesk_satisfaction_ratings"

    def comes(stage: Stage) -> bool:
        with stage.player() as player:
            first = stage.play(player, stream)
            row = player.rows(stream)[-3]
            row.change()
            second = stage.play(player, stream, state=first.state)
        return row.name in second.names(stream)

    assert comes(stage_of("freshdesk"))
    assert not comes(Stage("freshdesk", {f"streams.{stream}.incremental.lookback": None}))


def test_inverted_bounds_have_the_right_names() -> None:
    """Survicate calls the older bound of a range `end`; as `start` it would hide what is new."""
    stream = "survicate_responses"

    def comes(stage: Stage) -> bool:
        with stage.player(few=True) as player:
            first = stage.play(player, stream)
            name = player.add(stream)
            second = stage.play(player, stream, state=first.state)
        return name in second.names(stream)

    assert comes(stage_of("survicate"))
    assert not comes(Stage("survicate", {f"streams.{stream}.incremental.start_param": "start"}))


def test_a_bound_of_unknown_precision_is_no_bookmark() -> None:
    """Zonka Feedback filters by days of an unknown zone."""
    block = preset("zonka_feedback")
    assert block is not None
    assert not any("replication_key" in stream for stream in block["streams"].values())


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
    "trap",
    [
        Trap("intercom_conversations", {"headers.Intercom-Version": None}, "400 Bad Request"),
        Trap("featurebase_posts", {"headers.Featurebase-Version": None}, "400 Bad Request"),
        Trap("intercom_conversations", {".paginator.location": None}, "cursor"),
        Trap("canny_posts", {"auth.location": None}, "error"),
        Trap("zonka_feedback_contacts", {".data_selector": "$"}, "not a list"),
    ],
    ids=lambda trap: f"{trap.stream}-{'-'.join(trap.change)}",
)
def test_what_an_api_requires_is_sent(trap: Trap) -> None:
    """A header with the version, the place of paging, the parent."""
    check(trap)


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
