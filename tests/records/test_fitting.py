"""Schemas compiled into what is tried on values."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from tap_feedback.records.conversions import MISFIT
from tap_feedback.records.fitting import Misfit, Property
from tests.records.conforming import KINDS, exact

CLOSED = {"type": ["object", "null"], "properties": {"x": {"type": "integer"}}, "additionalProperties": False}
#: Objects of catalogs that were written by hand.
OBJECTS: dict[str, dict[str, Any]] = {
    "required": {"type": ["object", "null"], "required": ["x", "y"], "properties": {"x": {"type": "integer"}}},
    "closed": {**CLOSED, "properties": {**CLOSED["properties"], "b": CLOSED}},  # type: ignore[dict-item]
    "typed": {"type": "object", "additionalProperties": {"type": "integer"}},
    "items": {"type": ["array", "null"], "items": {"properties": {"x": {"type": ["integer", "null"]}}}},
}


#: Limits that a schema of one's own may set, each with a value that is beyond it.
LIMITED: list[tuple[dict[str, Any], object]] = [
    ({"type": ["string", "null"], "enum": ["a", None]}, "b"),
    ({"type": "string", "enum": ["a"]}, None),
    ({"enum": ["a"]}, None),
    ({"const": 1}, 2),
    ({"type": "string", "pattern": "^z"}, "abc"),
    ({"type": "string", "pattern": "("}, "abc"),
    ({"type": "string", "maxLength": 2}, "abc"),
    ({"type": "string", "maxLength": 2}, 123),
    ({"type": "string", "format": "uuid"}, "abc"),
    ({"type": "string", "format": "date-time", "enum": ["2024-01-01T00:00:00Z"]}, "2024-01-02T00:00:00Z"),
    ({"type": "integer", "multipleOf": 2}, 3),
    ({"type": "integer", "minimum": 0, "exclusiveMaximum": 3}, 3),
    ({"type": "number", "maximum": 2}, 7.5),
    ({"type": ["integer", "number"], "maximum": 2}, Decimal("7.5")),
    ({"type": "number", "multipleOf": 0.5}, Decimal("1.25")),
    ({"type": "array", "uniqueItems": True}, [1, 1]),
    ({"type": "array", "items": [{"type": "string"}]}, [1]),
    ({"type": "object", "minProperties": 1}, {}),
    ({"allOf": [{"type": "integer"}]}, "s"),
    ({"not": {"type": "string"}}, "s"),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 1),
    ({"anyOf": [{"type": "string", "maxLength": 1}, {"type": "integer", "minimum": 200}]}, 123),
    ({"type": "string", "anyOf": [{"maxLength": 1}]}, "abc"),
]


def fit(schema: dict[str, Any], value: object) -> tuple[object, dict[str, object]]:
    """What becomes of a value, and what was taken out of it, by path; the value itself is left as it was."""
    before = copy.deepcopy(value)
    misfits: list[Misfit] = []
    fitted = Property(schema).fit(value, "a", misfits)
    assert exact(value) == exact(before)
    return fitted, {misfit.path: misfit.value for misfit in misfits}


@pytest.mark.parametrize(("schema", "value"), LIMITED)
def test_what_is_beyond_a_limit_does_not_fit(schema: dict[str, Any], value: object) -> None:
    """A value of the right type may still be one that the schema refuses, also within objects and lists."""
    assert fit(schema, value) == (MISFIT, {})
    outer = {"type": "object", "properties": {"inner": schema}}
    fitted, found = fit(outer, {"inner": value, "x": 1})
    assert fitted in ({"x": 1}, {"inner": None, "x": 1})
    assert found == {"a.inner": value}
    assert fit({"type": "array", "items": schema}, [value])[0] is MISFIT


@pytest.mark.parametrize(
    ("schema", "value", "fitted"),
    [
        ({"type": "string", "enum": ["a"]}, "a", "a"),
        ({"type": "string", "maxLength": 3}, 123, "123"),
        ({"type": ["string", "null"], "enum": ["a", None]}, None, None),
        (
            {"type": "string", "format": "date-time", "enum": ["2024-01-01T00:00:00Z"]},
            1704067200,
            "2024-01-01T00:00:00Z",
        ),
        ({"type": "integer", "enum": [1, 2]}, "2", 2),
        ({"type": "object", "minProperties": 1, "properties": {"x": {"type": "integer"}}}, {"x": "1"}, {"x": 1}),
    ],
)
def test_what_is_within_limits_is_converted(schema: dict[str, Any], value: object, fitted: object) -> None:
    """The limits hold for the value as it was converted."""
    assert fit(schema, value) == (fitted, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("string", "x"),
        ("string", ""),
        ("integer", 2**70),
        ("number", 42),
        ("number", 1.5),
        ("boolean", True),
        ("date_time", "2024-01-01T00:00:00Z"),
        ("date", "2024-02-29"),
        ("list", [1, 2]),
        ("list", []),
        ("object", {"a": [1]}),
        ("anything", [None, {"a": 1.5}]),
        ("anything", None),
        ("either", None),
        ("two", True),
        ("two", 1),
        ("bounded", 2**63 - 1),
        ("bounded", None),
        ("links", {"forum": 1, "labels": [2], "new": {"id": "x"}}),
        ("links", None),
    ],
)
def test_what_fits_stays(name: str, value: object) -> None:
    """A value that fits is passed on as it is."""
    fitted, found = fit(KINDS[name], value)
    assert exact(fitted) == exact(value)
    assert found == {}


@pytest.mark.parametrize(
    ("schema", "value", "expected", "taken"),
    [
        (KINDS["list"], ["1", 2.0], [1, 2], {}),
        (KINDS["either"], "2024-01-01 00:00:00", "2024-01-01T00:00:00Z", {}),
        (KINDS["two"], "true", True, {}),
        (KINDS["two"], "1", 1, {}),
        (KINDS["links"], {"forum": "1", "labels": ["2"]}, {"forum": 1, "labels": [2]}, {}),
        (
            KINDS["links"],
            {"forum": "x", "strict": "y", "labels": [1, "z"], "new": 5},
            {"forum": None, "labels": None, "new": 5},
            {"a.forum": "x", "a.strict": "y", "a.labels": [1, "z"]},
        ),
        (KINDS["links"], {"bounded": -1}, {"bounded": None}, {"a.bounded": -1}),
        (OBJECTS["required"], {"x": "1"}, {"x": 1, "y": None}, {}),
        (OBJECTS["closed"], {"x": 1, "z": 2}, {"x": 1}, {"a.z": 2}),
        (OBJECTS["closed"], {"b": {"x": 1, "z": [2]}}, {"b": {"x": 1}}, {"a.b.z": [2]}),
        (OBJECTS["typed"], {"p": "1", "q": "r"}, {"p": 1}, {"a.q": "r"}),
        (OBJECTS["items"], [{"x": "1"}], [{"x": 1}], {}),
    ],
)
def test_what_can_be_made_to_fit(
    schema: dict[str, Any], value: object, expected: object, taken: dict[str, object]
) -> None:
    """A misfit inside an object is removed, by path. It becomes null, or is left out if null does not fit."""
    assert fit(schema, value) == (expected, taken)


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (KINDS["list"], [1, ["x"], [1, None]]),
        (KINDS["object"], ["{}", []]),
        (KINDS["either"], ["soon", True]),
        (KINDS["two"], [1.5]),
        (KINDS["strict"], [None, "x"]),
        (KINDS["bounded"], [2**63, True, 1.5]),
        ({"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]}, [10]),
        (KINDS["links"], [5, []]),
        (OBJECTS["required"], [{"y": 1}]),
        (OBJECTS["items"], [[{"x": "y"}]]),
        ({"type": []}, [1, None]),
    ],
)
def test_what_does_not_fit(schema: dict[str, Any], values: list[object]) -> None:
    """Nothing is taken out of a value that does not fit: it goes as a whole."""
    assert [fit(schema, value) for value in values] == [(MISFIT, {})] * len(values)


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        (KINDS["string"], "text or null"),
        (KINDS["date_time"], "a date-time or null"),
        (KINDS["either"], "a date-time or null"),
        (KINDS["two"], "a whole number or true or false or null"),
        (KINDS["list"], "a list or null"),
        (KINDS["bounded"], f"a whole number from {-(2**63)} to {2**63 - 1} or null"),
        ({"type": "integer", "minimum": 0}, "a whole number of at least 0"),
        ({"type": "integer", "maximum": 9}, "a whole number of at most 9"),
        (False, ""),
    ],
)
def test_a_schema_in_words(schema: dict[str, Any], wanted: str) -> None:
    """The words that a warning has for what a property may be."""
    assert Property(schema).wanted == wanted


@pytest.mark.parametrize(
    ("schema", "bounds"),
    [
        ({"type": ["integer", "null"], "minimum": 0, "maximum": 9}, (0, 9)),
        ({"type": ["integer", "number"], "minimum": 0}, ()),
        ({"anyOf": [{"type": "integer", "minimum": 0}]}, ()),
        ({"type": "integer"}, ()),
    ],
)
def test_bounds(schema: dict[str, Any], bounds: tuple[float, ...]) -> None:
    """Bounds that the conformer itself can check; options check theirs, and another type may let integers pass."""
    assert Property(schema).bounds == bounds


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (KINDS["date_time"], True),
        (KINDS["either"], True),
        (KINDS["string"], False),
        ({"type": ["string", "integer"], "format": "date-time"}, True),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string"}]}, False),
    ],
)
def test_whether_text_must_be_a_timestamp(schema: dict[str, Any], *, expected: bool) -> None:
    """If other text fits as well, a timestamp is text like any other."""
    assert Property(schema).is_date_time is expected
