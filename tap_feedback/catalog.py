"""A catalog that a runner hands in: checked, and put as the SDK reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
