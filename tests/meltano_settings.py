"""The tap's settings as `meltano.yml` lists them, derived from the tap, and the plugin definition derived from this.

Run as a module, it writes both. Meltano passes a default on as if it had been set, and an API takes part once anything
of it is set. So none is listed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_feedback.tap import TapFeedback
from tests.configs import config_jsonschema

if TYPE_CHECKING:
    from collections.abc import Iterator

MELTANO_YML = Path(__file__).parents[1] / "meltano.yml"
PLUGIN_YML = MELTANO_YML.with_name("tap-feedback.yml")
MARK = "    settings:\n"
PLUGIN_HEAD = """\
# The plugin definition for `meltano add tap-feedback --from-ref tap-feedback.yml`, written by
# python -m tests.meltano_settings. `pip_url` is to be set: to the address of the repository, or to a clone of it.
"""
ACRONYMS = {"api": "API", "url": "URL"}
#: Meltano fails on an `integer` with a fraction from the environment, and cannot pass a `decimal` on. The tap takes the
#: text of a number for a number.
KINDS = {"number": "string"}


def settings() -> list[dict[str, Any]]:
    """All settings, those of the SDK included."""
    schema = config_jsonschema()
    TapFeedback.append_builtin_config(schema)
    return [setting(name, leaf) for name, leaf in leaves(schema)]


def leaves(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The single settings by their dotted names; an object with keys of the user's choice is one setting."""
    for name, part in schema["properties"].items():
        if "properties" in part and isinstance(part.get("additionalProperties", True), bool):
            yield from leaves(part, f"{prefix}{name}.")
        else:
            yield prefix + name, part


def definition() -> str:
    """What `meltano.yml` says of the tap, for other projects: they install it from its repository."""
    tap = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))["plugins"]["extractors"][0]
    return PLUGIN_HEAD + dump({**tap, "pip_url": "git+https://github.com/<owner>/tap-feedback"})


def dump(value: Any) -> str:
    """A value as YAML, with each text on a line."""
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text


def setting(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One setting as Meltano describes it."""
    words = [ACRONYMS.get(word, word) for word in name.replace(".", " ").replace("_", " ").split()]
    entry = {
        "name": name,
        "kind": kind(schema),
        "label": schema.get("title") or " ".join(words)[:1].upper() + " ".join(words)[1:],
        "description": " ".join(schema["description"].split()),
    }
    if "enum" in schema:
        entry["options"] = [{"label": value, "value": value} for value in schema["enum"]]
    if schema.get("secret"):
        entry["sensitive"] = True
    return entry


def kind(schema: dict[str, Any]) -> str:
    """What Meltano calls the type."""
    if "enum" in schema:
        return "options"
    if schema.get("format") == "date-time":
        return "date_iso8601"
    types = schema.get("type", "string")
    first = types if isinstance(types, str) else types[0]
    return KINDS.get(first, first)


if __name__ == "__main__":
    head = MELTANO_YML.read_text(encoding="utf-8").rpartition(MARK)[0]
    indented = "".join(f"    {line}\n" for line in dump(settings()).splitlines())
    MELTANO_YML.write_text(head + MARK + indented, encoding="utf-8")
    PLUGIN_YML.write_text(definition(), encoding="utf-8")
