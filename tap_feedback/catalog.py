"""Catalog: its checks, its conversion for the SDK, and the parts that every schema has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.records.conform import EXTRA, EXTRA_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY_DESCRIPTION = "Primary key, named in the settings."


class CatalogMetadata(msgspec.Struct):
    """The metadata of a stream or property."""

    breadcrumb: list[str]
    metadata: dict[str, Any]


class CatalogSchema(msgspec.Struct):
    """The schema of a stream."""

    properties: dict[str, Any]


class CatalogEntry(msgspec.Struct):
    """A stream of a catalog."""

    tap_stream_id: str
    schema: CatalogSchema
    metadata: list[CatalogMetadata] = []


class CatalogFile(msgspec.Struct):
    """The parts of a Singer catalog that the SDK does not check."""

    streams: list[CatalogEntry]


def check_catalog(catalog: dict[str, Any]) -> None:
    """Check the shape of a catalog.

    Raises:
        ConfigurationError: It is not a Singer catalog. The message says where.
    """
    try:
        msgspec.convert(catalog, CatalogFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"catalog: not a Singer catalog: {error}") from None


def read_replication_metadata(catalog: Mapping[str, Any]) -> None:
    """Copy `replication-method` and `replication-key` from the metadata of each stream to where the SDK reads them.

    Under the Singer specification, users set both in the metadata. The SDK ignores the method there, and prefers the
    key that discovery wrote next to it.
    """
    for entry in catalog.get("streams", ()):
        for item in entry.get("metadata", ()):
            if not item["breadcrumb"] and "replication-method" in item["metadata"]:
                entry["replication_method"] = item["metadata"]["replication-method"]
                entry["replication_key"] = item["metadata"].get("replication-key") or entry.get("replication_key")


def with_fixed_parts(schema: dict[str, Any], keys: Iterable[str], *, keep_unknown: bool) -> dict[str, Any]:
    """Return a stream's schema with the parts that every schema has: non-null keys, and `_extra` unless dropped.

    Args:
        schema: The tap's own schema, or that of a catalog, which may be older than the settings.
        keys: The primary key. A key missing from the schema becomes a text column.
        keep_unknown: Whether records have `_extra`.
    """
    properties = dict(schema.get("properties", {}))
    for key in keys:
        known = properties.get(key)
        properties[key] = without_null(known) if known else {"type": "string", "description": KEY_DESCRIPTION}
    properties.pop(EXTRA, None)
    if keep_unknown:
        properties[EXTRA] = EXTRA_SCHEMA
    return {**schema, "properties": properties}


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a property without the type null, unless null is its only type."""
    narrow = dict(schema)
    if isinstance(types := schema.get("type"), list):
        others = [name for name in types if name != "null"]
        narrow["type"] = others[0] if len(others) == 1 else others or types
    for name in narrow.keys() & {"anyOf", "oneOf"}:
        narrow[name] = [without_null(option) for option in schema[name] if option.get("type") != "null"]
    return narrow
