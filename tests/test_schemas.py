"""The schema files of the eight streams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import tap_feedback

SUGGESTION_COUNTS = """
    supporters account_supporters supporting_accounts votes comments notes requests merge_candidates jira_link vsts_link
    internal_flags all_internal_flags inappropriate_flags importance_low importance_medium importance_high
    importance_total satisfaction_promoter satisfaction_neutral satisfaction_detractor
"""
#: The fields of each stream by type; `x[]` is a list of links.
FIELDS: dict[str, dict[str, str]] = {
    "feedback_data": {"string": "id customer_id feedback_text", "date-time": "timestamp"},
    "customer_support_data": {"string": "id customer_id", "date-time": "created_at updated_at"},
    "forums": {
        "string": "name prompt example portal_url welcome_message welcome_message_mime_type",
        "boolean": (
            "is_open is_public is_private classic_voting category_required importance_enabled moderation_enabled"
        ),
        "integer": "id suggestions_count open_suggestions_count",
        "date-time": "created_at updated_at",
        "links": "updated_by",
    },
    "external_accounts": {
        "string": "name external_id plan",
        "number": "mrr revenue ltv",
        "integer": "id mrr_cents ltv_cents nps users_count requests_count supported_ideas_count",
        "boolean": "is_blocker",
        "date-time": "external_created_at last_active_at created_at updated_at",
        "links": "",
    },
    "external_users": {
        "string": "name email external_id type ip",
        "integer": "id seen_days",
        "date-time": "external_created_at last_seen_at created_at updated_at",
        "links": "user external_account",
    },
    "features": {
        "string": "name description",
        "integer": (
            "id position suggestions_count supporting_users_count supporting_accounts_count jira_link_count "
            "vsts_link_count supporter_mrr_cents"
        ),
        "number": "supporter_revenue",
        "boolean": "is_blocker",
        "date-time": "created_at updated_at",
        "links": "created_by updated_by feature_status product_area roadmap suggestions[] custom_fields[]",
    },
    "feedback_records": {
        "string": "body body_mime_type channel source_type source_guid source_url",
        "integer": "id severity",
        "number": "sentiment_score",
        "boolean": "has_attachments",
        "date-time": "created_at updated_at",
        "links": "user supporter suggestion ticket created_by updated_by sfdc_opportunity",
    },
    "suggestions": {
        "string": (
            "title body body_mime_type state channel admin_url portal_url redirect_url creator_os creator_browser "
            "creator_browser_version creator_referrer creator_user_agent"
        ),
        "boolean": "creator_mobile is_blocker",
        "integer": "id recent_engagement " + " ".join(f"{name}_count" for name in SUGGESTION_COUNTS.split()),
        "number": (
            "importance_score_average importance_low_percent importance_medium_percent importance_high_percent "
            "supporter_mrr supporter_revenue supporter_satisfaction_score sentiment_score total_sentiment_score "
            "average_engagement engagement_trend"
        ),
        "date-time": "approved_at closed_at first_support_at last_internal_flag_at created_at updated_at",
        "links": (
            "forum category status created_by captured_by parent_suggestion ticket last_status_update "
            "last_internal_status_update last_supporter_message labels[] features[] custom_fields[]"
        ),
    },
}


def plain(subschema: dict[str, Any]) -> dict[str, Any]:
    """A property's schema without its description, which must say something."""
    rest = dict(subschema)
    description = rest.pop("description")
    assert description.endswith(".")
    assert len(description) > 10
    return rest


def test_the_schema_files() -> None:
    """There is a schema for each of the eight streams."""
    files = (Path(tap_feedback.__file__).parent / "schemas").glob("*.json")
    assert {file.stem for file in files} == FIELDS.keys()


@pytest.mark.parametrize("stream", FIELDS)
def test_a_schema(stream: str) -> None:
    """A schema has the fields of its stream, described and nullable but for the key, and requires only the key."""
    schema = json.loads((Path(tap_feedback.__file__).parent / "schemas" / f"{stream}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    expected: dict[str, Any] = {}
    for kind, names in FIELDS[stream].items():
        for name in names.split() if kind != "links" else []:
            type_ = "string" if kind == "date-time" else kind
            expected[name] = {"type": type_ if name == "id" else [type_, "null"]}
            if kind == "date-time":
                expected[name]["format"] = kind
    found = {name: plain(subschema) for name, subschema in schema["properties"].items()}
    links = found.pop("links", None)
    assert found == expected
    assert schema["type"] == "object"
    assert schema["required"] == ["id"]
    assert schema["description"].endswith(".")
    assert (links is not None) == ("links" in FIELDS[stream])
    if links is not None:
        members = {name: plain(subschema) for name, subschema in links.pop("properties").items()}
        assert links == {"type": ["object", "null"], "additionalProperties": True}
        assert members == {
            name.removesuffix("[]"): (
                {"type": ["array", "null"], "items": {"type": "integer"}}
                if name.endswith("[]")
                else {"type": ["integer", "null"]}
            )
            for name in FIELDS[stream]["links"].split()
        }
