"""Validation of a config: returns typed settings, or reports all faults in lines that never quote a value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from jsonschema import Draft7Validator, FormatChecker
from jsonschema.validators import extend
from singer_sdk.exceptions import ConfigValidationError

from tap_feedback.batch_settings import BatchSettings
from tap_feedback.columns import columns_of
from tap_feedback.conflicts import UNIONS, WITH_VARIABLES, conflicts, required
from tap_feedback.declarations import declare, merge, merge_typed, preset
from tap_feedback.faults import MISSING, Fault, expected, unknown
from tap_feedback.formats import FORMATS
from tap_feedback.records.timestamps import parse_instant
from tap_feedback.request import fill
from tap_feedback.settings import Api, ApiSettings, General, Settings
from tap_feedback.settings_schema import config_jsonschema, nullable
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from tap_feedback.declarations import Block, Shipped

#: Objects with names chosen by the user.
FREE = {"headers", "params", "variables", "json", "schema"}


def load(
    config: object, shipped: Shipped, *, schema: Mapping[str, Any] | None = None, complete: bool = True
) -> Settings:
    """Return the settings of a config.

    Args:
        config: The config as it was read.
        shipped: The streams that the tap ships.
        schema: The schema of `config_jsonschema`, with what the SDK adds.
        complete: Whether required settings must be set. Discovery needs neither URL nor key, so it passes False, and
            they are empty if they are not set.

    Raises:
        ConfigValidationError: The config has faults. `errors` has a line for each.
    """
    if not isinstance(config, Mapping):
        raise ConfigValidationError("Config validation failed", errors=["the config must be an object"], schema={})
    schema = schema or config_jsonschema(shipped)
    given = with_nulls(config, schema)
    whole = {
        name: declare(name, value, shipped) if name in shipped and isinstance(value, Mapping) else value
        for name, value in given.items()
    }
    found = list(_faults_by_schema(schema, whole))
    found += conflicts(whole, shipped, found)
    order = [*schema["properties"], *ApiSettings.__struct_fields__]
    found.sort(key=lambda fault: [order.index(name) if name in order else len(order) for name in fault.where[:2]])
    lines = [f"`{'.'.join(map(one_line, where))}` {words}" for where, words in found if complete or words != MISSING]
    if lines:
        raise ConfigValidationError("Config validation failed", errors=list(dict.fromkeys(lines)), schema={})
    general: dict[str, Any] = {name: whole[name] for name in General.__struct_fields__ if name in whole}
    for name in ("start_date", "end_date"):
        general[name] = parse_instant(general.get(name))
    if complete:
        general["batch_config"] = msgspec.convert(general.get("batch_config"), BatchSettings | None)
    return Settings(apis={name: _typed(name, whole[name], given[name]) for name in shipped if name in whole}, **general)


def with_nulls(part: Any, schema: Mapping[str, Any]) -> Any:
    """Return a part of a config with null in place of each empty text that may be null."""
    if not isinstance(part, Mapping):
        return part
    others = schema.get("additionalProperties")
    known, other = schema.get("properties", {}), others if isinstance(others, Mapping) else {}
    return {
        name: None
        if value == "" and nullable(known.get(name, {}))
        else value
        if name in FREE
        else with_nulls(value, known.get(name, other))
        for name, value in part.items()
    }


def _faults_by_schema(schema: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
    formats = FormatChecker(formats=())
    for name, (_, holds) in FORMATS.items():
        formats.checks(name)(lambda value, holds=holds: not isinstance(value, str) or bool(holds(value)))
    # To JSON Schema, 1.0 is an integer, and Python's JSON decoder accepts NaN.
    types = Draft7Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
            "number": lambda _, value: type(value) is int or (isinstance(value, float) and math.isfinite(value)),
        }
    )
    kind = extend(Draft7Validator, type_checker=types)  # type: ignore[no-untyped-call]  # jsonschema has no types here
    validator = kind(schema, format_checker=formats)
    for error in validator.iter_errors(config):
        where = tuple(map(str, error.absolute_path))
        if error.validator == "required":
            yield from (Fault((*where, name), MISSING) for name in error.validator_value if name not in error.instance)
        elif error.validator == "additionalProperties":
            known = error.schema["properties"]
            yield from (
                Fault((*where, name), unknown(where, name, known)) for name in error.instance if name not in known
            )
        elif "propertyNames" in error.absolute_schema_path:
            yield Fault((*where, error.instance), f"has a wrong name: it must be {expected(error.schema)}")
        else:
            words = expected(error.schema)
            yield Fault(where, words if words.startswith("must ") else f"must be {words}")


def _typed(name: str, block: Block, given: Block) -> Api:
    """Return the settings of an API that has no faults."""
    block = {"base_url": "", "api_key": "", **block, "name": name}
    for section in UNIONS:
        block[section] = _filled(section, block[section])
    own_preset = preset(block.get("vendor")) or {}
    schemas, off = own_preset.get("schemas", {}), own_preset.get("off", ())
    block["streams"] = {
        stream: {
            **_typed_stream(stream, own, block, schemas.get(stream, {})),
            "selected_by_default": stream not in off,
            "given": list(given.get("streams", {}).get(stream, ())),
        }
        for stream, own in block["streams"].items()
    }
    block["params"] = fill(block.get("params", {}), block.get("variables", {}).get)
    api = msgspec.convert(block, Api)
    return msgspec.structs.replace(api, base_url=api.base_url.rstrip("/"), path_prefix=api.path_prefix.rstrip("/"))


def _typed_stream(name: str, own: Block, api: Block, columns: Block) -> dict[str, Any]:
    """Return everything that is set for a stream."""
    paging = merge_typed(api["paginator"], own.get("paginator", {}))
    if own.get("single_object") and "paginator" not in own:
        paging = {"type": "single_page"}
    schema, value_of = own.get("schema", {}), api.get("variables", {}).get
    return {
        "data_selector": name if api["name"] == "analytics" else "data",
        **own,
        **{part: fill(own[part], value_of, in_path=part == "path") for part in WITH_VARIABLES if part in own},
        "name": name,
        "paginator": _filled("paginator", paging),
        "incremental": merge(api.get("incremental", {}), own.get("incremental", {})),
        "columns": merge(columns, columns_of(schema)) if isinstance(schema, Mapping) else columns,
        "infers": schema == "infer",
    }


def _filled(section: str, part: Block) -> Block:
    """Return an auth or paginator with an empty text for each missing setting, as discovery needs none of them."""
    return {**dict.fromkeys(required(section, part), ""), **part}
