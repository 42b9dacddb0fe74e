"""What is wrong with a config: one line each, with the setting's name and never its value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.configs import STREAMS, config_jsonschema, parse, problems
from tests.test_settings import SECRET, api, full_schema, lines


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"base_url": "api.example.com"},
            "`feedback.base_url` must be an address with `http://` or `https://` and a host",
        ),
        ({"base_url": "ftp://x"}, "`feedback.base_url` must be an address with `http://` or `https://` and a host"),
        ({"base_url": "https://"}, "`feedback.base_url` must be an address with `http://` or `https://` and a host"),
        ({"base_url": "https://x:y"}, "`feedback.base_url` must be an address with `http://` or `https://` and a host"),
        (
            {"base_url": f"https://u:{SECRET}@x"},
            "`feedback.base_url` must be without user name and password: the secret goes into `api_key`",
        ),
        ({"base_url": f"https://x?key={SECRET}"}, "`feedback.base_url` must be without query, fragment and blanks"),
        ({"base_url": "https://x#y"}, "`feedback.base_url` must be without query, fragment and blanks"),
        ({"base_url": "https://x\n"}, "`feedback.base_url` must be without query, fragment and blanks"),
        ({"api_key": None}, "`feedback.api_key` must not be empty, and must not contain line breaks"),
        ({"api_key": ""}, "`feedback.api_key` must not be empty, and must not contain line breaks"),
        ({"api_key": f"{SECRET}\n"}, "`feedback.api_key` must not be empty, and must not contain line breaks"),
        ({"api_key": f" {SECRET}"}, "`feedback.api_key` must not be empty, and must not contain line breaks"),
        ({"api_key": "\ud800"}, "`feedback.api_key` must not be empty, and must not contain line breaks"),
        ({"path_prefix": "v1"}, "`feedback.path_prefix` must be empty, or a path that begins with `/`"),
        ({"auth": None}, "`feedback.auth` must be an object"),
        ({"auth": {"type": SECRET}}, "`feedback.auth.type` must be one of `api_key`, "),
        ({"auth": {"type": [SECRET]}}, "`feedback.auth.type` must be one of `api_key`, "),
        ({"auth": {"type": "bearer", "name": "x"}}, "`feedback.auth.name` belongs to the auth type api_key"),
        (
            {"auth": {"token": SECRET}},
            "`feedback.auth.token` is not a setting: the secret goes into `feedback.api_key`",
        ),
        (
            {"auth": {"api_key": SECRET}},
            "`feedback.auth.api_key` is not a setting: the secret goes into `feedback.api_key`",
        ),
        ({"auth": {"name": "a b", "location": "header"}}, "`feedback.auth.name` must be the name of a header"),
        ({"auth": {"location": "cookie"}}, "`feedback.auth.location` must be one of"),
        ({"paginator": {"limit": 0}}, "`feedback.paginator.limit` must be a whole number, at least 1"),
        ({"paginator": {"limit": True}}, "`feedback.paginator.limit` must be a whole number, at least 1"),
        ({"paginator": {"limit": 1.0}}, "`feedback.paginator.limit` must be a whole number, at least 1"),
        ({"paginator": {"limt": 1}}, "`feedback.paginator.limt` is not a setting: did you mean `limit`?"),
        ({"paginator": {"offset_param": None}}, "`feedback.paginator.offset_param` must be a name"),
        ({"paginator": {"overlap": -1}}, "`feedback.paginator.overlap` must be a whole number, at least 0"),
        ({"paginator": {"overlap": 100}}, "`feedback.paginator.overlap` must be less than `limit`"),
        ({"paginator": {"total_path": "a..b"}}, "`feedback.paginator.total_path` must be a dotted path"),
        ({"paginator": {"total_path": "a[0]"}}, "`feedback.paginator.total_path` must be a dotted path without `*`"),
        (
            {"paginator": {"cursor_path": "next"}},
            "`feedback.paginator.cursor_path` belongs to the paginator type cursor",
        ),
        (
            {"paginator": {"stop_condition": "pagination.cursor is not defined"}},
            "`feedback.paginator.stop_condition` belongs to the paginator type cursor",
        ),
        (
            {"paginator": {"type": "cursor", "stop_condition": "next is empty"}},
            "`feedback.paginator.stop_condition` must be `<cursor_path> is not defined`",
        ),
        ({"incremental": {"format": "YYYY"}}, "`feedback.incremental.format` must be a strftime pattern"),
        (
            {"incremental": {"format": "%Y-%m"}},
            "`feedback.incremental.format` must be a strftime pattern with year, month",
        ),
        (
            {"incremental": {"format": "%Q"}},
            "`feedback.incremental.format` must be a strftime pattern with year, month",
        ),
        (
            {"incremental": {"format": "%H:%M"}},
            "`feedback.incremental.format` must be a strftime pattern with year, mon",
        ),
        ({"incremental": {"format": None}}, "`feedback.incremental.format` must be a strftime pattern"),
        ({"incremental": {"lookback": -1}}, "`feedback.incremental.lookback` must be a number, at least 0"),
        ({"retry": {"max_retries": -1}}, "`feedback.retry.max_retries` must be a whole number, at least 0"),
        ({"retry": {"backoff_factor": "2"}}, "`feedback.retry.backoff_factor` must be a number, at least 0"),
        (
            {"retry": {"statuses": 429}},
            "`feedback.retry.statuses` must be a list, each item a whole number, at least 400",
        ),
        ({"retry": {"statuses": [429, 200]}}, "`feedback.retry.statuses.1` must be a whole number, at least 400"),
        ({"retry": {"max_wait": -1}}, "`feedback.retry.max_wait` must be a number, at least 0"),
        ({"timeout": 0}, "`feedback.timeout` must be a number, more than 0"),
        ({"timeout": float("nan")}, "`feedback.timeout` must be a number, more than 0"),
        ({"timeout": float("inf")}, "`feedback.timeout` must be a number, more than 0"),
        ({"max_connections": 65}, "`feedback.max_connections` must be a whole number, at least 1 and at most 64"),
        ({"requests_per_minute": 0}, "`feedback.requests_per_minute` must be a whole number, at least 1"),
        ({"headers": []}, "`feedback.headers` must be an object"),
        ({"headers": {"a b": "x"}}, "`feedback.headers.a b` has a wrong name: it must be the name of a header"),
        ({"headers": {"A": f"{SECRET}\r\nB: c"}}, "`feedback.headers.A` must be one line of text in Latin-1"),
        ({"headers": {"A": 1}}, "`feedback.headers.A` must be one line of text in Latin-1"),
        ({"params": {"a": {}}}, "`feedback.params.a` must be text or a number or true or false or a list"),
        ({"params": {"a": None}}, "`feedback.params.a` must be text or a number or true or false or a list"),
        (
            {"streams": {"forums": {}}},
            "`feedback.streams.forums` is not a stream of this API; a new one needs a `path`",
        ),
        (
            {"streams": {"feedback_dat": {}}},
            "`feedback.streams.feedback_dat` is not a stream of this API; a new one needs a `path`: did you mean",
        ),
        (
            {"streams": {"forums": {"path": "/forums"}}},
            "`feedback.streams.forums` is already a stream of `analytics`; choose another name",
        ),
        ({"streams": {"feedback_data": {"path": "x"}}}, "`feedback.streams.feedback_data.path` must be a path"),
        ({"streams": {"feedback_data": {"path": None}}}, "`feedback.streams.feedback_data.path` must be a path"),
        ({"streams": {"feedback_data": {"primary_key": []}}}, "`feedback.streams.feedback_data.primary_key` must be"),
        (
            {"streams": {"feedback_data": {"data_selector": ""}}},
            "`feedback.streams.feedback_data.data_selector` must be a dotted path",
        ),
        (
            {"streams": {"feedback_data": {"dataselector": "x"}}},
            "`feedback.streams.feedback_data.dataselector` is not a setting: did you mean `data_selector`?",
        ),
        ({"name": "x"}, "`feedback.name` is not a setting: did you mean `auth.name`?"),
        ({"max_retries": 1}, "`feedback.max_retries` is not a setting: did you mean `retry.max_retries`?"),
        ({"type": "x"}, "`feedback.type` is not a setting: did you mean `auth.type` or `paginator.type`?"),
        ({"line\nbreak": 1}, "`feedback.line\\nbreak` is not a setting"),
    ],
)
def test_each_fault_is_one_line_that_names_the_setting(settings: dict[str, Any], line: str) -> None:
    """A fault is one line, with the setting and what is expected."""
    (found,) = lines(**settings)
    assert found.startswith(line)
    assert SECRET not in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"feedback": None}, "`feedback` must be an object"),
        ({"feedbak": {}}, "`feedbak` is not a setting: did you mean `feedback`?"),
        ({"api_key": "k"}, "`api_key` is not a top-level setting: move it into `feedback`, `analytics` or `support`"),
        (
            {"feedback.timeout": 1},
            "`feedback.timeout` is not a setting: in JSON, `feedback` is an object with the rest",
        ),
        ({"start_date": "2099-01-01"}, "`start_date` is in the future, so nothing would be read"),
        (
            {"end_date": 1},
            "`end_date` must be a date or date-time, as in `2024-01-31` or `2024-01-31T00:00:00Z`, or null",
        ),
        ({"start_date": "2024"}, "`start_date` must be a date or date-time"),
        ({"start_date": "2024-02-30"}, "`start_date` must be a date or date-time"),
        ({"end_date": 1706659200}, "`end_date` must be a date or date-time"),
        ({"start_date": "2024-01-02", "end_date": "2024-01-02T00:00:00Z"}, "`start_date` must be before `end_date`"),
        ({"user_agent": "a\nb"}, "`user_agent` must be one line of text in Latin-1"),
        ({"unknown_fields": SECRET}, "`unknown_fields` must be one of `drop`, `keep`"),
        ({"emit_activate_version_messages": SECRET}, "`emit_activate_version_messages` must be true or false"),
        ({"flattening_max_depth": SECRET}, "`flattening_max_depth` must be a whole number or null"),
        (
            {"batch_config": {"encoding": {"format": SECRET}, "storage": {"root": "x"}}},
            "`batch_config.encoding.format` must be `jsonl`",
        ),
        (
            {"batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": ""}}},
            "`batch_config.storage.root` must be",
        ),
        ({"batch_config": {"encoding": {"format": "jsonl"}}}, "`batch_config.storage` is missing"),
        (
            {"batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": "x"}, "batch_size": 0}},
            "`batch_config.batch_size` must be",
        ),
        ({"stream_maps": {"forums": SECRET}}, "`stream_maps.forums` must be `__NULL__` or null or an object"),
    ],
)
def test_faults_at_the_top_level(config: dict[str, Any], line: str) -> None:
    """What is not of one API is checked alike, the SDK's own settings by the SDK's schema."""
    (found,) = problems(config, schema=full_schema())
    assert found.startswith(line)
    assert SECRET not in found


@pytest.mark.parametrize("config", [None, [], "text", 1])
def test_a_config_that_is_no_object_is_one_line(config: object) -> None:
    """Any other value leads to one message."""
    assert problems(config) == ["the config must be an object"]


def test_settings_of_the_sdk_are_unknown_without_its_schema_and_right_with_it() -> None:
    """Which other settings there are, the schema says."""
    config = {"flattening_enabled": True, "stream_map_config": {"a": 1}}
    assert problems(config, schema=full_schema()) == []
    assert problems(config) == ["`flattening_enabled` is not a setting", "`stream_map_config` is not a setting"]


@pytest.mark.parametrize(
    ("auth", "right"),
    [
        ({"location": "query"}, True),
        ({"location": "header"}, False),
        ({"type": "bearer"}, False),
        ({"type": "http_basic"}, True),
    ],
)
def test_a_key_sent_in_a_header_has_only_characters_of_headers(auth: dict[str, Any], right: bool) -> None:  # noqa: FBT001
    """A key beyond Latin-1 is sent in a query, or encoded in basic auth."""
    line = "`feedback.api_key` must have only Latin-1 characters, as it is sent in a header"
    assert lines(api_key="sécret-€", auth=auth) == ([] if right else [line])


def test_a_stop_condition_in_its_one_form_is_accepted() -> None:
    """A block of another tool's config can be carried over, with the path that is in force."""
    assert lines("analytics", paginator={"stop_condition": "pagination.cursor is not defined"}) == []
    own = {"cursor_path": "meta.next", "stop_condition": "meta.next is not defined"}
    assert lines("analytics", paginator=own) == []
    (line,) = lines("analytics", paginator={**own, "stop_condition": "pagination.cursor is not defined"})
    assert line.startswith("`analytics.paginator.stop_condition` must be `<cursor_path> is not defined`")


def test_all_faults_are_told_in_the_order_of_the_table() -> None:
    """One run shows all that is wrong."""
    config = {
        "x": 1,
        "unknown_fields": 1,
        "start_date": 1,
        "analytics": api(
            x=1, timeout=0, paginator={"type": "offset", "overlap": 200}, auth={"name": "x"}, base_url="x"
        ),
        "feedback": {"headers": {"A": 1}},
    }
    assert [line.split("`")[1] for line in problems(config)] == [
        "feedback.base_url",
        "feedback.api_key",
        "feedback.headers.A",
        "analytics.base_url",
        "analytics.auth.name",
        "analytics.paginator.overlap",
        "analytics.timeout",
        "analytics.x",
        "start_date",
        "unknown_fields",
        "x",
    ]


def test_accepted_values_of_headers_and_params() -> None:
    """A parameter may be repeated, and is text, number or boolean."""
    params = {"a": "x", "b": 1, "c": 1.5, "d": True, "e": ["x", 2]}
    config = {"feedback": api(headers={"X-Api-Version": "2"}, params=params)}
    assert problems(config) == []
    parsed = parse(config).apis["feedback"]
    assert parsed.headers == {"X-Api-Version": "2"}
    assert parsed.params == {**params, "e": ("x", 2)}


# Secrets

TEXT = st.text("a1/.$%€\n ", max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
KEYS = sorted(config_jsonschema()["properties"]["feedback"]["properties"])
SUBKEYS = ["type", "name", "location", "limit", "overlap", "cursor_path", "stop_condition", "format", "statuses"]
LIKELY = st.sampled_from(["api_key", "bearer", "offset", "cursor", "$", "a.b", "/v1", "https://x", "epoch", 1, 429])
API = st.dictionaries(
    st.sampled_from(KEYS),
    LIKELY | JSON | st.dictionaries(st.sampled_from(SUBKEYS), LIKELY | JSON, max_size=4),
    max_size=5,
)


@given(API, st.sampled_from(sorted(STREAMS)))
def test_whatever_has_no_problems_can_be_parsed(settings: dict[str, Any], name: str) -> None:
    """Any object is either reported as wrong, or valid."""
    config = {name: {**api(), **settings}}
    if not problems(config):
        assert parse(config).apis[name].name == name


def poisoned(schema: dict[str, Any]) -> list[tuple[str, ...]]:
    """The places of a schema that could hold a secret."""
    places: list[tuple[str, ...]] = []
    for name, part in schema.get("properties", {}).items():
        places += [(name,), *((name, *place) for place in poisoned(part))]
    return places


@pytest.mark.parametrize("place", poisoned(config_jsonschema()), ids=".".join)
@pytest.mark.parametrize("value", [f"{SECRET}\n€", [SECRET], {"x": SECRET}], ids=["text", "list", "object"])
def test_no_line_has_a_value_wherever_it_stands(place: tuple[str, ...], value: object) -> None:
    """A secret at the wrong place is not shown."""
    node: Any = value
    for name in reversed(place):
        node = {name: node}
    found = problems(node)
    assert found
    assert SECRET not in "".join(found)


def test_an_api_does_not_show_its_secret() -> None:
    """A log or traceback that shows the settings has no key in it."""
    settings = parse({"feedback": api(api_key=SECRET)})
    assert SECRET not in repr(settings)
    assert repr(settings.apis["feedback"]) == "Api(feedback)"
