"""Generated tables of the documents."""

from __future__ import annotations

import ast
import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import tap_feedback
from tap_feedback import declarations
from tap_feedback.declarations import TYPED
from tap_feedback.streams import STREAM_TYPES
from tools.settings import (
    ANALYTICS,
    FEEDBACK,
    api_leaves,
    default_type,
    defaults_by_type,
    required,
    stream_leaves,
    top_level,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKAGE = Path(tap_feedback.__file__).parent


def table(headings: str, rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows]
    return headings + "\n" + "|---" * (headings.count("|") - 1) + "|\n" + "".join(lines)


def code(text: str | None) -> str:
    """Return a text as code; a dash without a text."""
    return f"`{text}`" if text else "\N{EN DASH}"


def settings() -> str:
    """Return the settings of an API, of a stream, and at the top level, each in a table."""
    return (
        table(
            "| setting of an API | meaning | feedback, support | analytics |",
            [
                (f"`{name}`", words(leaf), *(api_default(api, name) for api in (FEEDBACK, ANALYTICS)))
                for name, leaf in api_leaves(FEEDBACK).items()
            ],
        )
        + "\nSettings of a stream, in addition to its own `paginator` and `incremental`:\n\n"
        + table(
            "| setting of a stream | meaning |",
            [(f"`streams.<name>.{name}`", words(leaf)) for name, leaf in stream_leaves().items()],
        )
        + "\nSettings at the top level, with the SDK's own at the end:\n\n"
        + table(
            "| setting | meaning | default |",
            [(f"`{name}`", words(leaf), default(leaf)) for name, leaf in top_level().items()],
        )
    )


def vendors() -> str:
    """Return the vendors with a preset, by API, and how each preset was verified."""
    presets = {name: found for name in declarations.vendors() if (found := declarations.preset(name))}
    return table(
        "| API | vendors |",
        [
            (
                code(api),
                ", ".join(
                    f"[{found['title']}]({found['verified']['source']}) (`{name}`, by {found['verified']['by']})"
                    for name, found in presets.items()
                    if found["api"] == api
                ),
            )
            for api in declarations.DEFAULTS
            if any(found["api"] == api for found in presets.values())
        ],
    )


def words(schema: dict[str, Any]) -> str:
    """Return the description of a setting, on one line."""
    return " ".join(schema["description"].split())


def api_default(api: str, name: str) -> str:
    """Return the default of a setting of an API, with those of the types of paginator or auth that have another one."""
    if name in required(api):
        return "required"
    section, _, field = name.partition(".")
    if section not in TYPED or field not in (by_type := defaults_by_type(section)):
        return default(api_leaves(api)[name])
    by_tag = {code(tag): as_code(value) for tag, value in by_type[field].items()}
    own = by_tag.get(code(default_type(api, section)))
    others = {tag: text for tag, text in by_tag.items() if text != own}
    values = set(others.values())
    if own is None and len(values) == 1:
        return values.pop()
    if len(values) == 1 < len(others):
        others = {"other types": values.pop()}
    return "; ".join([*filter(None, [own]), *(f"{tag}: {text}" for tag, text in others.items())])


def as_code(value: Any) -> str:
    """Return a default as JSON, or the word that there is none."""
    return "required" if value is msgspec.NODEFAULT else code(msgspec.json.encode(value).decode())


def default(schema: dict[str, Any]) -> str:
    """Return the default of a setting as JSON."""
    return code(json.dumps(schema["default"]) if "default" in schema else None)


def streams() -> str:
    """Return the streams with their keys and methods."""
    return table(
        "| stream | API | path | primary key | replication key | default method |",
        [
            (
                code(str(vars(kind)["name"])),
                kind.api,
                code(str(vars(kind)["path"])),
                ", ".join(map(code, kind.primary_keys)),
                code(kind.replication_key),
                "INCREMENTAL" if kind.replication_key else "FULL_TABLE",
            )
            for kind in STREAM_TYPES
        ],
    )


def modules() -> str:
    """Return the modules of the package, each with the first line of its docstring."""
    files = sorted(PACKAGE.rglob("*.py"), key=lambda file: (file.parent.parts, file.stem != "__init__", file.name))
    parts = []
    for folder, group in groupby(files, key=lambda file: file.parent):
        name = folder.relative_to(PACKAGE.parent).as_posix()
        package, *rest = group
        parts.append(
            table(
                f"| `{name}/` | {first_line(package)} |",
                [(f"`{file.name}`", first_line(file)) for file in rest],
            )
        )
    return "\n".join(parts)


def first_line(file: Path) -> str:
    """Return the first line of a module's docstring."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]
