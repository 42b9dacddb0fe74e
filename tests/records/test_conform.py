"""Records made from rows; what does not fit goes into `_extra`."""

from __future__ import annotations

import copy
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from tap_feedback.records.conform import EXTRA, EXTRA_SCHEMA, MAX_NAMES, OTHER_NAMES, MissingKey
from tests.records.conforming import SCHEMA, conformer, exact

CLOSED = {"type": ["object", "null"], "properties": {"x": {"type": "integer"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("string", 42, "42"),
        ("integer", "42", 42),
        ("number", "1.50", 1.5),
        ("date_time", "2024-01-01T00:00:00+05:30", "2023-12-31T18:30:00Z"),
        ("date_time", "2024-01-01T02:00:00.1234567890+02:00", "2024-01-01T00:00:00.1234567890Z"),
        ("either", "2024-01-01T00:00:00-01:00", "2024-01-01T01:00:00Z"),
        ("date_time", 1704067200, "2024-01-01T00:00:00Z"),
        ("bounded", "9223372036854775807", 2**63 - 1),
        ("bounded", -(2**63), -(2**63)),
        ("strict", "1", 1),
        ("anything", None, None),
        ("links", {"forum": "1", "labels": ["2"]}, {"forum": 1, "labels": [2]}),
    ],
)
def test_a_value_that_can_be_converted_without_loss(name: str, value: object, expected: object) -> None:
    """A value that fits is kept, one that can be converted without loss is converted, and neither is counted."""
    conform = conformer()
    record = conform({"id": 1, name: value})
    assert exact(record[name]) == exact(expected)
    assert record[EXTRA] is None
    assert conform.findings.misfits == Counter()
    assert conform.findings.rows_with_extra == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("string", {"a": 1}),
        ("integer", True),
        ("number", "NaN"),
        ("boolean", 1),
        ("date", "2023-02-29"),
        ("date_time", "soon"),
        ("date_time", 2024),
        ("date_time", []),
        ("list", ["x"]),
        ("either", "soon"),
        ("bounded", 2**63),
        ("bounded", 1e23),
        ("links", 5),
    ],
)
def test_a_value_that_does_not_fit(name: str, value: object) -> None:
    """A value that does not fit goes unchanged into `_extra`, the property is null, and the first one is warned of."""
    warnings: list[tuple[str, str]] = []
    conform = conformer(warnings=warnings)
    for _ in range(2):
        record = conform({"id": 1, name: copy.deepcopy(value)})
        assert record == {"id": 1, name: None, EXTRA: {name: value}}
        assert exact(record[EXTRA][name]) == exact(value)
    assert [warned for warned, _ in warnings] == [name]
    assert conform.findings.misfits == {name: 2}
    assert conform.findings.rows_with_extra == 2


def test_a_warning_names_types_and_no_value() -> None:
    """A warning says what came and what was wanted, not the value; members of an object are named by path."""
    warnings: list[tuple[str, str]] = []
    conform = conformer(warnings=warnings)
    links = {"forum": {}, "bounded": -1}
    conform({"id": 1, "integer": "secret", "date_time": "secret", "links": links, "either": True, "bounded": 2**70})
    assert sorted(warnings) == [
        ("bounded", f"a number, not a whole number from {-(2**63)} to {2**63 - 1} or null"),
        ("date_time", "text, not a date-time or null"),
        ("either", "true or false, not a date-time or null"),
        ("integer", "text, not a whole number or null"),
        ("links.bounded", "a number, not a whole number of at least 0 or null"),
        ("links.forum", "an object, not a whole number or null"),
    ]


def test_unknown_properties() -> None:
    """Unknown properties go into `_extra` as they came, one of that very name included."""
    conform = conformer()
    unknown = {EXTRA: {"a": 1}, "cf_x": {"id": 1}, "cv_segment.revenue": Decimal("1.10"), "none": None}
    for _ in range(2):
        assert conform({"id": 1, **unknown, "string": "x"}) == {"id": 1, "string": "x", EXTRA: unknown}
    assert conform.findings.extra == dict.fromkeys(unknown, 2)
    assert conform.findings.rows_with_extra == 2


def test_extra_in_the_schema_is_not_the_apis() -> None:
    """A property of the API that is called `_extra` is unknown, though the schema names one."""
    conform = conformer({**SCHEMA, "properties": {**SCHEMA["properties"], EXTRA: EXTRA_SCHEMA}})
    assert conform({"id": 1, EXTRA: {}}) == {"id": 1, EXTRA: {EXTRA: {}}}


def test_dropping() -> None:
    """Without `keep_unknown` there is no `_extra`. Misfits are null, and still warned of."""
    warnings: list[tuple[str, str]] = []
    conform = conformer(keep_unknown=False, warnings=warnings)
    record = conform({"id": 1, "new": 1, EXTRA: 2, "integer": "x", "links": {"forum": "x"}})
    assert record == {"id": 1, "integer": None, "links": {"forum": None}}
    assert {name for name, _ in warnings} == {"integer", "links.forum"}
    assert conform.findings.rows_with_extra == 1


def test_nested_misfits() -> None:
    """A member that does not fit is in `_extra` under its path; one that may not be null is left out."""
    record = conformer()({"id": 1, "links": {"forum": "x", "strict": "y", "labels": [1, "z"], "new": 5}})
    assert record == {
        "id": 1,
        "links": {"forum": None, "labels": None, "new": 5},
        EXTRA: {"links.forum": "x", "links.strict": "y", "links.labels": [1, "z"]},
    }


def test_a_path_does_not_hide_a_property() -> None:
    """A path in `_extra` gives way to an unknown property of the same name."""
    record = conformer()({"id": 1, "links": {"forum": "x"}, "links.forum": "y"})
    assert record[EXTRA] == {"links.forum": "y", "links.forum_": "x"}


def test_what_may_not_be_null() -> None:
    """A property that may not be null is left out rather than null."""
    assert conformer()({"id": 1, "strict": "x"}) == {"id": 1, EXTRA: {"strict": "x"}}
    assert conformer()({"id": 1, "strict": None}) == {"id": 1, EXTRA: {"strict": None}}


def test_a_member_of_a_closed_object_is_unknown() -> None:
    """It goes into `_extra` under its path, and counts as unknown, not as a value that does not fit."""
    warnings: list[tuple[str, str]] = []
    schema = {"properties": {"a": {**CLOSED, "properties": {"b": CLOSED}}}}
    conform = conformer(schema, warnings=warnings)
    record = {"id": 1, "a": {"y": 1, "b": {"x": 1, "z": {"q": [2]}}}}
    assert conform(record) == {"id": 1, "a": {"b": {"x": 1}}, EXTRA: {"a.y": 1, "a.b.z": {"q": [2]}}}
    assert conform.findings.extra == {"a.y": 1, "a.b.z": 1}
    assert conform.findings.rows_with_extra == 1
    assert not conform.findings.misfits
    assert not warnings
    assert conformer(schema, keep_unknown=False)({"id": 1, "a": {"y": 1}}) == {"id": 1, "a": {}}


def test_a_required_property() -> None:
    """A missing property that the schema requires becomes null, or fails the record if it may not be null."""
    schema = {"properties": {"a": {"type": ["string", "null"]}}, "required": ["id", "a"]}
    assert conformer(schema)({"id": 1}) == {"id": 1, "a": None, EXTRA: None}
    schema = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    with pytest.raises(MissingKey, match="'a'"):
        conformer(schema)({"id": 1, "a": []})


@pytest.mark.parametrize("record", [{}, {"id": None}, {"id": "x"}, {"id": 1.5}, {"id": {}}, [], None, "id"])
def test_a_record_without_its_key(record: Any) -> None:
    """A record without a usable key is refused, and so is a value that is not an object."""
    with pytest.raises(MissingKey) as refused:
        conformer()(record)
    assert isinstance(refused.value, ValueError)


def test_a_key_that_the_schema_does_not_know() -> None:
    """A key from the settings need not be in the schema; the record keeps it."""
    conform = conformer(keys=("id", "part"))
    assert conform({"id": "1", "part": "a"}) == {"id": 1, "part": "a", EXTRA: None}
    with pytest.raises(MissingKey, match="'part'"):
        conform({"id": 1})


def test_a_nullable_key_may_not_be_null() -> None:
    """A key is never null, even if a catalog allows null."""
    with pytest.raises(MissingKey):
        conformer({"properties": {"id": {"type": ["integer", "null"]}}})({"id": None})


def test_unstorable_characters() -> None:
    """They are replaced in values and names, known and unknown, and counted; a page without them is not searched."""
    conform = conformer()
    record = conform({"id": 1, "string": "a\x00", "links": {"n\ud800": ["\udfff"]}, "new\x00": "x"})
    assert record == {"id": 1, "string": "a\ufffd", "links": {"n\ufffd": ["\ufffd"]}, EXTRA: {"new\ufffd": "x"}}
    assert conform.findings.replaced == 4
    assert conform({"id": 1, "string": "clean"}, scrub=False) == {"id": 1, "string": "clean", EXTRA: None}


def test_counted_names_are_bounded() -> None:
    """Beyond a number of names, the rest is counted under one, and still kept."""
    conform = conformer()
    for number in range(MAX_NAMES + 5):
        assert conform({"id": 1, f"n{number}": number})[EXTRA] == {f"n{number}": number}
    assert len(conform.findings.extra) == MAX_NAMES + 1
    assert conform.findings.extra[OTHER_NAMES] == 5


def test_date_times_at_any_depth_are_in_utc() -> None:
    """In objects and lists, too, the same instants; a date, a time, and what the schema does not know stay."""
    date_time, date = ({"type": ["string", "null"], "format": kind} for kind in ("date-time", "date"))
    schema: dict[str, Any] = {
        "properties": {
            "id": {"type": "integer"},
            "at": date_time,
            "on": date,
            "open": {"type": "string", "format": "time"},
            "log": {"type": "array", "items": {"type": "object", "properties": {"at": date_time, "on": date}}},
            "others": {"type": "object", "additionalProperties": date_time},
        }
    }
    sent = "2024-01-01T01:00:00.123456789+05:30"
    row = {"at": sent, "on": "2024-01-01", "open": "10:00:00", "others": {"a": sent}}
    record = conformer(schema)(
        {"id": 1, **row, "custom": sent, "log": [{"at": sent, "on": "2024-01-01", "note": sent}]}
    )
    utc = "2023-12-31T19:30:00.123456789Z"
    log = [{"at": utc, "on": "2024-01-01", "note": sent}]
    assert record == {"id": 1, **row, "at": utc, "others": {"a": utc}, "log": log, EXTRA: {"custom": sent}}


@pytest.mark.parametrize("first", ["date", "date-time"])
def test_a_date_is_not_converted_if_the_schema_allows_it(first: str) -> None:
    """With a choice of formats, each value fits the first that takes it."""
    formats = [first, "date" if first == "date-time" else "date-time"]
    schema = {"properties": {"at": {"anyOf": [{"type": "string", "format": name} for name in formats]}}}
    conform = conformer(schema)
    assert conform({"id": 1, "at": "2024-01-01T01:00:00+02:00"})["at"] == "2023-12-31T23:00:00Z"
    expected = "2024-01-01" if first == "date" else "2024-01-01T00:00:00Z"
    assert conform({"id": 1, "at": "2024-01-01"})["at"] == expected
