"""A record made to fit its schema; the rest into `_extra`."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

import tap_feedback
from tap_feedback.conform import (
    EXTRA,
    EXTRA_SCHEMA,
    MOST_NAMES,
    OTHER_NAMES,
    Conformer,
    MissingKey,
)

KINDS: dict[str, dict[str, Any]] = {
    "string": {"type": ["string", "null"]},
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "date_time": {"type": ["string", "null"], "format": "date-time"},
    "date": {"type": ["string", "null"], "format": "date"},
    "list": {"type": ["array", "null"], "items": {"type": "integer"}},
    "object": {"type": ["object", "null"]},
    "anything": {},
    "either": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
    "two": {"type": ["integer", "boolean", "null"]},
    "strict": {"type": "integer"},
    "bounded": {"type": ["integer", "null"], "minimum": -(2**63), "maximum": 2**63 - 1},
    "links": {
        "type": ["object", "null"],
        "properties": {
            "forum": {"type": ["integer", "null"]},
            "strict": {"type": "integer"},
            "bounded": {"type": ["integer", "null"], "minimum": 0},
            "labels": {"type": ["array", "null"], "items": {"type": "integer"}},
        },
        "additionalProperties": True,
    },
}
SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}, **KINDS}, "required": ["id"]}

CHECKER = FormatChecker(["date"])


@CHECKER.checks("date-time", raises=ValueError)
def is_date_time(value: object) -> bool:
    """RFC 3339 by Python's own calendar, not by the code under test; jsonschema has no check built in."""
    if not isinstance(value, str):
        return True
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", value, re.ASCII)
    if match is None:
        return False
    datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00"))
    return True


def conformer(
    schema: dict[str, Any] | None = None,
    *,
    keys: tuple[str, ...] = ("id",),
    keep_unknown: bool = True,
    warnings: list[tuple[str, str]] | None = None,
) -> Conformer:
    """A conformer that appends what it warns of to a list."""
    warned: list[tuple[str, str]] = [] if warnings is None else warnings
    return Conformer(
        SCHEMA if schema is None else schema,
        key_properties=keys,
        keep_unknown=keep_unknown,
        on_first_misfit=lambda name, reason: warned.append((name, reason)),
    )


def exact(value: object) -> tuple[str, object]:
    """A value with its type, as 1, 1.0 and True are equal in Python."""
    return type(value).__name__, value


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("string", "x", "x"),
        ("string", "", ""),
        ("string", 42, "42"),
        ("string", 1.5, "1.5"),
        ("string", Decimal("0.12345678901234567890"), "0.12345678901234567890"),
        ("string", 2**70, "1180591620717411303424"),
        ("string", True, "true"),
        ("integer", 42, 42),
        ("integer", 2**70, 2**70),
        ("integer", "42", 42),
        ("integer", "-7", -7),
        ("integer", "0", 0),
        ("integer", 42.0, 42),
        ("integer", 1e23, 10**23),
        ("integer", Decimal("1E+400"), 10**400),
        ("integer", Decimal("12345678901234567890123456789012345678901.0"), 12345678901234567890123456789012345678901),
        ("number", 42, 42),
        ("number", 1.5, 1.5),
        ("number", Decimal("0.12345678901234567890"), Decimal("0.12345678901234567890")),
        ("number", "42", 42),
        ("number", "1.50", 1.5),
        ("number", "-1e5", -1e5),
        ("number", "0.12345678901234567890", Decimal("0.12345678901234567890")),
        ("number", "1e400", Decimal("1E+400")),
        ("number", "1e-400", Decimal("1E-400")),
        ("boolean", True, True),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("date", "2024-02-29", "2024-02-29"),
        ("list", [1, 2], [1, 2]),
        ("list", ["1", 2.0], [1, 2]),
        ("list", [], []),
        ("object", {"a": [1]}, {"a": [1]}),
        ("anything", [None, {"a": 1.5}], [None, {"a": 1.5}]),
        ("anything", None, None),
        ("either", "2024-01-01 00:00:00", "2024-01-01T00:00:00Z"),
        ("either", None, None),
        ("two", True, True),
        ("two", 1, 1),
        ("two", "true", True),
        ("two", "1", 1),
        ("bounded", 2**63 - 1, 2**63 - 1),
        ("bounded", -(2**63), -(2**63)),
        ("bounded", "9223372036854775807", 2**63 - 1),
        ("bounded", 42.0, 42),
        ("bounded", None, None),
        ("strict", "1", 1),
        ("links", {"forum": 1, "labels": [2], "new": {"id": "x"}}, {"forum": 1, "labels": [2], "new": {"id": "x"}}),
        ("links", {"forum": "1", "labels": ["2"]}, {"forum": 1, "labels": [2]}),
        ("links", None, None),
    ],
)
def test_a_value_that_fits_or_can_be_converted_without_loss(name: str, value: object, expected: object) -> None:
    """A value that fits stays, one that can be converted without loss is, and nothing is counted."""
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
        ("string", ["a"]),
        ("integer", True),
        ("integer", 1.5),
        ("integer", Decimal("1.5")),
        ("integer", Decimal("1E+999999")),
        ("integer", Decimal("1E-999999999")),
        ("integer", " 42"),
        ("integer", "+42"),
        ("integer", "042"),
        ("integer", "-0"),
        ("integer", "4_2"),
        ("integer", "٤٢"),
        ("integer", "42\n"),
        ("integer", "1.0"),
        ("integer", ""),
        ("integer", "9" * 5000),
        ("number", "NaN"),
        ("number", "Infinity"),
        ("number", ".5"),
        ("number", "1,5"),
        ("number", "1e99999999999999999999"),
        ("number", False),
        ("boolean", 1),
        ("boolean", "True"),
        ("boolean", {}),
        ("date", "2023-02-29"),
        ("date", "0000-01-01"),
        ("date", "2024-01-01T00:00:00Z"),
        ("date", 20240101),
        ("list", 1),
        ("list", ["x"]),
        ("list", [1, None]),
        ("object", "{}"),
        ("object", []),
        ("either", "soon"),
        ("two", 1.5),
        ("bounded", 2**63),
        ("bounded", -(2**63) - 1),
        ("bounded", 2**70),
        ("bounded", "9223372036854775808"),
        ("bounded", 1e23),
        ("bounded", True),
        ("bounded", 1.5),
        ("links", 5),
        ("links", []),
    ],
)
def test_a_value_that_does_not_fit(name: str, value: object) -> None:
    """A value that does not fit goes as it came into `_extra` and leaves null, warned of once and counted."""
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
    """A warning says what came and what was wanted, not the value."""
    warnings: list[tuple[str, str]] = []
    conform = conformer(warnings=warnings)
    conform({"id": 1, "integer": "secret", "date_time": "secret", "links": {"forum": {}}, "either": True})
    assert sorted(warnings) == [
        ("date_time", "string, not date-time or null"),
        ("either", "boolean, not date-time or null"),
        ("integer", "string, not integer or null"),
        ("links.forum", "object, not integer or null"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01T00:00:00Z",
        "2024-02-29T23:59:59+05:30",
        "2024-01-31T00:00:00.123456789-00:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999Z",
    ],
)
def test_rfc_3339_stays(text: str) -> None:
    """A timestamp in RFC 3339 stays to the byte."""
    assert conformer()({"id": 1, "date_time": text})["date_time"] == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-31t00:00:00z", "2024-01-31T00:00:00Z"),
        ("2024-01-01T00:00:00", "2024-01-01T00:00:00Z"),
        ("2024-01-01 00:00:00.25", "2024-01-01T00:00:00.25Z"),
        ("2024-01-01T12:34", "2024-01-01T12:34:00Z"),
        ("2024-01-31", "2024-01-31T00:00:00Z"),
        ("2024-01-01 00:00:00 UTC", "2024-01-01T00:00:00Z"),
        ("2024-01-01 00:00:00 +0200", "2024-01-01T00:00:00+02:00"),
        ("2024-01-01 00:00:00+00", "2024-01-01T00:00:00+00:00"),
        ("2024-01-01T00:00:00-0530", "2024-01-01T00:00:00-05:30"),
        (1704067200, "2024-01-01T00:00:00Z"),
        (100_000_000, "1973-03-03T09:46:40Z"),
        (-100_000_000, "1966-10-31T14:13:20Z"),
        (9_999_999_999_999, "2286-11-20T17:46:39.999Z"),
        ("1704067200", "2024-01-01T00:00:00Z"),
        (1704067200.5, "2024-01-01T00:00:00.5Z"),
        (Decimal("1704067200.123456789012"), "2024-01-01T00:00:00.123456789012Z"),
        (Decimal("1.7E+9"), "2023-11-14T22:13:20Z"),
        (1704067200123, "2024-01-01T00:00:00.123Z"),
        (1704067200120.5, "2024-01-01T00:00:00.1205Z"),
        ("1704067200123", "2024-01-01T00:00:00.123Z"),
        (99_999_999_999, "5138-11-16T09:46:39Z"),
        (100_000_000_000, "1973-03-03T09:46:40Z"),
    ],
)
def test_other_timestamps_become_rfc_3339(value: object, expected: str) -> None:
    """Timestamps of other forms and epochs become RFC 3339; without a zone they are UTC."""
    record = conformer()({"id": 1, "date_time": value})
    assert record == {"id": 1, "date_time": expected, EXTRA: None}
    assert is_date_time(expected)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "N/A",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0000-01-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T24:61:00Z",
        "2016-12-31T23:59:60Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+05:60",
        "2024-W01-1T00:00:00Z",
        " 2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z\n",
        "٢٠٢٤-01-01T00:00:00Z",
        "01/02/2024",
        "2024",
        "20240131",
        "20240131120000",
        "1704067200 ",
        0,
        2024,
        20240131,
        20240131120000,
        10**8 - 1,
        10**13,
        -(10**13),
        Decimal("0E+999999999"),
        Decimal("1E-999999999"),
        1e300,
        True,
        {},
        [],
    ],
)
def test_what_is_no_timestamp(value: object) -> None:
    """A text or number that names no real instant is kept in `_extra`."""
    assert conformer()({"id": 1, "date_time": value}) == {"id": 1, "date_time": None, EXTRA: {"date_time": value}}


@given(
    st.one_of(
        st.integers(-62135596800000, 253402300799999),
        st.floats(-1e11, 1e11),
        st.decimals("-99999999999", "253402300799999", places=9),
    )
)
def test_an_epoch_becomes_the_same_instant(value: float | Decimal) -> None:
    """An epoch becomes the very instant, to the last digit."""
    record = conformer()({"id": 1, "date_time": value})
    text = record["date_time"]
    if text is None:
        assert record[EXTRA] == {"date_time": value}
        return
    assert is_date_time(text)
    whole, _, fraction = text.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole + "+00:00") - datetime(1970, 1, 1, tzinfo=timezone.utc)
    seconds = Fraction(moment // timedelta(seconds=1)) + Fraction(f"0.{fraction or 0}")
    sent = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    assert seconds == (sent / 1000 if abs(sent) >= 10**11 else sent)


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
    conform = conformer({**SCHEMA, "properties": {**SCHEMA["properties"], EXTRA: EXTRA_SCHEMA}})  # type: ignore[dict-item]
    assert conform({"id": 1, EXTRA: {}}) == {"id": 1, EXTRA: {EXTRA: {}}}


def test_dropping() -> None:
    """Without `keep_unknown` there is no `_extra`; misfits are null, and warned of all the same."""
    warnings: list[tuple[str, str]] = []
    conform = conformer(keep_unknown=False, warnings=warnings)
    record = conform({"id": 1, "new": 1, EXTRA: 2, "integer": "x", "links": {"forum": "x"}})
    assert record == {"id": 1, "integer": None, "links": {"forum": None}}
    assert {name for name, _ in warnings} == {"integer", "links.forum"}
    assert conform.findings.rows_with_extra == 1


def test_nested_misfits() -> None:
    """A member that does not fit stands in `_extra` under its path; one that may not be null is left out."""
    record = conformer()({"id": 1, "links": {"forum": "x", "strict": "y", "labels": [1, "z"], "new": 5}})
    assert record == {
        "id": 1,
        "links": {"forum": None, "labels": None, "new": 5},
        EXTRA: {"links.forum": "x", "links.strict": "y", "links.labels": [1, "z"]},
    }


def test_bounds() -> None:
    """Bounds of an integer are named where a value lies outside; other types and members are not held to them."""
    warnings: list[tuple[str, str]] = []
    schema = {
        "properties": {
            "links": {
                "type": ["object", "null"],
                "properties": {"bounded": {"type": ["integer", "null"], "minimum": 0}},
            },
            "either": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]},
            "number": {"type": ["integer", "number"], "minimum": 0},
        }
    }
    record = conformer(schema, warnings=warnings)(
        {"id": 1, "links": {"bounded": -1, "new": -1}, "either": 10, "number": -1}
    )
    assert record == {
        "id": 1,
        "links": {"bounded": None, "new": -1},
        "either": None,
        "number": -1,
        EXTRA: {"links.bounded": -1, "either": 10},
    }
    assert sorted(warnings) == [
        ("either", "integer, not integer from -inf to 9 or null"),
        ("links.bounded", "integer, not integer from 0 to inf or null"),
    ]


def test_a_path_does_not_hide_a_property() -> None:
    """A path in `_extra` gives way to an unknown property of the same name."""
    record = conformer()({"id": 1, "links": {"forum": "x"}, "links.forum": "y"})
    assert record[EXTRA] == {"links.forum": "y", "links.forum_": "x"}


def test_what_may_not_be_null() -> None:
    """A property that may not be null is left out rather than null."""
    assert conformer()({"id": 1, "strict": "x"}) == {"id": 1, EXTRA: {"strict": "x"}}
    assert conformer()({"id": 1, "strict": None}) == {"id": 1, EXTRA: {"strict": None}}


def test_nested_schemas_of_other_catalogs() -> None:
    """Required members, closed objects and typed further members are honoured."""
    schema = {
        "properties": {
            "a": {"type": ["object", "null"], "required": ["x", "y"], "properties": {"x": {"type": "integer"}}},
            "b": {"type": "object", "additionalProperties": False, "properties": {"x": {"type": "integer"}}},
            "c": {"type": "object", "additionalProperties": {"type": "integer"}},
            "d": {"type": ["array", "null"], "items": {"properties": {"x": {"type": ["integer", "null"]}}}},
        }
    }
    conform = conformer(schema)
    record = conform({"id": 1, "a": {"x": "1"}, "b": {"x": 1, "z": 2}, "c": {"p": "1", "q": "r"}})
    assert record == {
        "id": 1,
        "a": {"x": 1, "y": None},
        "b": {"x": 1},
        "c": {"p": 1},
        EXTRA: {"b.z": 2, "c.q": "r"},
    }
    assert conform({"id": 1, "d": [{"x": "1"}]}) == {"id": 1, "d": [{"x": 1}], EXTRA: None}
    assert conform({"id": 1, "d": [{"x": "y"}]}) == {"id": 1, "d": None, EXTRA: {"d": [{"x": "y"}]}}
    assert conform({"id": 1, "a": {"y": 1}}) == {"id": 1, "a": None, EXTRA: {"a": {"y": 1}}}


def test_a_member_of_a_closed_object_is_unknown() -> None:
    """It goes into `_extra` under its path, counts as unknown, and is no value that does not fit."""
    warnings: list[tuple[str, str]] = []
    closed = {"type": ["object", "null"], "properties": {"x": {"type": "integer"}}, "additionalProperties": False}
    schema = {"properties": {"a": {**closed, "properties": {"b": closed}}}}
    conform = conformer(schema, warnings=warnings)
    record = {"id": 1, "a": {"y": 1, "b": {"x": 1, "z": {"q": [2]}}}}
    assert conform(record) == {"id": 1, "a": {"b": {"x": 1}}, EXTRA: {"a.y": 1, "a.b.z": {"q": [2]}}}
    assert conform.findings.extra == {"a.y": 1, "a.b.z": 1}
    assert conform.findings.rows_with_extra == 1
    assert not conform.findings.misfits
    assert not warnings
    assert conformer(schema, keep_unknown=False)({"id": 1, "a": {"y": 1}}) == {"id": 1, "a": {}}


def test_a_required_property() -> None:
    """A missing property that the schema requires becomes null, or fails the record where it may not be null."""
    schema = {"properties": {"a": {"type": ["string", "null"]}}, "required": ["id", "a"]}
    assert conformer(schema)({"id": 1}) == {"id": 1, "a": None, EXTRA: None}
    schema = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    with pytest.raises(MissingKey, match="'a'"):
        conformer(schema)({"id": 1, "a": []})


@pytest.mark.parametrize("record", [{}, {"id": None}, {"id": "x"}, {"id": 1.5}, {"id": {}}, [], None, "id"])
def test_a_record_without_its_key(record: Any) -> None:
    """A record whose key is missing, null or of the wrong type, and what is no record, is refused."""
    with pytest.raises(MissingKey) as refused:
        conformer()(record)
    assert isinstance(refused.value, ValueError)


def test_a_key_that_the_schema_does_not_know() -> None:
    """A key from the settings need not be in the schema; it stays in the record."""
    conform = conformer(keys=("id", "part"))
    assert conform({"id": "1", "part": "a"}) == {"id": 1, "part": "a", EXTRA: None}
    with pytest.raises(MissingKey, match="'part'"):
        conform({"id": 1})


def test_a_nullable_key_may_not_be_null() -> None:
    """A key is never null, even where a catalog lets it be."""
    with pytest.raises(MissingKey):
        conformer({"properties": {"id": {"type": ["integer", "null"]}}})({"id": None})


def test_unstorable_characters() -> None:
    """NUL characters and lone surrogates become U+FFFD in values and names, nested ones too, counted by text."""
    conform = conformer()
    record = conform(
        {
            "id": 1,
            "string": "a\x00b\x00",
            "links": {"n\ud800": ["\udfff", {"\x00": "clean \U0001f600 é"}]},
            "new\x00": "x",
        }
    )
    assert record == {
        "id": 1,
        "string": "a\ufffdb\ufffd",
        "links": {"n\ufffd": ["\ufffd", {"\ufffd": "clean \U0001f600 é"}]},
        EXTRA: {"new\ufffd": "x"},
    }
    assert conform.findings.replaced == 5
    assert conform({"id": 1, "x": {"a\x00": 1, "a\ufffd": 2}})[EXTRA] == {"x": {"a\ufffd": 2, "a\ufffd_": 1}}


def test_deep_nesting_is_no_obstacle() -> None:
    """A value nested deeper than calls can be is scrubbed like any other."""
    deep: Any = "\x00"
    for _ in range(5000):
        deep = [deep]
    conform = conformer()
    conform({"id": 1, "new": deep})
    assert conform.findings.replaced == 1


def test_scrubbing_leaves_the_rows_of_the_page_alone() -> None:
    """What is nested in a record is replaced in a copy, as the row as it came is still needed."""
    row = {"id": 1, "new": [{"a\x00": "\x00"}]}
    record = conformer()(dict(row))
    assert record[EXTRA] == {"new": [{"a\ufffd": "\ufffd"}]}
    assert row == {"id": 1, "new": [{"a\x00": "\x00"}]}


def test_counted_names_are_bounded() -> None:
    """Beyond a number of names, the rest is counted under one, and still kept."""
    conform = conformer()
    for number in range(MOST_NAMES + 5):
        assert conform({"id": 1, f"n{number}": number})[EXTRA] == {f"n{number}": number}
    assert len(conform.findings.extra) == MOST_NAMES + 1
    assert conform.findings.extra[OTHER_NAMES] == 5


def json_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Values as the decoders give them."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(10**15), 10**15).map(str),
        st.floats(allow_nan=False, allow_infinity=False),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.datetimes().map(str),
        texts,
    )
    names = st.one_of(st.sampled_from(["forum", "labels", "strict"]), texts)
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
        max_leaves=6,
    )


def records(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Records that have a key, known properties with any value, and unknown ones."""
    names = st.one_of(st.sampled_from([*KINDS, EXTRA, "links.forum"]), texts)
    rest = st.dictionaries(names, json_values(texts), max_size=6)
    return st.builds(lambda key, members: {**members, "id": key}, st.integers(), rest)


CLEAN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
ANY = st.text(st.characters(), max_size=8)


@given(records(ANY))
def test_every_record_validates_and_can_be_written(record: dict[str, Any]) -> None:
    """Whatever the API sends, the record validates and its JSON holds no NUL."""
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], EXTRA: EXTRA_SCHEMA}}  # type: ignore[dict-item]
    conformed = conformer()(record)
    Draft202012Validator(schema, format_checker=CHECKER).validate(conformed)
    assert b"\\u0000" not in msgspec.json.Encoder(decimal_format="number").encode(conformed)


def is_kept(before: object, after: object) -> bool:
    """Whether a value is the same, or the same number or truth value in another type."""
    if exact(before) == exact(after):
        return True
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(is_kept, before, after))
    if isinstance(before, bool) or isinstance(after, bool):
        return str(before).lower() == str(after).lower()
    try:
        return Decimal(str(before)) == Decimal(str(after))
    except InvalidOperation:  # a text that is no number
        return False


@given(records(CLEAN))
def test_nothing_is_lost(record: dict[str, Any]) -> None:
    """Every property of the input is in the record or, as it came, in `_extra`, and numbers are the same numbers."""
    before = copy.deepcopy(record)
    after = conformer()(record)
    extra = after.pop(EXTRA) or {}
    assert after.keys() <= before.keys()
    for name, value in before.items():
        if name in extra:
            assert exact(extra[name]) == exact(value)
            assert after.get(name) is None
        elif name in {"date_time", "either"} and value is not None:
            assert after[name] is not None
        elif name == "links" and isinstance(value, dict):
            for member, item in value.items():
                kept = [after[name].get(member), extra.get(f"links.{member}"), extra.get(f"links.{member}_")]
                assert any(is_kept(item, other) for other in kept if other is not None or item is None)
        else:
            assert is_kept(value, after[name])


@given(records(CLEAN))
def test_conforming_twice_changes_nothing_more(record: dict[str, Any]) -> None:
    """A record that fits is left as it is."""
    once = conformer()(record)
    del once[EXTRA]
    assert conformer()(copy.deepcopy(once)) == {**once, EXTRA: None}


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
