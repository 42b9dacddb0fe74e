"""What vendors hide by default: each preset shows it, and without that setting rows or fields are missing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from tap_feedback.declarations import preset
from tests.vendors.stages import stage_of
from tests.vendors.traps import Trap, check, read
from tools.playing import Stage

Change = dict[str, Any]


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
