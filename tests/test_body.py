"""Bodies of requests: their encoding, and values at dotted paths."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.body import encode, remove_path, set_path, with_values


def test_json_keeps_numbers() -> None:
    """Numbers are sent as numbers, with all their digits."""
    assert encode({"a": 1700000000, "b": Decimal("1.10"), "c": None}, {}) == b'{"a":1700000000,"b":1.10,"c":null}'


def test_a_form_has_what_json_would_have() -> None:
    """A list is several values, an object is JSON, and null is left out."""
    body = {"archived": True, "ids": [1, 2], "by": {"id": 1}, "none": None, "q": "a b", "n": Decimal("1.10")}
    encoded = encode(body, {"content-type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert parse_qsl(encoded.decode()) == [
        ("archived", "true"),
        ("ids", "1"),
        ("ids", "2"),
        ("by", '{"id":1}'),
        ("q", "a b"),
        ("n", "1.10"),
    ]


def test_with_values_copies() -> None:
    """The body in a stream's settings does not change."""
    body = {"a": {"b": 1}, "list": [{"value": 0}]}
    assert with_values(body, {"a.c": 2, "list.0.value": 3}) == {"a": {"b": 1, "c": 2}, "list": [{"value": 3}]}
    assert body == {"a": {"b": 1}, "list": [{"value": 0}]}


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        ({}, "a", {"a": 1}),
        ({}, "a.b.c", {"a": {"b": {"c": 1}}}),
        ({}, "groups.0.filters.0.value", {"groups": [{"filters": [{"value": 1}]}]}),
        (
            {"groups": [{"filters": [{"by": "x"}]}]},
            "groups.0.filters.0.value",
            {"groups": [{"filters": [{"by": "x", "value": 1}]}]},
        ),
        ({"a": [5, 6]}, "a.1", {"a": [5, 1]}),
        ({"a": [5]}, "a.1", {"a": [5, 1]}),
        ({"a": {"0": 5}}, "a.0", {"a": {"0": 1}}),
    ],
)
def test_a_value_at_a_path(body: dict[str, Any], path: str, expected: dict[str, Any]) -> None:
    """What lacks on the way is made: a list if the next step is a number."""
    set_path(body, path, 1)
    assert body == expected


@pytest.mark.parametrize("body", [{"a": 5}, {"a": []}, {"a": "text"}])
def test_a_path_that_leads_nowhere(body: dict[str, Any]) -> None:
    """It is refused, as the value would not be sent."""
    with pytest.raises(ConfigurationError, match=r"`a\.1\.b` does not lead"):
        set_path(body, "a.1.b", 1)


@pytest.mark.parametrize("path", ["x", "a.x", "a.0.x.y", "b.0.c"])
def test_removing(path: str) -> None:
    """Removing a missing member changes nothing."""
    body = {"a": [1], "b": [{"c": 2, "d": 3}]}
    remove_path(body, path)
    assert body == ({"a": [1], "b": [{"d": 3}]} if path == "b.0.c" else {"a": [1], "b": [{"c": 2, "d": 3}]})
