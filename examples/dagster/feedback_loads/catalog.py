"""Catalog of the tap: the streams of a load."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from feedback_loads.pipe import Command

Catalog = dict[str, Any]


class DiscoveryError(Exception):
    """The tap could not discover its streams."""


def discover(tap: Command) -> Catalog:
    """Return the catalog that a tap discovers.

    Raises:
        DiscoveryError: It failed. The message is the last line of its log.
    """
    done = subprocess.run(
        [*tap.arguments, "--discover"], env=dict(tap.environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DiscoveryError((done.stderr.strip().splitlines() or ["the tap wrote no log"])[-1])
    catalog: Catalog = json.loads(done.stdout)
    return catalog


def selected(catalog: Catalog, streams: Sequence[str] | None) -> Catalog:
    """Return the catalog with only these streams, all of them selected; None keeps those that the tap selects.

    Raises:
        DiscoveryError: The tap has no such stream.
    """
    if streams is None:
        return {**catalog, "streams": [entry for entry in catalog["streams"] if _root(entry).get("selected", True)]}
    entries = {entry["tap_stream_id"]: entry for entry in catalog["streams"]}
    for name in streams:
        if name not in entries:
            raise DiscoveryError(f"`streams`: the tap has no stream {name}")
        _root(entries[name])["selected"] = True
    return {**catalog, "streams": [entries[name] for name in streams]}


def splittable(catalog: Catalog) -> dict[str, str]:
    """Return the replication key of each stream that can be read in ranges of time.

    These are the incremental streams with a date as replication key. All others belong to the regular sync only: the
    tap reads FULL_TABLE streams whole, whatever the range.
    """
    found = {}
    for entry in catalog["streams"]:
        key = entry.get("replication_key")
        if entry.get("replication_method") == "INCREMENTAL" and key and _is_date(entry["schema"]["properties"][key]):
            found[entry["tap_stream_id"]] = key
    return found


def schema_messages(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """Yield a SCHEMA message for each stream, with which a target creates its table."""
    for entry in catalog["streams"]:
        yield {
            "type": "SCHEMA",
            "stream": entry["tap_stream_id"],
            "schema": entry["schema"],
            "key_properties": entry.get("key_properties", []),
            "bookmark_properties": [entry["replication_key"]] if entry.get("replication_key") else [],
        }


def _is_date(schema: Mapping[str, Any]) -> bool:
    variants = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return any(variant.get("format") in {"date", "date-time"} for variant in variants)


def _root(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a stream itself."""
    found: dict[str, Any] = next(item["metadata"] for item in entry["metadata"] if not item["breadcrumb"])
    return found
