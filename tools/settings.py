"""Settings of the tap, as the documents and Meltano list them."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from tap_feedback.conflicts import UNIONS
from tap_feedback.declarations import DEFAULTS
from tap_feedback.settings_schema import config_jsonschema, leaves
from tap_feedback.streams import shipped
from tap_feedback.tap import TapFeedback

Leaves = dict[str, dict[str, Any]]
#: The APIs with different defaults. `support` has those of `feedback`.
FEEDBACK, ANALYTICS = "feedback", "analytics"


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of the config, with the settings that the SDK adds."""
    schema = config_jsonschema(shipped())
    TapFeedback.append_builtin_config(schema)
    return schema


def all_leaves() -> Leaves:
    """Return all settings by their dotted names."""
    return dict(leaves(config_schema()))


def api_leaves(api: str) -> Leaves:
    """Return the settings of an API by their dotted names."""
    return dict(leaves(config_schema()["properties"][api]))


def default_type(api: str, section: str) -> str:
    """Return the type of an API's paginator or auth if the user sets none."""
    name: str = DEFAULTS[api][section]["type"]
    return name


def defaults_by_type(section: str) -> dict[str, dict[str, Any]]:
    """Return the defaults of each setting of a paginator or auth, by type; NODEFAULT if it is required."""
    found: dict[str, dict[str, Any]] = {}
    for kind in get_args(UNIONS[section]):
        for field in msgspec.structs.fields(kind):
            if field.default is not msgspec.UNSET:
                found.setdefault(field.name, {})[kind.__struct_config__.tag] = field.default
    return found


def stream_leaves() -> Leaves:
    """Return the settings of a stream by their dotted names, without those that it shares with its API."""
    shared = api_leaves(FEEDBACK)
    stream = leaves(shared["streams"]["additionalProperties"])
    return {name: leaf for name, leaf in stream if "." not in name or name not in shared}


def required(api: str) -> set[str]:
    """Return the names of the settings that an API requires."""
    return set(config_schema()["properties"][api]["required"])


def top_level() -> Leaves:
    """Return the settings that are not of an API. An object counts as one setting."""
    return {name: part for name, part in config_schema()["properties"].items() if name not in shipped()}
