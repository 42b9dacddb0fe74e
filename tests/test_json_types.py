"""JSON types and their names in messages."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tap_feedback.json_types import NOUNS, PYTHON_TYPES, TYPE_NAMES, noun
from tap_feedback.page import decode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'"x"', "text"),
        (b"1", "a number"),
        (b"1.5", "a number"),
        (b"0.12345678901234567890", "a number"),
        (b"true", "true or false"),
        (b"{}", "an object"),
        (b"[]", "a list"),
        (b"null", "null"),
    ],
)
def test_each_value_has_a_noun(text: bytes, expected: str) -> None:
    """All types that the decoder returns have a name."""
    assert noun(decode(text)[0]) == expected


def test_each_type_has_a_noun() -> None:
    """The two tables list the same types of JSON Schema."""
    assert NOUNS.keys() == PYTHON_TYPES.keys()
    assert [TYPE_NAMES[kind] for kind in (bool, int, float, Decimal)] == ["boolean", "integer", "number", "number"]
