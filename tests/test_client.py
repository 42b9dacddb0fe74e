"""Streams: the requests that they send, and what becomes of the responses."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.streams import STREAM_TYPES
from tests.configs import STREAMS
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

ROW = {"id": "1", "feedback_text": "Grüße 👋", "timestamp": "2024-01-01T00:00:00Z"}


def one_page(*rows: dict[str, Any]) -> Server:
    """A server with one page of feedback."""
    return Server(lambda request: {"data": [*rows] if request.query.get("offset", "0") == "0" else []})


def feedback(server: Server, **settings: Any) -> Run:
    """Sync the feedback stream of a server."""
    return sync({"feedback": api(server.url, **settings)})


def analytics(server: Server, *streams: str, state: dict[str, Any] | None = None, **settings: Any) -> Run:
    """Sync streams of the analytics API of a server, `forums` by default."""
    config = {"analytics": api(server.url, **settings)}
    return sync(config, catalog=catalog_of(config, *(streams or ("forums",))), state=state)


# Declarations


def test_the_streams_are_those_that_the_settings_know() -> None:
    """Stream classes and the settings' names of streams belong together."""
    declared: dict[str, tuple[str, ...]] = dict.fromkeys(STREAMS, ())
    for kind in STREAM_TYPES:
        declared[kind.api] += (vars(kind)["name"],)
    assert declared == STREAMS


@pytest.mark.parametrize("stream", [name for names in STREAMS.values() for name in names])
def test_every_stream_is_read_over_three_pages_and_more(stream: str, sandbox: Sandbox) -> None:
    """Each stream goes through its paginator, and each row comes once, as the API has it, with times in UTC."""
    run = sync(sandbox.config, catalog=catalog_of(sandbox.config, stream))
    there = list(sandbox.rows(stream))
    assert run.error is None
    assert len(there) == 250
    assert run.ids(stream) == [row["id"] for row in there]
    date_times = {
        name
        for name, subschema in run.schema(stream)["schema"]["properties"].items()
        if subschema.get("format") == "date-time"
    }
    for row, record in zip(there, run.records(stream), strict=True):
        extra = record["_extra"] or {}
        for name in date_times & row.keys():
            if (sent := row[name]) is not None and not sent.endswith("Z"):
                utc = datetime.fromisoformat(sent).astimezone(timezone.utc)
                row[name] = utc.isoformat().replace("+00:00", "Z")
        if isinstance(score := row.get("importance_score_average"), str):
            row["importance_score_average"] = float(score)  # a number sent as text: converted, as nothing is lost
        assert {**{name: record[name] for name in row if name not in extra}, **extra} == row


# Requests


def test_every_request_says_who_asks_and_what_the_settings_add() -> None:
    """The user agent names the tap; headers and parameters of the settings are sent, a stream's own over the API's."""
    with one_page(ROW) as server:
        feedback(
            server,
            headers={"X-Tenant": "acme"},
            params={"expand": True, "sort": "id", "tag": ["a", True]},
            streams={"feedback_data": {"params": {"sort": "-id"}}},
        )
    request = server.requests[0]
    assert request.headers["User-Agent"].startswith("tap-feedback/")
    assert request.headers["X-Tenant"] == "acme"
    assert {**request.query, "expand": "true", "sort": "-id", "limit": "100", "offset": "0"} == request.query
    assert "tag=a&tag=true" in request.target


def test_the_user_agent_can_be_set() -> None:
    """`user_agent` is sent as it is."""
    with one_page(ROW) as server:
        sync({"feedback": api(server.url), "user_agent": "acme-loader/1"})
    assert server.requests[0].headers["User-Agent"] == "acme-loader/1"


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "/v1/feedback"),
        ({"path_prefix": ""}, "/feedback"),
        ({"path_prefix": "/api/v2/admin/"}, "/api/v2/admin/feedback"),
        ({"streams": {"feedback_data": {"path": "/reviews.json"}}}, "/v1/reviews.json"),
    ],
)
def test_the_path_is_prefix_and_path(settings: dict[str, Any], path: str) -> None:
    """The address is `base_url`, `path_prefix` and the stream's path, in this order."""
    with one_page(ROW) as server:
        feedback(server, **settings)
    assert {request.path for request in server.requests} == {path}


@pytest.mark.parametrize(
    ("paginator", "query"),
    [
        ({}, {"limit": "100", "offset": "0"}),
        ({"limit": 7, "limit_param": "per_page", "offset_param": "skip"}, {"per_page": "7", "skip": "0"}),
        ({"limit_param": None}, {"offset": "0"}),
        ({"type": "cursor", "limit_param": "per_page"}, {"per_page": "100"}),
        ({"type": "single_page"}, {}),
    ],
)
def test_the_paginator_writes_its_parameters(paginator: dict[str, Any], query: dict[str, str]) -> None:
    """Page size and offset go under the names that the settings give them."""
    with Server(lambda request: {"data": []}) as server:
        assert feedback(server, paginator=paginator).error is None
    (request,) = server.requests
    assert request.query == {"api_key": "test-key", **query}


def test_a_cursor_is_read_and_sent_where_the_settings_say() -> None:
    """An API of an unusual shape is read by settings alone."""
    pages = {None: ([{"id": 1}], "a b&c"), "a b&c": ([{"id": 2}], None)}

    def respond(request: RecordedRequest) -> Any:
        rows, following = pages[request.query.get("_next")]
        return {"result": {"rows": rows}, "next": following}

    with Server(respond) as server:
        run = analytics(
            server,
            paginator={"cursor_param": "_next", "cursor_path": "next"},
            streams={"forums": {"data_selector": "result.rows"}},
        )
    assert run.ids("forums") == [1, 2]


# Responses


@pytest.mark.parametrize("key", ["uuid", ["tenant", "uuid"]])
def test_another_primary_key_is_a_column_and_a_key(key: str | list[str]) -> None:
    """A key that the schema does not know is added to it."""
    with one_page({"tenant": 5, "uuid": "a", "id": None}) as server:
        run = feedback(server, streams={"feedback_data": {"primary_key": key}})
    names = [key] if isinstance(key, str) else key
    assert run.schema("feedback_data")["key_properties"] == names
    (record,) = run.records("feedback_data")
    assert {name: record[name] for name in names} == {name: {"tenant": "5", "uuid": "a"}[name] for name in names}


def test_a_record_without_its_key_fails_and_is_found_by_its_place() -> None:
    """The message has the page and the position, and nothing of the record."""
    with one_page(ROW, {"feedback_text": "private"}) as server:
        message = feedback(server).failures["feedback_data"]
    assert "page 1, new row 2" in message
    assert "primary_key" in message
    assert "private" not in message


def test_unknown_fields_are_kept_or_dropped() -> None:
    """What the schema does not know is in `_extra`, or nowhere."""
    row = {**ROW, "cf_tier": "gold", "feedback_text": ["no text"]}
    with one_page(row, {"id": "2"}) as server:
        kept = feedback(server)
        dropped = sync({"feedback": api(server.url), "unknown_fields": "drop"})
    first, second = kept.records("feedback_data")
    assert first == {**ROW, "feedback_text": None, "_extra": {"cf_tier": "gold", "feedback_text": ["no text"]}}
    assert second == {"id": "2", "_extra": None}
    assert "_extra" in kept.schema("feedback_data")["schema"]["properties"]
    assert dropped.records("feedback_data") == [{**ROW, "feedback_text": None}, {"id": "2"}]
    assert "_extra" not in dropped.schema("feedback_data")["schema"]["properties"]


def test_the_log_tells_what_was_extra(caplog: pytest.LogCaptureFixture) -> None:
    """A person sees how many rows had which fields that the schema does not know."""
    caplog.set_level("INFO")
    rows = [{"id": str(number), "cf_tier": 1, **({"cv_arr": 2} if number else {})} for number in range(12)]
    with one_page(*rows) as server:
        feedback(server)
    assert "12 rows had 2 unknown fields: cf_tier, cv_arr" in caplog.text


@pytest.mark.parametrize("unknown_fields", ["keep", "drop"])
def test_extras_are_counted_among_the_rows_written(caplog: pytest.LogCaptureFixture, unknown_fields: str) -> None:
    """An API that ignores the start returns all its rows: those that are left out have no place in the counts."""
    caplog.set_level("INFO")
    rows = [{"id": day, "updated_at": f"2024-01-0{day}", **({"cf_tier": 1} if day != 7 else {})} for day in range(1, 9)]
    with Server(lambda request: {"forums": rows}) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-06", "unknown_fields": unknown_fields}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.ids("forums") == [6, 7, 8]
    written = 2 if unknown_fields == "keep" else 3  # the records that are left do not show what was dropped
    assert f"{written} rows had 1 unknown field: cf_tier" in caplog.text
    assert re.search(rf"^forums +3 +1 +0 +0\.0 s +{written} ", caplog.text, re.MULTILINE)


# Catalog, stream maps, flattening


def catalog_without(config: dict[str, Any], stream: str, *breadcrumbs: list[str]) -> dict[str, Any]:
    """A catalog with one stream selected, less some properties."""
    catalog = catalog_of(config, stream)
    entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    for item in entry["metadata"]:
        if item["breadcrumb"] in breadcrumbs:
            item["metadata"]["selected"] = False
    return catalog


def test_deselected_properties_stay_out_of_schema_and_records(sandbox: Sandbox) -> None:
    """A deselected property is nowhere; a key cannot be deselected; each row comes once all the same."""
    config = sandbox.config
    catalog = catalog_without(
        config,
        "forums",
        ["properties", "prompt"],
        ["properties", "id"],
        ["properties", "links", "properties", "updated_by"],
    )
    run = sync(config, catalog=catalog)
    assert run.ids("forums") == [row["id"] for row in sandbox.rows("forums")]
    properties = run.schema("forums")["schema"]["properties"]
    assert "prompt" not in properties
    assert "id" in properties
    assert not any("prompt" in record for record in run.records("forums"))
    assert not any("updated_by" in (record.get("links") or {}) for record in run.records("forums"))
    assert any(record["name"] for record in run.records("forums"))


@pytest.mark.parametrize("there", [{}, {"_extra": {"type": "string"}}])
def test_a_catalog_of_another_version_loses_nothing(there: dict[str, Any]) -> None:
    """`_extra` has its place in the schema, whether or not the catalog that is handed in gives it one."""
    with one_page({**ROW, "cf_tier": "gold"}) as server:
        config = {"feedback": api(server.url)}
        catalog = catalog_of(config, "feedback_data")
        for entry in catalog["streams"]:
            del entry["schema"]["properties"]["_extra"]
            entry["schema"]["properties"].update(there)
        kept = sync(config, catalog=catalog)
        dropped = sync({**config, "unknown_fields": "drop"}, catalog=catalog)
    assert kept.records("feedback_data") == [{**ROW, "_extra": {"cf_tier": "gold"}}]
    assert kept.schema("feedback_data")["schema"]["properties"]["_extra"]["type"] == ["object", "null"]
    assert dropped.records("feedback_data") == [ROW]
    assert "_extra" not in dropped.schema("feedback_data")["schema"]["properties"]


def test_the_name_of_a_misfit_forges_no_line(caplog: pytest.LogCaptureFixture) -> None:
    """A column of the catalog has the name that an API gave it, line breaks and all."""
    name = "a\n2026-11-21 12:00:00,000 | ERROR    | forged"
    with one_page({**ROW, name: "no number"}) as server:
        config = {"feedback": api(server.url)}
        catalog = catalog_of(config, "feedback_data")
        catalog["streams"][0]["schema"]["properties"][name] = {"type": ["integer", "null"]}
        sync(config, catalog=catalog)
    (message,) = (record.getMessage() for record in caplog.records if "does not fit" in record.getMessage())
    assert r"`a\n2026-11-21 12:00:00,000 | ERROR    | forged` had a value" in message
    assert message.isprintable()


def test_a_deselected_extra_is_told_as_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """What is not kept is not said to be."""
    with one_page({**ROW, "feedback_text": []}) as server:
        config = {"feedback": api(server.url)}
        run = sync(config, catalog=catalog_without(config, "feedback_data", ["properties", "_extra"]))
    assert run.records("feedback_data") == [{**ROW, "feedback_text": None}]
    assert "dropped; the property is null" in caplog.text


def test_deselected_nested_properties_do_not_disturb_offset_pages(sandbox: Sandbox) -> None:
    """The original rows are compared, even if properties are removed from the records."""
    config = sandbox.config
    run = sync(config, catalog=catalog_without(config, "feedback_data", ["properties", "feedback_text"]))
    assert run.ids("feedback_data") == [row["id"] for row in sandbox.rows("feedback_data")]


def test_stream_maps_apply(sandbox: Sandbox) -> None:
    """A stream can be renamed, filtered, and given new properties."""
    maps = {"forums": {"__alias__": "places", "double": "id * 2", "__filter__": "id % 2 == 0"}}
    run = sync({**sandbox.config, "stream_maps": maps}, catalog=catalog_of(sandbox.config, "forums"))
    even = [row for row in sandbox.rows("forums") if row["id"] % 2 == 0]
    assert run.error is None
    assert run.ids("places") == [row["id"] for row in even]
    assert [record["double"] for record in run.records("places")] == [row["id"] * 2 for row in even]


def test_a_stream_map_that_changes_nothing_writes_the_same_bytes(sandbox: Sandbox) -> None:
    """The fast way and the general way write alike, but for the moment at which a page came."""
    catalog = catalog_of(sandbox.config, "suggestions", "feedback_data")
    plain = sync(sandbox.config, catalog=catalog)
    mapped = sync({**sandbox.config, "stream_maps": {"suggestions": {}, "feedback_data": {}}}, catalog=catalog)

    def lines(run: Run, stream: str) -> list[str]:
        return [
            json.dumps({**message, "time_extracted": None})
            for message in run.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    for stream in ("suggestions", "feedback_data"):
        assert lines(plain, stream) == lines(mapped, stream)
        assert len(lines(plain, stream)) == 250


def test_flattening_applies(sandbox: Sandbox) -> None:
    """Nested objects become columns, in schema and records alike."""
    config = {**sandbox.config, "flattening_enabled": True, "flattening_max_depth": 1}
    run = sync(config, catalog=catalog_of(sandbox.config, "features"))
    assert "links__created_by" in run.schema("features")["schema"]["properties"]
    rows = list(sandbox.rows("features"))
    assert [record.get("links__created_by") for record in run.records("features")] == [
        (row.get("links") or {}).get("created_by") for row in rows
    ]


# SCHEMA


def kinds_of(run: Run, stream: str) -> list[str]:
    """The types of a stream's messages, in their order, and of the states among them."""
    return [message["type"] for message in run.messages if message.get("stream", stream) == stream]


FAILURES: dict[str, tuple[Any, dict[str, Any], str]] = {
    "the path is wrong": (Reply(status=404), {}, "returned 404"),
    "the primary key is wrong": ({"data": [{"uuid": "a"}]}, {}, "no usable 'id'"),
    "the primary key is missing later on the page": ({"data": [ROW, {"uuid": "a"}]}, {}, "no usable 'id'"),
    "a stream map fails": ({"data": [ROW]}, {"stream_maps": {"feedback_data": {"x": "1/0"}}}, "ZeroDivisionError"),
}


@pytest.mark.parametrize(("reply", "top", "words"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("batch", [False, True])
def test_a_stream_that_fails_before_its_first_record_leaves_no_schema(
    reply: Any, top: dict[str, Any], words: str, tmp_path: Path, *, batch: bool
) -> None:
    """A target creates a table as soon as it reads a SCHEMA; the next run, with the right key, would not fit it."""
    if batch:
        top = {**top, "batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": f"file://{tmp_path}"}}}
    with Server(lambda request: reply) as server:
        run = sync({"feedback": api(server.url), "emit_activate_version_messages": True, **top})
    assert words in run.failures["feedback_data"]
    assert {message["type"] for message in run.messages} == {"STATE"}


def test_the_schema_comes_with_the_first_record() -> None:
    """A stream that fails later has written its SCHEMA, and the state does not change."""
    first = {"forums": [{"id": 1, "updated_at": "2024-01-01T00:00:00Z"}], "pagination": {"cursor": "b"}}
    with Server(lambda request: Reply(status=404) if "cursor" in request.query else first) as server:
        run = analytics(server)
    assert "returned 404" in run.failures["forums"]
    assert kinds_of(run, "forums") == ["STATE", "SCHEMA", "RECORD", "STATE"]
    assert run.state == {"bookmarks": {"forums": {}}}


@pytest.mark.parametrize(
    ("top", "names"),
    [
        ({}, ["feedback_data"]),
        ({"flattening_enabled": True, "flattening_max_depth": 1}, ["feedback_data"]),
        ({"stream_maps": {"feedback_data": {"__alias__": "said"}}}, ["said"]),
        ({"stream_maps": {"feedback_data": {}, "b": {"__source__": "feedback_data"}}}, ["feedback_data", "b"]),
        ({"stream_maps": {"feedback_data": None, "b": {"__source__": "feedback_data"}}}, ["b"]),
        ({"stream_maps": {"feedback_data": None}}, []),
    ],
)
@pytest.mark.parametrize("rows", [[], [{"id": "1"}]])
def test_every_name_of_a_stream_has_one_schema_before_all_else(
    top: dict[str, Any], names: list[str], rows: list[dict[str, Any]]
) -> None:
    """SCHEMA comes before the first RECORD, or before ACTIVATE_VERSION and STATE if the stream is empty."""
    with one_page(*rows) as server:
        run = sync({"feedback": api(server.url), "emit_activate_version_messages": True, **top})
    assert run.error is None
    messages = [(message["type"], message["stream"]) for message in run.messages if message["type"] != "STATE"]
    assert messages == [
        *(("SCHEMA", name) for name in names),
        *(("RECORD", name) for _ in rows for name in names),
        *(("ACTIVATE_VERSION", name) for name in names),
    ]
    assert run.messages[-1]["type"] == "STATE"


def test_a_stream_that_is_filtered_to_nothing_has_its_schema() -> None:
    """A complete stream is announced though no record of it is left."""
    maps = {"feedback_data": {"__filter__": "id == 'x'"}}
    with one_page(ROW) as server:
        run = sync({"feedback": api(server.url), "stream_maps": maps})
    assert kinds_of(run, "feedback_data") == ["STATE", "SCHEMA", "STATE"]


# Keys


def types_of_keys(schema: dict[str, Any], keys: list[str]) -> list[Any]:
    """The types of the key columns."""
    return [schema["properties"][key]["type"] for key in keys]


@pytest.mark.parametrize(
    ("key", "types"), [("name", ["string"]), (["name", "suggestions_count"], ["string", "integer"])]
)
def test_a_key_from_the_settings_is_not_nullable(key: str | list[str], types: list[str]) -> None:
    """Databases have no null in a primary key, so neither the catalog nor SCHEMA allows it."""
    keys = [key] if isinstance(key, str) else key
    with Server(lambda request: {"forums": [{"name": "a", "suggestions_count": 1}]}) as server:
        config = {"analytics": api(server.url, streams={"forums": {"primary_key": key}})}
        catalog = catalog_of(config, "forums")
        run = sync(config, catalog=catalog)
    entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "forums")
    assert run.error is None
    for schema in (entry["schema"], run.schema("forums")["schema"]):
        assert types_of_keys(schema, keys) == types
        assert schema["required"] == keys
        assert schema["properties"]["id"]["type"] == "integer"
        assert schema["properties"]["prompt"]["type"] == ["string", "null"]


@pytest.mark.parametrize("nullable", [{"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}])
def test_a_key_of_an_older_catalog_is_not_nullable(nullable: dict[str, Any]) -> None:
    """A catalog from before the key was set has it as nullable, or does not have its column."""
    with Server(lambda request: {"forums": [{"name": "a", "code": 1}]}) as server:
        config = {"analytics": api(server.url)}
        catalog = catalog_of(config, "forums")
        entry = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "forums")
        entry["key_properties"] = ["name", "code"]
        entry["schema"]["properties"]["name"] = nullable
        entry["schema"]["required"] = []
        run = sync(config, catalog=catalog)
    assert run.error is None
    message = run.schema("forums")
    assert message["key_properties"] == ["name", "code"]
    assert "null" not in json.dumps(message["schema"]["properties"]["name"])
    assert types_of_keys(message["schema"], ["code"]) == ["string"]
    assert run.records("forums")[0]["code"] == "1"


def test_a_catalog_without_keys_leaves_the_streams_own() -> None:
    """SCHEMA names the key that records are checked for: without one a target would append every row again.

    An empty list is a user's own choice of that.
    """
    with one_page(ROW) as server:
        config = {"feedback": api(server.url)}
        catalog = catalog_of(config, "feedback_data")
        for entry in catalog["streams"]:
            del entry["key_properties"]
            for item in entry["metadata"]:
                item["metadata"].pop("table-key-properties", None)
        run = sync(config, catalog=catalog)
        for entry in catalog["streams"]:
            entry["key_properties"] = []
        without = sync(config, catalog=catalog)
    assert run.schema("feedback_data")["key_properties"] == ["id"]
    assert without.schema("feedback_data")["key_properties"] == []
    assert without.ids("feedback_data") == ["1"]


def test_a_key_of_the_settings_that_is_newer_than_the_catalog_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """The catalog wins, so who follows the advice to set `primary_key` learns why it changes nothing."""
    with Server(lambda request: {"forums": [{"id": 1, "name": "a"}]}) as server:
        catalog = catalog_of({"analytics": api(server.url)}, "forums")
        config = {"analytics": api(server.url, streams={"forums": {"primary_key": "name"}})}
        assert sync(config, catalog=catalog).error is None
        assert (
            "forums: `analytics.streams.forums.primary_key` is `name`, but the catalog says `id`, and the catalog wins"
        ) in caplog.text
        caplog.clear()
        assert sync(config, catalog=catalog_of(config, "forums")).error is None
        assert "the catalog says" not in caplog.text
