"""The streams of a load follow from the tap's catalog."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from feedback_loads.catalog import DiscoveryError, discover, schema_messages, selected, splittable
from feedback_loads.pipe import Command

DATE = {"type": ["string", "null"], "format": "date-time"}


def entry(name: str, key: str | None, *, is_selected: bool = True) -> dict[str, Any]:
    """A stream in a catalog."""
    return {
        "tap_stream_id": name,
        "replication_key": key,
        "replication_method": "INCREMENTAL" if key else "FULL_TABLE",
        "key_properties": ["id"],
        "schema": {"properties": {"id": {}, "updated_at": {"anyOf": [DATE, {"type": "null"}]}, "number": {}}},
        "metadata": [
            {"breadcrumb": ["properties", "id"], "metadata": {}},
            {"breadcrumb": [], "metadata": {"selected": is_selected}},
        ],
    }


CATALOG = {
    "streams": [
        entry("forums", "updated_at"),
        entry("counted", "number"),
        entry("whole", None),
        entry("off", "updated_at", is_selected=False),
    ]
}


def names(catalog: dict[str, Any]) -> list[str]:
    """The streams in a catalog."""
    return [each["tap_stream_id"] for each in catalog["streams"]]


def test_selection() -> None:
    """By default, the tap selects; a list of streams wins."""
    assert names(selected(CATALOG, None)) == ["forums", "counted", "whole"]
    chosen = selected(CATALOG, ["off", "forums"])
    assert names(chosen) == ["off", "forums"]
    assert all(each["metadata"][1]["metadata"]["selected"] for each in chosen["streams"])
    with pytest.raises(DiscoveryError, match="no stream fora"):
        selected(CATALOG, ["fora"])


def test_streams_with_ranges() -> None:
    """Streams without a date to split by belong to the regular sync only."""
    assert splittable(CATALOG) == {"forums": "updated_at", "off": "updated_at"}


def test_messages() -> None:
    """A target creates the tables from SCHEMA messages."""
    message = next(schema_messages(CATALOG))
    assert (message["type"], message["stream"], message["key_properties"]) == ("SCHEMA", "forums", ["id"])


@pytest.mark.process
def test_a_discovery_that_fails() -> None:
    """The message is what the tap said last."""
    tap = Command([sys.executable, "-c", "import sys; sys.exit('a\\nthe key is wrong')"], {})
    with pytest.raises(DiscoveryError, match=r"^the key is wrong$"):
        discover(tap)
