"""The catalog: one that a runner hands in, checked and put as the SDK reads it; and what every schema in it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.records.conform import EXTRA, EXTRA_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY_DESCRIPTION = "Primary key, named in the settings."


class CatalogMetadata(msgspec.Struct):
    """What a catalog says of a stream or property."""

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
    """A Singer catalog, as far as the SDK takes for granted that it is one."""

    streams: list[CatalogEntry]


def check_catalog(catalog: dict[str, Any]) -> None:
    """See that a catalog is one.

    Raises:
        ConfigurationError: It is not; the message says where.
    """
    try:
        msgspec.convert(catalog, CatalogFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"catalog: not a Singer catalog: {error}") from None


def read_replication_metadata(catalog: Mapping[str, Any]) -> None:
    """Put `replication-method` and `replication-key` of a catalog's metadata where the SDK reads them.

    The Singer specification lets a user set both there; the SDK drops the method, and prefers the key that discovery
    wrote elsewhere.
    """
    for entry in catalog.get("streams", ()):
        for item in entry.get("metadata", ()):
            if not item["breadcrumb"] and "replication-method" in item["metadata"]:
                entry["replication_method"] = item["metadata"]["replication-method"]
                entry["replication_key"] = item["metadata"].get("replication-key") or entry.get("replication_key")


def with_fixed_parts(schema: dict[str, Any], keys: Iterable[str], *, keep_unknown: bool) -> dict[str, Any]:
    """A stream's schema with what does not depend on who wrote it: keys that are never null, and `_extra` or none.

    Args:
        schema: The tap's own schema, or that of a catalog, which may be older than the settings.
        keys: The primary key. What a vendor calls otherwise than the schema does becomes a column all the same.
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
    """The schema of a property, less null as one of several types."""
    narrow = dict(schema)
    if isinstance(types := schema.get("type"), list):
        others = [name for name in types if name != "null"]
        narrow["type"] = others[0] if len(others) == 1 else others or types
    for name in narrow.keys() & {"anyOf", "oneOf"}:
        narrow[name] = [without_null(option) for option in schema[name] if option.get("type") != "null"]
    return narrow
