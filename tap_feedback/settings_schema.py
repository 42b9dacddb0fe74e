"""JSON Schema of the settings, for validation, `--about` and the documents."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import msgspec

from tap_feedback.declarations import DEFAULTS, preset, vendors
from tap_feedback.settings import ApiSettings, General, StreamSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msgspec import Struct

    from tap_feedback.declarations import Shipped

STREAMS_DESCRIPTION = "Overrides for a stream, or a new stream, by name."
#: Parts of a stream's settings that override those of its API.
OF_STREAM = ("paginator", "incremental")


def config_jsonschema(shipped: Shipped) -> dict[str, Any]:
    """Return the JSON Schema of the config, without what the SDK adds. Each call returns a new object."""
    api_schema, properties = _schema_of(ApiSettings), {}
    stream = _schema_of(StreamSettings)
    stream["properties"] |= {name: api_schema["properties"][name] for name in OF_STREAM}
    _set_defaults(stream, {})
    for name, streams in shipped.items():
        api = copy.deepcopy(api_schema)
        api["description"] = f"The {name} API; streams: {', '.join(streams)}."
        _set_defaults(api, _defaults_of(name))
        api["required"] = ["base_url", "api_key"]
        api["properties"]["streams"] = {
            "type": "object",
            "description": STREAMS_DESCRIPTION,
            "propertyNames": {"format": "stream-name"},
            "additionalProperties": copy.deepcopy(stream),
            "default": {},
        }
        properties[name] = api
    general = _schema_of(General)
    return {"type": "object", "properties": {**properties, **general["properties"]}, "additionalProperties": False}


def with_vendors(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the schema that lists the presets of each API, and how each was verified."""
    found = copy.deepcopy(dict(schema))
    for name in vendors():
        if block := preset(name):
            verified = block["verified"]
            vendor = found["properties"][block["api"]]["properties"]["vendor"]
            vendor["description"] += f" `{name}`: {block['title']}, verified by {verified['by']} on {verified['on']}."
    return found


def leaves(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the single settings of an object, by dotted name. An object with names of the user's is one setting."""
    for name, part in schema["properties"].items():
        if "properties" in part and isinstance(part.get("additionalProperties", True), bool):
            yield from leaves(part, f"{prefix}{name}.")
        else:
            yield prefix + name, part


def nullable(schema: Mapping[str, Any]) -> bool:
    """Return whether a setting is a text that may be null. Meltano cannot pass on null, so an empty text means null."""
    return {"string", "null"} <= set(schema.get("type", ()))


def _defaults_of(api: str) -> dict[str, Any]:
    """Return the defaults of an API as JSON."""
    given = {"base_url": "", "api_key": "", **DEFAULTS[api]}
    defaults: dict[str, Any] = json.loads(msgspec.json.encode(msgspec.convert(given, ApiSettings)))
    return defaults


def _set_defaults(schema: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Set the defaults of one API, at single settings only."""
    schema.pop("required", None)
    for name, part in schema["properties"].items():
        part.pop("default", None)
        if "properties" in part:
            _set_defaults(part, defaults.get(name, {}))
        elif name in defaults and name not in {"base_url", "api_key"}:
            part["default"] = defaults[name]


def _schema_of(kind: type[Struct]) -> dict[str, Any]:
    """Return the schema of a class, without references."""
    schema = msgspec.json.schema(kind)
    inlined: dict[str, Any] = _inline(schema, schema.pop("$defs"))
    return inlined


def _inline(node: Any, parts: Mapping[str, Any]) -> Any:
    """Replace references with their parts, and write nulls and variants in a form that `--about` can show."""
    if isinstance(node, list):
        return [_inline(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node = {**parts[node["$ref"].rpartition("/")[2]], **node}
    node = {key: _inline(value, parts) for key, value in node.items() if key not in {"$ref", "title", "discriminator"}}
    variants = node.get("anyOf", [])
    if {"type": "null"} in variants:
        (variant,) = (variant for variant in variants if variant != {"type": "null"})
        del node["anyOf"]
        values = {"enum": [*variant["enum"], None]} if "enum" in variant else {}
        return {**variant, **node, **values, "type": [variant["type"], "null"]}
    if variants and all("properties" in variant for variant in variants):
        del node["anyOf"]
        return {"type": "object", **node, "properties": _union(variants), "additionalProperties": False}
    if "enum" in node:
        node["type"] = "string"
    return node


def _union(variants: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the properties of all types of a paginator or auth, with the type itself first."""
    tags = {variant["properties"]["type"]["enum"][0]: variant["description"] for variant in variants}
    words = " ".join(f"`{tag}`: {description}" for tag, description in tags.items())
    merged = {name: part for variant in variants for name, part in variant["properties"].items()}
    merged["type"] = {"type": "string", "enum": list(tags), "description": words}
    return merged
