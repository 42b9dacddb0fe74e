"""Columns with hostile values, for loads into a warehouse."""

from __future__ import annotations

import json
from typing import Any

#: The schemas of columns by name, each with JSON texts of values for it.
Columns = dict[str, tuple[dict[str, Any], list[str]]]

TEXTS = [
    *('""', '" "', r'"a\tb\nc\rd\\e"', r'"\\N"', r'"\\."', r'"\"q\", \u0027s\u0027; --"', r'"\u0000x"', r'"\ud800"'),
    *('"👋🏽"', '"%s %(a)s"', '"NULL"', '"{a,b}"', r'"\u2028"', r'"\u0001\u007f"'),
]
#: JSON texts of values that a double holds.
NUMBERS = ["0", "-0.0", "-0.1", "100", "1e5", "0.1234567890123456", "123456789012345.6", "1e300", "1e-300"]
#: JSON texts of numbers that a double does not hold.
WIDE = ["1e400", "0.12345678901234567890", "123456789012345678901234567890.5", "1e-400"]
NESTED = (
    f'{{"": null, "number": {WIDE[2]}, "list": [1, {WIDE[0]}, null, true, {{"a b": {TEXTS[2]}}}], "text": {TEXTS[6]}}}'
)


def null(kind: str, **more: Any) -> dict[str, Any]:
    """A schema of a type or null."""
    return {"type": [kind, "null"], **more}


def array(kind: str) -> dict[str, Any]:
    """A schema of a list."""
    return null("array", items={"type": kind})


NAMES = ["a b", "Üñí 👋", "select", "100%", "a:b", "(x)", "%(x)s", "a.b", "CamelCase", "back\\slash", "'", "x" * 63]
DATE_TIME = null("string", format="date-time")
#: Columns that land alike by COPY and by INSERT.
COLUMNS: Columns = {
    "at": (
        DATE_TIME,
        [
            *('"2024-01-01T01:00:00.123456789+05:30"', '"2024-06-01T00:00:00-12:00"'),
            *("1704067200123", '"2024-02-29 12:00"', '"soon"'),
            *('"0001-01-01T00:00:00Z"', '"0001-01-01T01:00:00.5+01:00"', '"9999-12-31T23:59:59.9999999Z"'),
        ],
    ),
    "either_at": ({"anyOf": [DATE_TIME, {"type": "null"}]}, ['"2024-01-01T00:00:00+02:00"']),
    "on": (null("string", format="date"), ['"0001-01-01"', '"9999-12-31"', '"2024-02-29"']),
    "time": (null("string", format="time"), ['"00:00:00"', '"23:59:59"']),
    "uuid": (null("string", format="uuid"), ['"2b6d6a1e-4b1f-4e0e-8e52-0f1a2b3c4d5e"']),
    "text": (null("string"), TEXTS),
    "whole": (null("integer"), ["0", str(2**63 - 1), str(-(2**63)), str(2**63), str(-(2**63) - 1), "1e400"]),
    "small": (null("integer", minimum=0, maximum=9), ["9", "10"]),
    "number": (null("number"), NUMBERS),
    "truth": (null("boolean"), ["true", "false"]),
    "object": (null("object"), ["{}", NESTED]),
    "shape": (
        null("object", properties={"at": DATE_TIME, "n": null("number")}),
        [f'{{"at": "2024-01-01T00:00:00+05:30", "n": {WIDE[1]}}}'],
    ),
    "list": (null("array"), ["[]", f"[{NESTED}, [], {WIDE[0]}]"]),
    "texts": (array("string"), ["[]", f"[{', '.join(TEXTS)}]"]),
    "wholes": (array("integer"), ["[]", f"[1, {-(2**63)}, {2**40}]"]),
    "numbers": (array("number"), [f"[{WIDE[0]}, {WIDE[1]}]", "[1, 2]"]),
    "wide": (null("number"), [*WIDE, "100", "2.50", "-0.0", "9007199254740993"]),
    "truths": (array("boolean"), ["[true, false]"]),
    "objects": (array("object"), ["[]", f"[{{}}, {NESTED}]"]),
    "mixed": (null("array", items={}), [f'[1, "a", null, {NESTED}, {WIDE[1]}, true]']),
    "nullable": (null("array", items=null("string")), ['[null, "NULL", ""]']),
    "anything": ({}, ["1", WIDE[1], '"true"', NESTED, "[1, 2.5]", '"2024-01-01T00:00:00+02:00"']),
    "two": ({"type": ["integer", "string", "null"]}, ["1", '"a"', str(2**63)]),
    **{name: (null("string"), ['"x"']) for name in NAMES},
}
#: The column that COPY changes.
UNTYPED: Columns = {"anything": ({}, ["true", "false"])}


def rows_of(columns: Columns) -> list[str]:
    """Rows with a value each, also under a name that the schema does not know."""
    values = [(name, value) for name, (_, values) in columns.items() for value in values]
    keys = [TEXTS[number % len(TEXTS)] for number in range(len(values))]
    return [
        f'{{"id": {number}, "key": {key}, {json.dumps(name)}: {value}, "unknown {number}": {value}}}'
        for number, ((name, value), key) in enumerate(zip(values, keys, strict=True))
    ]
