"""Faults of a config, in words that name the setting but never its value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tap_feedback.formats import FORMATS
from tap_feedback.json_types import NOUNS
from tap_feedback.settings import ApiSettings


class Fault(NamedTuple):
    """A fault of a setting, in words that follow its name."""

    where: tuple[str, ...]
    words: str


#: The names that other tools use for the secret.
SECRET_KEYS = {"api_key", "token", "access_token", "password", "secret", "client_secret"}
MISSING = "is missing: it is required"
BOUNDS = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}


def unknown(where: tuple[str, ...], name: str, known: Mapping[str, Any]) -> str:
    """Return what to say about a name that is not a setting.

    Args:
        where: The place of the object that has the name.
        name: The name.
        known: The schemas of the settings at this place, by name.
    """
    if where[1:] in {(), ("auth",)} and where and name in SECRET_KEYS:
        return f"is not a setting: the secret goes into `{where[0]}.api_key`"
    if not where and name in {*ApiSettings.__struct_fields__, "streams"}:
        return "is not a top-level setting: move it into `feedback`, `analytics` or `support`"
    if "." in name and name.partition(".")[0] in known:
        return f"is not a setting: in JSON, `{name.partition('.')[0]}` is an object with the rest in it"
    nested = [f"`{part}.{name}`" for part, schema in known.items() if name in schema.get("properties", ())]
    if where and nested:
        return f"is not a setting: did you mean {' or '.join(nested)}?"
    return f"is not a setting{suggestion(name, known)}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the name that was probably meant, as the end of a message; empty without a close match."""
    close = difflib.get_close_matches(name, known, 1)
    return f": did you mean `{close[0]}`?" if close else ""


def expected(schema: Mapping[str, Any]) -> str:
    """Return what a schema expects, in words."""
    if "enum" in schema:
        values = ", ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
        return f"one of {values}" if len(schema["enum"]) > 1 else values
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        words = [expected(variant) for variant in schema["anyOf"]]
        return " or ".join(word for word in words if word != NOUNS["integer"] or NOUNS["number"] not in words)
    kinds = schema.get("type", [])
    nouns = [NOUNS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    bounds = " and ".join(f"{words} {schema[key]}" for key, words in BOUNDS.items() if key in schema)
    if "format" in schema:
        nouns[:1] = [FORMATS[schema["format"]][0] if schema["format"] in FORMATS else schema["format"]]
    elif isinstance(schema.get("items"), Mapping):
        nouns[0] = f"a list, each item {expected(schema['items'])}"
    elif bounds:
        nouns[0] += f", {bounds}"
    *others, last = nouns or ["as its description says"]
    # A comma, as the description of a format may contain "or".
    return f"{', '.join(others)}, or {last}" if others and "format" in schema else " or ".join([*others, last])
