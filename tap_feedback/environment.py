"""Settings from environment variables, as Meltano names them: `feedback.api_key` is `TAP_FEEDBACK_FEEDBACK_API_KEY`."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def from_environment(schema: Mapping[str, Any], variables: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Return the settings that have variables.

    The variable of an object holds JSON. Each setting in the object has its own variable, which takes precedence. A
    value that does not fit the schema is kept as text, so that validation names the setting.

    Args:
        schema: The JSON Schema of the settings.
        variables: The environment.
        prefix: The beginning of all names.
    """
    config = {}
    for name, part in schema["properties"].items():
        variable = prefix + name.upper()
        given = variable in variables
        value = _read(variables[variable], part) if given else {}
        if "properties" in part and isinstance(value, dict):
            value = merge(value, from_environment(part, variables, f"{variable}_"))
        if given or value:
            config[name] = value
    return config


def merge(*configs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of all configs, merged object by object. The last config wins."""
    merged: dict[str, Any] = {}
    for config in configs:
        for name, value in config.items():
            both = isinstance(value, dict) and isinstance(merged.get(name), dict)
            merged[name] = merge(merged[name], value) if both else value
    return merged


def with_numbers(config: Any, schema: Mapping[str, Any]) -> Any:
    """Return the settings with texts converted to numbers if the schema has a number; an empty text becomes null.

    Meltano can pass on numbers with a fraction only as texts, and null only as an empty one.
    """
    kind = schema.get("type", ())
    if isinstance(config, dict):
        others = schema.get("additionalProperties")
        known, other = schema.get("properties", {}), others if isinstance(others, dict) else {}
        return {name: with_numbers(value, known.get(name, other)) for name, value in config.items()}
    if config == "" and "null" in kind and {"integer", "number"} & {*kind}:
        return None
    if not isinstance(config, str) or "number" not in ([kind] if isinstance(kind, str) else kind):
        return config
    with suppress(ValueError):
        return number if math.isfinite(number := float(config)) else config
    return config


def _read(text: str, schema: Mapping[str, Any]) -> Any:
    """Return the value of a variable."""
    kind = schema.get("type", ())
    kinds = [kind] if isinstance(kind, str) else kind
    if "string" in kinds:
        return text
    if "boolean" in kinds:
        return BOOLEANS.get(text.lower(), text)
    try:
        return json.loads(text)
    except ValueError:
        return text
