"""Stream maps, flattening and selection: what comes out fits its SCHEMA, and an error names the setting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.helpers._flattening import flatten_schema

from tap_feedback.records.mapping import closed
from tests.runs import Run, api, catalog_of, sync
from tests.server import Reply, Server

if TYPE_CHECKING:
    from pathlib import Path

FLAT = {"flattening_enabled": True, "flattening_max_depth": 3}
DEEP = b'{"id": %%d, "z": %s%s}' % (b"[" * 900, b"]" * 900)


def forums(rows: list[dict[str, Any]] | bytes, **top: Any) -> Run:
    """Sync forums, of which some were changed in 2023 and are left out."""
    body = rows if isinstance(rows, bytes) else json.dumps({"forums": rows}).encode()
    with Server(lambda asked: Reply(body)) as server:
        config = {"analytics": api(server.url), "start_date": "2024-01-01", **top}
        return sync(config, catalog=catalog_of(config, "forums"))


# Flattening


def test_members_without_a_column_go_into_extra() -> None:
    """A target makes its columns of SCHEMA, so a column that only a record has would be lost."""
    links = {"updated_by": 7, "forum": 9, "deep": {"x": [1]}}
    run = forums([{"id": 1, "links": links, "cf": 1}, {"id": 2, "links": {"updated_by": "8"}}], **FLAT)
    assert run.error is None
    first, second = run.records("forums")
    assert {**first, "_extra": json.loads(first["_extra"])} == {
        "id": 1,
        "links__updated_by": 7,
        "_extra": {"cf": 1, "links.forum": 9, "links.deep": {"x": [1]}},
    }
    assert second == {"id": 2, "links__updated_by": 8, "_extra": None}
    properties = run.schema("forums")["schema"]["properties"]
    assert first.keys() | second.keys() <= properties.keys()
    assert properties["_extra"]["type"] == ["string", "null"]


def test_members_without_a_column_can_be_dropped() -> None:
    """`unknown_fields: drop` drops them as it does all that the schema does not know."""
    run = forums([{"id": 1, "links": {"updated_by": 7, "forum": 9}, "cf": 1}], unknown_fields="drop", **FLAT)
    assert run.records("forums") == [{"id": 1, "links__updated_by": 7}]
    assert "_extra" not in run.schema("forums")["schema"]["properties"]


def test_members_without_a_column_are_reported_as_unknown(caplog: pytest.LogCaptureFixture) -> None:
    """They are not misfits: the values fit, but have no column."""
    caplog.set_level("INFO")
    forums([{"id": 1, "links": {"forum": 9}}], **FLAT)
    assert "1 row had 1 unknown field: links.forum" in caplog.text
    assert "does not fit" not in caplog.text


def test_a_nested_object_that_is_null_has_no_column() -> None:
    """Its members are the columns; SCHEMA has no column for the object itself."""
    run = forums([{"id": 1, "links": None, "name": None}], **FLAT)
    assert run.records("forums") == [{"id": 1, "name": None, "_extra": None}]


@pytest.mark.parametrize("maps", [{"forums": {"n": "name"}}, {"forums": {"l": "links"}, "b": {"__source__": "forums"}}])
def test_maps_and_flattening_go_together(maps: dict[str, Any]) -> None:
    """Each name of a stream has the columns that its own SCHEMA says."""
    run = forums(
        [{"id": 1, "name": "x", "links": {"forum": 9}}, {"id": 2, "name": "y", "links": None}], stream_maps=maps, **FLAT
    )
    assert run.error is None
    for name in maps:
        assert len(run.records(name)) == 2
        for record in run.records(name):
            assert record.keys() <= run.schema(name)["schema"]["properties"].keys()


def test_a_nested_object_beyond_the_depth_stays_whole() -> None:
    """What is not flattened is JSON in one column, with all its members."""
    config = {"flattening_enabled": True, "flattening_max_depth": 0}
    run = forums([{"id": 1, "links": {"forum": 9}}], **config)
    assert run.records("forums") == [{"id": 1, "links": {"forum": 9}, "_extra": None}]


NESTED: dict[str, Any] = {
    "properties": {
        "id": {"type": "integer"},
        "a": {
            "type": ["object", "null"],
            "properties": {
                "x": {"type": ["integer", "null"]},
                "b": {"type": ["null", "object"], "properties": {"y": {"type": "string"}}},
            },
        },
        "list": {"type": ["array", "integer", "null"], "items": {"type": "integer"}},
        "any": {"description": "Any value."},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    }
}


@pytest.mark.parametrize(("depth", "inner"), [(1, "a__b"), (2, "a__b__y")])
def test_the_schema_is_closed_where_it_is_flattened(depth: int, inner: str) -> None:
    """As deep as the SDK flattens, and no deeper; of what gets no column that fits, nothing is known."""
    assert inner in flatten_schema(NESTED, depth)["properties"]
    properties = closed(NESTED, depth)["properties"]
    assert set(properties) == {"id", "a", "list"}
    assert properties["list"]["type"] == ["array", "null"]
    a = properties["a"]
    assert (a["type"], a["additionalProperties"]) == (["null", "object"], False)
    assert a["properties"]["b"].get("additionalProperties", True) is (depth == 1)
    assert NESTED["properties"]["a"].get("additionalProperties") is None


# Failures


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({"forums": {"low": "len(name)"}}, "`stream_maps.forums.low` failed (name 'len' is not defined)"),
        ({"forums": {"low": "nam"}}, "`stream_maps.forums.low` failed (name 'nam' is not defined)"),
        ({"forums": {"low": "name.low()"}}, "`stream_maps.forums.low` failed (attribute 'low' does not exist)"),
        ({"forums": {"low": "1/0"}}, "`stream_maps.forums.low` failed (ZeroDivisionError)"),
        ({"forums": {"low": "int(name)"}}, "`stream_maps.forums.low` failed (ValueError)"),
        ({"forums": {"low": "_[name]"}}, "`stream_maps.forums.low` failed (KeyError)"),
        ({"forums": {"low": "2 ** id ** 99"}}, "`stream_maps.forums.low` failed (NumberTooHigh)"),
        (
            {"forums": {"low": "name + 1"}},
            '`stream_maps.forums.low` failed (TypeError: can only concatenate str (not "int") to str)',
        ),
        ({"forums": {"low": "(lambda: 1)()"}}, "`stream_maps.forums.low` failed (FeatureNotAvailable: "),
        ({"forums": {"__filter__": "1/0"}}, "`stream_maps.forums.__filter__` failed (ZeroDivisionError)"),
        ({"forums": {"__alias__": "places", "low": "1/0"}}, "`stream_maps.forums.low` failed (ZeroDivisionError)"),
        ({"places": {"__source__": "forums", "low": "1/0"}}, "`stream_maps.places.low` failed (ZeroDivisionError)"),
    ],
)
def test_a_stream_map_that_fails_is_reported_with_its_setting(
    maps: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The line has the setting, the reason, page and row, and nothing of the row, at no level."""
    caplog.set_level("DEBUG")
    rows = [{"id": 1, "updated_at": "2023-12-31T00:00:00Z"}, {"id": 7919, "name": "private"}]
    message = forums(rows, stream_maps=maps).failures["forums"]
    assert message.startswith(f"page 1, new row 2: {words}")
    assert message.endswith(": check its expression")
    lines = [record for record in caplog.records if record.name.startswith("tap-feedback")]
    text = "".join([caplog.handler.format(line) for line in lines])
    assert "private" not in text
    assert "7919" not in message


@pytest.mark.parametrize(
    ("top", "setting"),
    [
        ({"stream_maps": {"forums": {"low": "name"}}}, "`stream_maps`"),
        ({"stream_maps": {"forums": {"low": "name"}}, **FLAT}, "`stream_maps`"),
        (FLAT, "`flattening_enabled`"),
    ],
)
def test_a_record_that_is_nested_too_deeply_is_reported_with_its_setting(top: dict[str, Any], setting: str) -> None:
    """The SDK copies and flattens by calls within calls, and Python allows no more than a thousand."""
    body = b'{"forums": [{"id": 1, "name": "x"}, %s]}' % (DEEP % 2)
    message = forums(body, **top).failures["forums"]
    assert message == f"page 1, new row 2: the record is nested too deeply for {setting}"


def test_a_record_that_is_nested_too_deeply_to_deselect_is_reported_with_its_setting() -> None:
    """A catalog that leaves a property out has each record copied."""
    with Server(lambda asked: Reply(b'{"forums": [%s]}' % (DEEP % 1))) as server:
        config = {"analytics": api(server.url)}
        catalog = catalog_of(config, "forums")
        for entry in catalog["streams"]:
            for item in entry["metadata"]:
                if item["breadcrumb"] == ["properties", "name"]:
                    item["metadata"]["selected"] = False
        message = sync(config, catalog=catalog).failures["forums"]
    assert message == "page 1, new row 1: the record is nested too deeply for a catalog that deselects properties"


@pytest.mark.parametrize("batch", [False, True])
def test_a_record_that_is_nested_deeply_is_written_plainly(tmp_path: Path, *, batch: bool) -> None:
    """What needs no map goes out whole."""
    top = {"batch_config": {"encoding": {"format": "jsonl"}, "storage": {"root": f"file://{tmp_path}"}}}
    run = forums(b'{"forums": [%s]}' % (DEEP % 1), **(top if batch else {}))
    assert run.error is None
    text = next(tmp_path.iterdir()).read_text("utf-8") if batch else "".join(run.lines)
    assert "[" * 900 + "]" * 900 in text
