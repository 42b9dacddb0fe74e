"""Conflicts between settings that are each valid by themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, get_args

import msgspec
from jsonschema import Draft7Validator

from tap_feedback.auth import Auth
from tap_feedback.columns import columns_of
from tap_feedback.declarations import merge, merge_typed, preset, vendors
from tap_feedback.faults import MISSING, Fault, suggestion
from tap_feedback.paging import Paging
from tap_feedback.records.timestamps import parse_instant
from tap_feedback.request import END, PARENT, START, VARIABLE

if TYPE_CHECKING:
    from tap_feedback.declarations import Block, Shipped

UNIONS = {"auth": Auth, "paginator": Paging}
#: Settings of a stream that may have variables.
WITH_VARIABLES = ("path", "params", "json", "passes")
#: Checks a JSON Schema, regular expressions included.
_SCHEMAS = Draft7Validator(Draft7Validator.META_SCHEMA, format_checker=Draft7Validator.FORMAT_CHECKER)

NO_VALUE = "has a variable without a value"


def conflicts(config: Block, shipped: Shipped, found: list[Fault]) -> Iterator[Fault]:
    """Find settings that contradict each other.

    Args:
        config: The config, with all that is set for each API.
        shipped: The streams that the tap ships.
        found: Faults of single settings, which are not checked again.
    """
    wrong = {fault.where[:depth] for fault in found for depth in range(1, len(fault.where) + 1)}
    for name in shipped:
        api = config.get(name)
        if isinstance(api, Mapping):
            taken = {stream: other for other in shipped if other != name for stream in shipped[other]}
            for other in list(shipped)[: list(shipped).index(name)]:
                streams = config[other].get("streams") if isinstance(config.get(other), Mapping) else None
                taken |= dict.fromkeys(streams if isinstance(streams, Mapping) else (), other)
            said: set[str] = set()
            for fault in _of_api(name, api, taken, wrong, config.get("end_date")):
                if fault.words not in said:
                    yield fault
                if fault.words.startswith(NO_VALUE):
                    said.add(fault.words)  # a vendor's streams may all have the variable
    yield from _of_dates(config, wrong)


def _of_api(
    name: str, api: Block, taken: Mapping[str, str], wrong: set[tuple[str, ...]], end: object
) -> Iterator[Fault]:
    yield from _of_vendor(name, api.get("vendor"))
    for section in UNIONS:
        if isinstance(api[section], Mapping):
            yield from _of_part((name, section), api[section], str(api.get("api_key", "")), wrong)
    if isinstance(incremental := api.get("incremental", {}), Mapping):
        yield from _of_incremental((name,), incremental, incremental, api, end)
    yield from _of_variables((name,), {"params": api.get("params", {})}, api.get("variables", {}))
    streams = api["streams"]
    if not isinstance(streams, Mapping):
        return
    for stream, block in streams.items():
        place = (name, "streams", stream)
        if not isinstance(block, Mapping) or (place in wrong and "path" not in block):
            continue
        if "path" not in block:
            known = [name for name, other in streams.items() if isinstance(other, Mapping) and "path" in other]
            yield Fault(place, f"is not a stream of this API; a new one needs a `path`{suggestion(stream, known)}")
        elif stream in taken:
            yield Fault(place, f"is already a stream of `{taken[stream]}`; choose another name")
        else:
            yield from _of_stream(place, block, api, wrong, end)


def _of_vendor(api: str, vendor: object) -> Iterator[Fault]:
    """Check that the preset exists and is one of this API."""
    if not isinstance(vendor, str):
        return
    block = preset(vendor)
    if block is None:
        hint = suggestion(vendor, vendors()) or f": the vendors are {', '.join(vendors())}"
        yield Fault((api, "vendor"), f"is not a shipped preset{hint}")
    elif block["api"] != api:
        yield Fault((api, "vendor"), f"is a preset of another API: move these settings to `{block['api']}`")


def _of_part(place: tuple[str, ...], part: Block, key: str, wrong: set[tuple[str, ...]]) -> Iterator[Fault]:
    """Check an auth or a paginator."""
    if (*place, "type") in wrong:
        return
    section = place[-1]
    fields = {kind.__struct_config__.tag: kind.__struct_fields__ for kind in get_args(UNIONS[section])}
    own = fields[part["type"]]
    owners = [(name, tag) for name in part for tag, names in fields.items() if name in names and name not in own]
    for name, tag in owners:
        yield Fault((*place, name), f"belongs to the {section} type {tag}")
    if owners or place in wrong:
        return
    missing = required(section, part)
    yield from (Fault((*place, name), MISSING) for name in missing)
    if not missing:
        typed = msgspec.convert(part, UNIONS[section])
        for name, words in typed.faults(key) if section == "auth" else typed.faults():
            yield Fault((place[0], name) if name == "api_key" else (*place, name), words)


def required(section: str, part: Block) -> list[str]:
    """Return the settings that an auth or a paginator of this type requires but lacks."""
    (kind,) = (kind for kind in get_args(UNIONS[section]) if kind.__struct_config__.tag == part["type"])
    return [field.name for field in msgspec.structs.fields(kind) if field.required and field.name not in part]


def _of_stream(
    place: tuple[str, ...], block: Block, api: Block, wrong: set[tuple[str, ...]], end: object
) -> Iterator[Fault]:
    """Check the settings of a stream."""
    paginator, incremental = block.get("paginator"), block.get("incremental")
    if (
        isinstance(paginator, Mapping)
        and isinstance(api["paginator"], Mapping)
        and (place[0], "paginator") not in wrong
    ):
        yield from _of_part((*place, "paginator"), merge_typed(api["paginator"], paginator), "", wrong)
    if isinstance(incremental, Mapping) and isinstance(api.get("incremental", {}), Mapping):
        texts = [api.get("params"), block]
        yield from _of_incremental(place, incremental, merge(api.get("incremental", {}), incremental), texts, end)
    if isinstance(incremental, Mapping) and incremental.get("row_order") and not block.get("replication_key"):
        yield Fault((*place, "incremental", "row_order"), "needs `replication_key`")
    if block.get("json") and block.get("method", "GET") == "GET":
        yield Fault((*place, "json"), "needs `method` POST")
    if isinstance(block.get("schema"), Mapping):
        yield from _of_columns((*place, "schema"), columns_of(block["schema"]))
    yield from _of_parent(place, block, api["streams"])
    yield from _of_variables(place, block, api.get("variables", {}))


def _of_variables(place: tuple[str, ...], block: Block, known: object) -> Iterator[Fault]:
    """Check that the variables in a stream's settings, or in those of an API, have values."""
    for part in WITH_VARIABLES:
        for variable in VARIABLE.findall(str(block.get(part, ""))):
            if (part != "path" and variable in {START, END}) or (isinstance(known, Mapping) and variable in known):
                continue
            if not _is_of_parent(variable) or len(place) == 1:
                yield Fault((*place, part), f"{NO_VALUE}; set `{place[0]}.variables.{variable}`")
            elif block.get("parent") is None:
                yield Fault((*place, part), f"has a field of a parent's row; set `{'.'.join(place)}.parent`")


def _of_parent(place: tuple[str, ...], block: Block, streams: Block) -> Iterator[Fault]:
    """Check the parent of a stream, and what needs one."""
    parent = block.get("parent")
    used = [name for name in WITH_VARIABLES if any(map(_is_of_parent, VARIABLE.findall(str(block.get(name, "")))))]
    if parent is None:
        for name in ("include_from_parent", "parent_changed_field"):
            if block.get(name):
                yield Fault((*place, name), "needs `parent`, the stream that it is about")
        return
    if not used:
        yield Fault(
            (*place, "parent"),
            "needs a field of its rows in `path`, `params` or `json`, as in `/forms/{parent.id}/responses`",
        )
    other = streams.get(str(parent))
    if parent == place[-1]:
        yield Fault((*place, "parent"), "is the stream itself")
    elif not isinstance(other, Mapping) or "path" not in other:
        known = [name for name, stream in streams.items() if isinstance(stream, Mapping) and "path" in stream]
        yield Fault((*place, "parent"), f"is not a stream of this API{suggestion(str(parent), known)}")
    elif other.get("parent") is not None:
        yield Fault((*place, "parent"), "is itself read for each row of another stream, and only one level is possible")


def _is_of_parent(variable: str) -> bool:
    return variable.startswith(PARENT)


def _of_columns(place: tuple[str, ...], columns: Block) -> Iterator[Fault]:
    for name, column in columns.items():
        if not isinstance(column, Mapping):
            yield Fault((*place, name), 'must be an object, as in `{"type": "integer"}`')
        elif not _SCHEMAS.is_valid(column):
            yield Fault((*place, name), "is not a JSON Schema")
        elif '"$ref":' in json.dumps(column):
            yield Fault((*place, name), "must be without `$ref`: put the schema in its place")


def _of_incremental(place: tuple[str, ...], own: Block, merged: Block, texts: object, end: object) -> Iterator[Fault]:
    """Check how a time range is requested.

    Args:
        place: The place of the API or the stream.
        own: What is set there.
        merged: What holds there.
        texts: What may have the variables of the range.
        end: `end_date`.
    """
    place = (*place, "incremental")
    if merged.get("window") is not None:
        for param in ("start_param", "end_param"):
            if merged.get(param) is None:
                yield Fault((*place, param), "must be set if `window` is")
    if merged.get("start_param") is None and START not in str(texts):
        for name in ("initial_value", "trust_filter"):
            if own.get(name):
                yield Fault((*place, name), f"needs `start_param`, or `{{{START}}}` in `params` or `json`")
    first, last = parse_instant(own.get("initial_value")), parse_instant(end)
    if first is not None and first > datetime.now(timezone.utc):
        yield Fault((*place, "initial_value"), "lies in the future, so nothing would be read")
    if first is not None and last is not None and first >= last:
        yield Fault((*place, "initial_value"), "must be before `end_date`")


def _of_dates(config: Block, wrong: set[tuple[str, ...]]) -> Iterator[Fault]:
    """Check the range from `start_date` to `end_date`."""
    start, end = (config.get(name) for name in ("start_date", "end_date"))
    if start and end and not wrong & {("start_date",), ("end_date",)}:
        first, last = parse_instant(start), parse_instant(end)
        if first is not None and last is not None and first >= last:
            yield Fault(("start_date",), "must be before `end_date`")
    if start and ("start_date",) not in wrong:
        first = parse_instant(start)
        if first is not None and first > datetime.now(timezone.utc):
            yield Fault(("start_date",), "is in the future, so nothing would be read")
