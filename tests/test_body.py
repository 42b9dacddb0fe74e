"""Bodies of requests: their encoding, and values at dotted paths."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.body import encode, remove_path, with_values


def test_json_keeps_numbers() -> None:
    """Numbers are sent as numbers, with all their digits."""
    assert encode({"a": 1700000000, "b": Decimal("1.10"), "c": None}) == b'{"a":1700000000,"b":1.10,"c":null}'


@pytest.mark.parametrize(
    ("values", "after"),
    [
        ({"a": 1}, {"a": 1, "list": [{"value": 0}, {"value": 0}]}),
        ({"a.b.c": 1, "a.d": 2}, {"a": {"b": {"c": 1}, "d": 2}, "list": [{"value": 0}, {"value": 0}]}),
        ({"list.1.value": 5}, {"list": [{"value": 0}, {"value": 5}]}),
        ({"list.2.value": 5}, {"list": [{"value": 0}, {"value": 0}, {"value": 5}]}),
        ({"filters.0.value": 5}, {"filters": [{"value": 5}], "list": [{"value": 0}, {"value": 0}]}),
        ({"list.0": "x"}, {"list": ["x", {"value": 0}]}),
        ({}, {"list": [{"value": 0}, {"value": 0}]}),
    ],
)
def test_with_values(values: dict[str, Any], after: Any) -> None:
    """Values are put at their paths in a copy; missing objects are added."""
    before = {"list": [{"value": 0}, {"value": 0}]}
    text = json.dumps(before)
    assert with_values(before, values) == after
    assert json.dumps(before) == text


@pytest.mark.parametrize("path", ["list.3", "list.x", "list.-1", "text.a", "list.0.value.x"])
def test_paths_that_lead_nowhere(path: str) -> None:
    """A path through a value without members, or beyond a list, is an error."""
    with pytest.raises(ConfigurationError, match=f"`{re.escape(path)}` does not lead into"):
        with_values({"list": [{"value": 0}], "text": "a"}, {path: 1})


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("a", {"list": [{"value": 0}]}),
        ("list.0.value", {"a": 1, "list": [{}]}),
        ("list.1.value", {"a": 1, "list": [{"value": 0}]}),
        ("b.c", {"a": 1, "list": [{"value": 0}]}),
        ("a.b", {"a": 1, "list": [{"value": 0}]}),
    ],
)
def test_remove_path(path: str, after: Any) -> None:
    """A member is removed if it is there."""
    body = {"a": 1, "list": [{"value": 0}]}
    remove_path(body, path)
    assert body == after
