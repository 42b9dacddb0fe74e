"""The settings: defaults, schema, and what is wrong with a config."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import jsonschema
import msgspec
import pytest

from tap_feedback.auth.api_key import ApiKeyAuth
from tap_feedback.auth.bearer import BearerAuth
from tap_feedback.auth.http_basic import HttpBasicAuth
from tap_feedback.paging.cursor import CursorPaging
from tap_feedback.paging.offset import OffsetPaging
from tap_feedback.paging.single_page import SinglePage
from tap_feedback.secrets import secrets
from tap_feedback.settings import Incremental, Retry
from tap_feedback.settings_schema import leaves
from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS, config_jsonschema, parse, problems

SECRET = "s3cr3t-v4lue"


def api(**settings: Any) -> dict[str, Any]:
    """The settings of an API, complete but for what a test adds."""
    return {"base_url": "https://api.example.com", "api_key": "key", **settings}


def lines(name: str = "feedback", /, **settings: Any) -> list[str]:
    """What is wrong with the settings of one API."""
    return problems({name: api(**settings)})


def full_schema() -> dict[str, Any]:
    """The schema with what the SDK adds."""
    schema = config_jsonschema()
    TapFeedback.append_builtin_config(schema)
    return schema


# Defaults and merging


@pytest.mark.parametrize("name", ["feedback", "support"])
def test_defaults_of_feedback_and_support(name: str) -> None:
    """With address and key alone, all is as the table says."""
    parsed = parse({name: api()}).apis[name]
    assert parsed.name == name
    assert (parsed.base_url, parsed.api_key, parsed.path_prefix) == ("https://api.example.com", "key", "/v1")
    assert parsed.auth == ApiKeyAuth(name="api_key", location="query")
    assert parsed.paginator == OffsetPaging(
        limit=100, limit_param="limit", offset_param="offset", overlap=1, total_path=None
    )
    assert parsed.incremental == Incremental(start_param=None, end_param=None, format="%Y-%m-%dT%H:%M:%SZ", lookback=0)
    assert parsed.retry == Retry(max_retries=3, backoff_factor=2, statuses=(429, 500, 502, 503, 504), max_wait=300)
    assert (parsed.timeout, parsed.max_connections, parsed.requests_per_minute) == (60, 4, None)
    assert (parsed.headers, parsed.params, tuple(parsed.streams)) == ({}, {}, STREAMS[name])


def test_defaults_of_analytics() -> None:
    """Analytics has a bearer token, cursors and a time range."""
    parsed = parse({"analytics": api()}).apis["analytics"]
    assert parsed.auth == BearerAuth()
    assert parsed.paginator == CursorPaging(
        limit=100, limit_param=None, cursor_param="cursor", cursor_path="pagination.cursor", total_path=None
    )
    assert parsed.incremental == Incremental(start_param="updated_after", end_param="updated_before")


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("feedback", {"limit": 20}, OffsetPaging(limit=20)),
        ("feedback", {"limit_param": None}, OffsetPaging(limit_param=None)),
        ("feedback", {"limit": 1}, OffsetPaging(limit=1)),
        ("feedback", {"type": "cursor"}, CursorPaging()),
        ("feedback", {"type": "single_page"}, SinglePage(limit_param=None)),
        ("analytics", {"limit_param": "per_page"}, CursorPaging(limit_param="per_page")),
        ("analytics", {"type": "offset"}, OffsetPaging()),
    ],
)
def test_paginator_is_merged_by_key_and_another_type_brings_its_own_defaults(
    name: str, given: dict[str, Any], expected: object
) -> None:
    """A paginator keeps the defaults of its type for settings that are not given."""
    config = {name: api(paginator=given)}
    assert problems(config) == []
    assert parse(config).apis[name].paginator == expected


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("feedback", {"location": "header"}, ApiKeyAuth(location="header")),
        ("feedback", {"type": "http_basic"}, HttpBasicAuth()),
        ("analytics", {"type": "api_key"}, ApiKeyAuth(name="api_key", location="query")),
    ],
)
def test_auth_is_merged_as_a_paginator_is(name: str, given: dict[str, Any], expected: object) -> None:
    """An auth keeps the defaults of its type for settings that are not given."""
    config = {name: api(auth=given)}
    assert problems(config) == []
    assert parse(config).apis[name].auth == expected


def test_null_switches_a_default_off() -> None:
    """A null that is given is not replaced by the default."""
    parsed = parse({"analytics": api(incremental={"end_param": None, "lookback": 1.5})}).apis["analytics"]
    assert parsed.incremental == Incremental(start_param="updated_after", end_param=None, lookback=1.5)


def test_slashes_at_the_end_are_cut() -> None:
    """Address and prefix are put before a path that begins with a slash."""
    parsed = parse({"feedback": api(base_url="https://api.example.com/x/", path_prefix="/")}).apis["feedback"]
    assert (parsed.base_url, parsed.path_prefix) == ("https://api.example.com/x", "")


def test_a_stream_is_what_ships_with_what_is_given() -> None:
    """A stream takes over what is given, a null too, and keeps the rest."""
    given = {"primary_key": ["a", "b"], "replication_key": None}
    config = {"analytics": api(streams={"forums": given, "features": {"primary_key": "key"}})}
    assert problems(config) == []
    streams = parse(config).apis["analytics"].streams
    assert list(streams) == list(STREAMS["analytics"])
    assert (streams["forums"].primary_keys, streams["forums"].replication_key) == (("a", "b"), None)
    assert (streams["forums"].path, streams["forums"].given) == ("/forums", ("primary_key", "replication_key"))
    assert (streams["features"].primary_keys, streams["features"].replication_key) == (("key",), "updated_at")
    assert (streams["suggestions"].primary_keys, streams["suggestions"].given) == (("id",), ())


@pytest.mark.parametrize(
    "text", ["2024-01-31", "2024-01-31T00:00:00", "2024-01-31T00:00:00Z", "2024-01-31T01:00:00+01:00"]
)
def test_dates_are_instants_in_utc_where_they_name_no_offset(text: str) -> None:
    """A date, a naive and an aware date-time of the same moment are the same."""
    config = {"start_date": text}
    assert problems(config) == []
    assert parse(config).start_date == datetime(2024, 1, 31, tzinfo=timezone.utc)


def test_a_config_without_apis_is_no_problem() -> None:
    """Discovery needs no config; only a sync asks for an API."""
    assert problems({}) == []
    settings = parse({})
    assert (settings.apis, settings.start_date, settings.end_date) == ({}, None, None)
    assert (settings.user_agent, settings.unknown_fields, settings.emit_activate_version_messages) == (
        None,
        "keep",
        False,
    )


def test_discovery_does_without_address_and_key() -> None:
    """What is required may lack in discovery; what is there must be right."""
    config: dict[str, Any] = {"feedback": {"streams": {"feedback_data": {"primary_key": "key"}}}}
    assert problems(config) == [
        "`feedback.base_url` is missing: it is required",
        "`feedback.api_key` is missing: it is required",
    ]
    assert problems(config, complete=False) == []
    assert parse(config).apis["feedback"].base_url == ""
    config["feedback"]["timeout"] = 0
    assert problems(config, complete=False) == [
        "`feedback.timeout` must be a number, more than 0 and at most 315360000"
    ]


def test_the_vendor_example_is_right() -> None:
    """The example of a real vendor needs five lines."""
    config = {
        "analytics": api(path_prefix="/api/v2/admin", paginator={"limit_param": "per_page"}),
    }
    assert problems(config) == []


# Schema


def test_the_schema_is_one_piece_and_new_each_time() -> None:
    """The SDK changes the schema that it is given, and follows no references."""
    schema = config_jsonschema()
    jsonschema.Draft7Validator.check_schema(schema)
    text = json.dumps(schema)
    assert "$ref" not in text
    assert "$defs" not in text
    schema["properties"]["feedback"]["properties"].clear()
    assert json.dumps(config_jsonschema()) == text


def test_the_top_level_is_ours_and_what_the_sdk_adds() -> None:
    """The settings are in the order of the table, followed by the SDK's own."""
    own = list(config_jsonschema()["properties"])
    assert own == [
        *STREAMS,
        "start_date",
        "end_date",
        "user_agent",
        "unknown_fields",
        "emit_activate_version_messages",
        "batch_config",
    ]
    added = list(full_schema()["properties"])[len(own) :]
    assert added[:2] == ["stream_maps", "stream_map_config"]


def test_secrets_are_found_in_any_config() -> None:
    """The keys are known before the config is checked, even if it is invalid."""
    config: dict[str, Any] = {"feedback": {"api_key": "a"}, "analytics": {"api_key": 1}, "support": "x", "y": {}}
    assert secrets(config, STREAMS) == [("a", "api_key"), ("1", "api_key")]
    assert secrets({"batch_config": {"storage": {"params": {"secret": "b"}}}}, STREAMS) == [("b", "secret")]
    odd: list[Any] = [None, True, {}, [], {"name": 1}]
    assert [secrets({"feedback": {"api_key": value, "auth": value, "params": value}}, STREAMS) for value in odd] == [
        []
    ] * 5


def test_secrets_in_headers_and_parameters() -> None:
    """A vendor's second secret is in `params` or `headers` of the API or a stream, as a text, number or list."""
    found = secrets(
        {
            "feedback": {
                "api_key": "a",
                "auth": {"type": "api_key", "name": "X-Feedback", "location": "header"},
                "headers": {"X-App-Secret": "first!", "X-Team": "feedback"},
                "params": {
                    "client_id": 12,
                    "sig": ["b", 3, True, None],
                    "pin_code": "6",
                    "subscription-key": Decimal("1.50"),
                },
                "streams": {"feedback_data": {"params": {"access_token": "second!", "page": "7"}, "primary_key": "id"}},
            }
        },
        STREAMS,
    )
    assert set(found) == {
        ("a", "api_key"),
        ("a", "X-Feedback"),
        ("first!", "X-App-Secret"),
        ("12", "client_id"),
        ("b", "sig"),
        ("3", "sig"),
        ("1.5", "subscription-key"),
        ("second!", "access_token"),
    }


def test_no_setting_but_the_key_has_the_name_of_a_secret() -> None:
    """A value that is not secret is not masked, even if the name of its setting looks like one."""
    for name in STREAMS:
        config = {name: json.loads(msgspec.json.encode(parse({name: api()}).apis[name]))}
        config[name]["streams"] = {STREAMS[name][0]: {"primary_key": ["id"], "replication_key": "updated_at"}}
        assert {secret.value for secret in secrets(config, STREAMS)} == {api()["api_key"]}


@pytest.mark.parametrize("name", sorted(STREAMS))
def test_the_key_is_marked_secret(name: str) -> None:
    """The SDK and those who read its schema know the key as a secret; it and the address are required."""
    schema = config_jsonschema()["properties"][name]
    marked = [key for key, part in schema["properties"].items() if part.get("secret") and part.get("writeOnly")]
    assert marked == ["api_key"]
    assert schema["required"] == ["base_url", "api_key"]


def test_the_defaults_of_the_schema_are_those_that_parsing_brings() -> None:
    """What `--about` shows as defaults changes nothing when it is given."""
    for name in STREAMS:
        config: dict[str, Any] = {name: api()}
        for dotted, part in leaves(config_jsonschema()["properties"][name]):
            if "default" in part:
                *parents, last = dotted.split(".")
                node = config[name]
                for parent in parents:
                    node = node.setdefault(parent, {})
                node[last] = part["default"]
        assert problems(config) == []
        assert parse(config) == parse({name: api()})


def test_a_right_config_is_valid_by_the_schema_alone() -> None:
    """An editor that knows the schema agrees with the tap."""
    config = {
        "feedback": api(auth={"location": "header"}, streams={"feedback_data": {"replication_key": None}}),
        "analytics": api(paginator={"type": "single_page"}, requests_per_minute=60, params={"a": [1]}),
        "start_date": "2024-01-31",
    }
    assert problems(config) == []
    jsonschema.Draft7Validator(config_jsonschema()).validate(config)


def test_each_setting_is_described() -> None:
    """The leaves have a description for each setting, and the defaults of the API."""
    feedback, analytics = (dict(leaves(config_jsonschema()["properties"][name])) for name in ("feedback", "analytics"))
    assert all(leaf["description"] for leaf in feedback.values())
    assert (feedback["paginator.type"]["default"], analytics["paginator.type"]["default"]) == ("offset", "cursor")
    assert (feedback["paginator.limit_param"]["default"], analytics["paginator.limit_param"]["default"]) == (
        "limit",
        None,
    )
    assert "default" not in feedback["paginator.cursor_path"]
    assert analytics["paginator.cursor_path"]["default"] == "pagination.cursor"
    assert feedback["retry.statuses"]["default"] == [429, 500, 502, 503, 504]
    assert "default" not in feedback["base_url"]


def test_an_empty_text_stands_for_null_where_null_may_stand() -> None:
    """Meltano cannot pass null on, so that an empty text must do; elsewhere an empty text is wrong."""
    required = {"base_url": "https://a.b", "api_key": "k"}
    config = {
        "feedback": {**required, "paginator": {"limit_param": ""}, "headers": {"X-Start": ""}},
        "analytics": {**required, "incremental": {"end_param": ""}, "streams": {"forums": {"replication_key": ""}}},
        "user_agent": "",
    }
    assert problems(config) == []
    parsed = parse(config)
    assert parsed.user_agent is None
    assert parsed.apis["feedback"].paginator.limit_param is None
    assert parsed.apis["analytics"].incremental.end_param is None
    assert parsed.apis["analytics"].streams["forums"].replication_key is None
    assert problems({"feedback": {**required, "base_url": ""}}) != []
