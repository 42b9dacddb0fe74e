"""Declaration of an API as data: its defaults, then a vendor's preset, then the user's settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

Block = Mapping[str, Any]
#: The streams that the tap ships, by API and name, each as its settings.
Shipped = Mapping[str, Mapping[str, Block]]

#: The defaults of an API that differ from those of the settings.
KEY_AND_OFFSET: Block = {"auth": {"type": "api_key"}, "paginator": {"type": "offset"}}
DEFAULTS: dict[str, Block] = {
    "feedback": KEY_AND_OFFSET,
    "analytics": {
        "auth": {"type": "bearer"},
        "paginator": {"type": "cursor"},
        "incremental": {"start_param": "updated_after", "end_param": "updated_before"},
    },
    "support": KEY_AND_OFFSET,
}
#: Parts that have a `type`. Another type switches to that type's defaults.
TYPED = ("auth", "paginator")
#: The parts of a preset that are not settings. `off` has the names of the streams that are not selected by default.
NO_SETTINGS = ("api", "title", "verified", "needs", "limits", "notes", "off", "why", "streams", "schemas")


def declare(api: str, given: Block, shipped: Shipped) -> dict[str, Any]:
    """Return everything that is set for an API.

    Any part of it may be wrong, as the user's settings are not checked yet.

    Args:
        api: The API's name.
        given: The user's settings of the API.
        shipped: The streams that the tap ships.
    """
    own = preset(given.get("vendor"))
    streams: Block = shipped[api]
    if own is not None and own["api"] == api:
        streams = {name: merge(streams.get(name, {}), stream) for name, stream in own["streams"].items()}
        own = {name: part for name, part in own.items() if name not in NO_SETTINGS}
    else:
        own = {}
    return merge(merge({**DEFAULTS[api], "streams": streams}, own), given)


def merge(base: Block, over: Block) -> dict[str, Any]:
    """Return two blocks merged key by key. The second one wins."""
    merged = {**base}
    for name, value in over.items():
        before = merged.get(name)
        if not isinstance(value, Mapping) or not isinstance(before, Mapping):
            merged[name] = value
        elif name in TYPED:
            merged[name] = merge_typed(before, value)
        else:
            merged[name] = merge(before, value)
    return merged


def merge_typed(base: Block, over: Block) -> dict[str, Any]:
    """Return two paginators or auths merged key by key, or only the second one if it has another type."""
    same = over.get("type", base.get("type")) == base.get("type")
    return {**base, **over} if same else {**over}


def preset(vendor: object) -> Block | None:
    """Return the preset of a vendor; None if the tap ships no such preset."""
    return _read_preset(vendor) if isinstance(vendor, str) and vendor in vendors() else None


@cache
def _read_preset(vendor: str) -> Block:
    found: Block = json.loads((files(__package__) / "vendors" / f"{vendor}.json").read_text(encoding="utf-8"))
    return found


@cache
def vendors() -> list[str]:
    """Return the names of all vendors that have a preset."""
    folder = files(__package__) / "vendors"
    return sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
