"""Columns of a stream: from its schema, from the settings, and derived from rows."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tap_feedback.catalog import with_fixed_parts
from tap_feedback.json_types import TYPE_NAMES
from tap_feedback.records.conform import EXTRA
from tap_feedback.records.timestamps import parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tap_feedback.settings import Stream

    Row = Mapping[str, Any]

#: Integer columns of targets have 64 bits, so a larger integer goes into `_extra`. Keys have no bounds, as every row
#: needs its key.
INTEGER_BOUNDS = {"minimum": -(2**63), "maximum": 2**63 - 1}
REPLICATION_KEY = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "Replication key, named in the settings.",
}
#: Maximum number of rows from which columns are derived.
MOST_ROWS = 1000


def columns_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the columns in the setting `schema`, which holds either the columns or a whole JSON Schema of the rows."""
    inner = schema.get("properties")
    is_whole = isinstance(inner, dict) and all(isinstance(column, dict) for column in inner.values())
    return inner if is_whole and inner is not None else schema


def stream_schema(stream: Stream, *, keep_unknown: bool) -> dict[str, Any]:
    """Return the JSON Schema of a stream's records.

    Args:
        stream: The stream.
        keep_unknown: Whether records have `_extra`.
    """
    file = files(__package__) / "schemas" / f"{stream.name}.json"
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    if file.is_file():
        schema = json.loads(file.read_text(encoding="utf-8"))
    keys = stream.primary_keys
    own = {name: column if name in keys else with_null(column) for name, column in stream.columns.items()}
    properties = {**schema["properties"], **own}
    properties |= {name: with_bounds(column) for name, column in properties.items() if name not in keys}
    if stream.replication_key:
        properties.setdefault(stream.replication_key, REPLICATION_KEY)
    return with_fixed_parts(
        {**schema, "properties": properties, "required": list(keys)}, keys, keep_unknown=keep_unknown
    )


def with_null(column: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a column that rows may lack."""
    column = dict(column)
    types = column.get("type")
    if types is not None and "null" not in types:
        column["type"] = [*([types] if isinstance(types, str) else types), "null"]
    if None not in column.get("enum", [None]):
        column["enum"] = [*column["enum"], None]
    return column


def with_bounds(column: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a column, with its integers limited to 64 bits."""
    return {**INTEGER_BOUNDS, **column} if "integer" in column.get("type", ()) else dict(column)


def infer(rows: Iterable[Row], known: Iterable[str]) -> dict[str, Any]:
    """Return a nullable column for each property whose values all fit one type.

    Args:
        rows: The rows.
        known: Names of the columns that the stream already has.
    """
    left_out = {*known, EXTRA}
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None and name not in left_out:
                values.setdefault(name, []).append(value)
    types = {name: _type_of(of_name) for name, of_name in values.items()}
    return {name: {"type": [kind, "null"], **form} for name, found in types.items() for kind, form in found}


def _type_of(values: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the type that all values fit, with its format and bounds, if there is such a type."""
    kinds = {TYPE_NAMES[type(value)] for value in values}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    if len(kinds) != 1:
        return
    (kind,) = kinds
    if kind == "integer" and any(
        not INTEGER_BOUNDS["minimum"] <= value <= INTEGER_BOUNDS["maximum"] for value in values
    ):
        return
    is_time = kind == "string" and all(_is_date_time(value) for value in values)
    yield kind, ({"format": "date-time"} if is_time else INTEGER_BOUNDS if kind == "integer" else {})


def _is_date_time(text: str) -> bool:
    """Return whether a text is a date with a time. A number or a date alone may mean something else."""
    return ":" in text and parse_instant(text) is not None
