"""A schema with a property of each kind, a conformer for it, and checks that do not trust the code under test."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from jsonschema import FormatChecker

from tap_feedback.records.conform import Conformer

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
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, **KINDS},
    "required": ["id"],
}

CHECKER = FormatChecker(["date"])


@CHECKER.checks("date-time", raises=ValueError)
def is_date_time(value: object) -> bool:
    """RFC 3339 in UTC, by Python's own calendar, not by the code under test; jsonschema has no check built in."""
    if not isinstance(value, str):
        return True
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT(?!24)\d\d:\d\d:\d\d)(?:\.\d+)?Z", value, re.ASCII)
    if match is None:
        return False
    datetime.fromisoformat(match[1])
    return True


def conformer(
    schema: dict[str, Any] | None = None,
    *,
    keys: tuple[str, ...] = ("id",),
    keep_unknown: bool = True,
    warnings: list[tuple[str, str]] | None = None,
) -> Conformer:
    """A conformer that appends its warnings to a list."""
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
