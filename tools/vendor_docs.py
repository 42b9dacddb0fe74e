"""Generator of the vendors' part of docs/vendors.md, from the presets."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tap_feedback import declarations
from tools.tables import code, table

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How a preset was verified, in words.
VERIFIED = {
    "documentation": "the vendor's documentation",
    "code": "the code of maintained connectors",
    "recording": "recorded responses",
    "live": "a live account",
}


def presets() -> str:
    """Return a section for each vendor."""
    found = {name: preset for name in declarations.vendors() if (preset := declarations.preset(name))}
    return "\n".join(section(name, preset) for name, preset in sorted(found.items(), key=lambda item: item[1]["title"]))


def section(name: str, preset: Mapping[str, Any]) -> str:
    """Return what a user needs to know of a vendor."""
    verified = preset["verified"]
    parts = [
        f"## {preset['title']}\n",
        f"```json\n{json.dumps({preset['api']: example(name, preset)}, ensure_ascii=False)}\n```\n",
        needs(preset),
        f"Verified by [{VERIFIED[verified['by']]}]({verified['source']}) on {verified['on']}.\n",
        f"Limits: {preset.get('limits') or 'not known.'}\n",
        streams(preset),
        bullets("Set by the preset:", (f"`{path}`: {why}" for path, why in preset.get("why", {}).items())),
        bullets("Good to know:", preset.get("notes", ())),
    ]
    return "\n".join(filter(None, parts))


def example(name: str, preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a user gives."""
    block: dict[str, Any] = {"vendor": name}
    for path, words in preset["needs"].items():
        node = block
        *parents, last = path.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        address = re.match(r"https://(?:<[^>]*>|[^\s,])+", words)
        node[last] = re.sub("<[^>]*>", "acme", address[0]) if address else f"your-{last.replace('_', '-')}"
    return block


def needs(preset: Mapping[str, Any]) -> str:
    """Return where to find each setting that a user gives."""
    rows = [(code(name), code(text) if text.startswith("http") else text) for name, text in preset["needs"].items()]
    return table("| setting | where to find it |", rows)


def streams(preset: Mapping[str, Any]) -> str:
    """Return the streams of a preset."""
    off = preset.get("off", ())
    rows = [
        (
            code(name),
            ", ".join(map(code, keys_of(stream))),
            code(stream.get("replication_key")) if stream.get("replication_key") else "full table",
            code(stream["parent"]) if "parent" in stream else "",
            "off" if name in off else "on",
        )
        for name, stream in preset["streams"].items()
        if stream
    ]
    if not rows:
        return ""
    return table("| stream | primary key | replication key | read for each row of | by default |", rows)


def keys_of(stream: Mapping[str, Any]) -> list[str]:
    """Return the names of the primary key."""
    keys = stream.get("primary_key", "id")
    return [keys] if isinstance(keys, str) else keys


def bullets(title: str, lines: Any) -> str:
    """Return a list under a title; empty if it has no lines."""
    found = "".join(f"- {line}\n" for line in lines)
    return f"{title}\n\n{found}" if found else ""
