"""Checks of a preset that need no server: it is what the tap expects, and complete."""

from __future__ import annotations

import json
import re
from collections import Counter
from copy import deepcopy
from datetime import date
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError

from tap_feedback.declarations import NO_SETTINGS, merge, vendors
from tap_feedback.streams import shipped
from tap_feedback.validation import load
from tools.docs import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tap_feedback.declarations import Block

FOLDER = ROOT / "tap_feedback" / "vendors"
APIS = ("feedback", "analytics", "support")
#: The one preset whose streams have no prefix: it has the six of the analytics API, and their schemas.
PLAIN = "uservoice"
REQUIRED = ("api", "title", "verified", "needs", "limits", "streams", "schemas", "why")
VERIFIED = ("documentation", "code", "recording", "live")
TYPES = {"string", "integer", "number", "boolean", "object", "array"}
COLUMN = {"type", "format", "description"}
LINE = 200


def faults(vendor: str) -> list[str]:
    """Return what is wrong with a preset, a line for each fault."""
    path = FOLDER / f"{vendor}.json"
    twice: list[str] = []
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=lambda pairs: unique(pairs, twice))
    except ValueError as error:
        return [f"{path.name} is not JSON: {error}"]
    lacking = [f"`{part}` is missing" for part in REQUIRED if not found.get(part)]
    if lacking:
        return lacking
    return [
        *(f"`{name}` comes twice in one object" for name in twice),
        *about(found),
        *texts(found, path),
        *settings(found),
        *names(vendor, found),
        *(line for name, columns in found["schemas"].items() for line in schema(name, columns, found)),
    ]


def unique(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    """Return an object, and note the names that come twice in it."""
    twice += [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    return dict(pairs)


def about(found: dict[str, Any]) -> Iterator[str]:
    """Check the API, and how the preset was verified."""
    verified = found["verified"]
    if found["api"] not in APIS:
        yield f"`api` must be one of {', '.join(APIS)}"
    if verified.get("by") not in VERIFIED:
        yield f"`verified.by` must be one of {', '.join(VERIFIED)}"
    if not str(verified.get("source", "")).startswith("https://"):
        yield "`verified.source` must be a URL"
    try:
        date.fromisoformat(str(verified.get("on")))
    except ValueError:
        yield "`verified.on` must be a date, as in 2026-11-21"


def texts(found: dict[str, Any], path: Path) -> Iterator[str]:
    """Check sentences, the paths of `why`, and the length of lines."""
    sentences = {"limits": found["limits"], **{f"why.{name}": text for name, text in found["why"].items()}}
    sentences |= {f"notes.{number}": text for number, text in enumerate(found.get("notes", []))}
    for name, text in sentences.items():
        if not text.endswith("."):
            yield f"`{name}` must be a sentence, with a period"
    for name in found["why"]:
        if not leads_somewhere(found, name):
            yield f"`why` names `{name}`, which the preset does not set"
    for name, text in found["needs"].items():
        if text.endswith(".") or (text[:1].islower() and not text.startswith("https://")):
            yield f"`needs.{name}` must be a phrase, with a capital letter and without a period"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if len(line) > LINE:
            yield f"line {number} has more than {LINE} characters"


def leads_somewhere(found: Any, path: str) -> bool:
    """Return whether a dotted path leads to a value, whatever dots are in names."""
    if not path:
        return True
    return isinstance(found, dict) and any(
        leads_somewhere(value, path[len(name) + 1 :])
        for name, value in found.items()
        if path == name or path.startswith(f"{name}.")
    )


def settings(found: dict[str, Any]) -> list[str]:
    """Check that the settings are right if the user sets what the preset needs, and no less."""
    if found["api"] not in APIS:
        return []
    lines = faults_of(found, found["needs"])
    for name in found["needs"]:
        if not faults_of(found, [other for other in found["needs"] if other != name]) and name in {
            "base_url",
            "api_key",
        }:
            lines.append(f"`needs` names `{name}`, without which the settings are complete")
    return lines


def faults_of(found: Block, needs: Iterable[str]) -> list[str]:
    """Return the faults of a config with the preset and these settings."""
    block: dict[str, Any] = {}
    for path in needs:
        node = block
        *steps, last = path.split(".")
        for step in steps:
            node = node.setdefault(step, {})
        node[last] = "https://api.example.com" if last == "base_url" else "example"
    try:
        load({found["api"]: merge(changed(found, {}), block)}, shipped())
    except ConfigValidationError as error:
        return error.errors
    return []


def changed(found: Block, change: Mapping[str, Any]) -> Block:
    """A preset as a user's own settings, with some of them changed; None takes a setting away.

    Raises:
        KeyError: There is no such setting.
    """
    own: dict[str, Any] = {name: deepcopy(part) for name, part in found.items() if name not in NO_SETTINGS}
    own["streams"] = {
        name: {**deepcopy(stream), "schema": found.get("schemas", {}).get(name, {})}
        for name, stream in found["streams"].items()
    }
    for path, value in change.items():
        node: Any = own
        *steps, last = path.split(".")
        for step in steps:
            node = node[step]
        if last not in node:
            raise KeyError(path)
        if value is None:
            del node[last]
        else:
            node[last] = value
    return own


def names(vendor: str, found: dict[str, Any]) -> Iterator[str]:
    """Check the names of streams, and that each has a schema, its keys and a parent."""
    own = shipped()["analytics"] if vendor == PLAIN else {}
    streams = found["streams"]
    for name, stream in streams.items():
        if name not in own:
            lacking = [part for part in ("path", "data_selector", "primary_key") if part not in stream]
            yield from (f"`streams.{name}.{part}` is missing" for part in lacking)
            if name not in found["schemas"]:
                yield f"`schemas.{name}` is missing"
        if vendor != PLAIN and not re.fullmatch(rf"{vendor}_[a-z][a-z0-9_]*", name):
            yield f"`streams.{name}` must begin with `{vendor}_`"
        if "parent" in stream and stream["parent"] not in streams:
            yield f"`streams.{name}.parent` is no stream of the preset"
    for part in ("off", "schemas"):
        yield from (
            f"`{part}` names `{name}`, which is no stream" for name in found.get(part, ()) if name not in streams
        )


def schema(name: str, columns: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Check the columns of a stream."""
    stream = found["streams"].get(name, {})
    keys = stream.get("primary_key", [])
    needed = [*([keys] if isinstance(keys, str) else keys), *stream.get("include_from_parent", {})]
    if stream.get("replication_key"):
        needed.append(stream["replication_key"])
    yield from (f"`schemas.{name}` lacks `{column}`" for column in needed if column not in columns)
    for column, kind in columns.items():
        place = f"`schemas.{name}.{column}`"
        text = kind.get("description", "")
        if not text.endswith(".") or text[:1].islower():
            yield f"{place} needs a description, with a capital letter and a period"
        if kind.get("type") not in [*TYPES] or kind.keys() - COLUMN:
            yield f"{place} must have one of the types {', '.join(sorted(TYPES))}, and no more than {sorted(COLUMN)}"
        if kind.get("format") not in {None, "date-time", "date"}:
            yield f"{place} must have the format date-time, date, or none"


def shared_names() -> list[str]:
    """Return the names that streams of several presets have."""
    every = Counter(
        name for vendor in vendors() for name in json.loads((FOLDER / f"{vendor}.json").read_text())["streams"]
    )
    return [name for name, count in every.items() if count > 1]
