"""The settings: as typed objects, and the JSON Schema derived from these."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tap_feedback.auth import Auth
from tap_feedback.fields import Count, DottedPath, Name, Params, Seconds, UrlPath, text_of
from tap_feedback.instants import parse_instant
from tap_feedback.paging import Paging
from tap_feedback.redaction import Secret
from tap_feedback.secret_names import is_secret_name

#: The streams of each API.
STREAMS: dict[str, tuple[str, ...]] = {
    "feedback": ("feedback_data",),
    "analytics": ("forums", "external_accounts", "external_users", "features", "feedback_records", "suggestions"),
    "support": ("customer_support_data",),
}

#: What an API has otherwise than the classes below say; another `type` brings the defaults of its own class.
KEY_AND_OFFSET = {"auth": {"type": "api_key"}, "paginator": {"type": "offset"}}
DEFAULTS: dict[str, dict[str, dict[str, str]]] = {
    "feedback": KEY_AND_OFFSET,
    "analytics": {
        "auth": {"type": "bearer"},
        "paginator": {"type": "cursor"},
        "incremental": {"start_param": "updated_after", "end_param": "updated_before"},
    },
    "support": KEY_AND_OFFSET,
}


Instant = Annotated[datetime, text_of("date-time")]


class Incremental(Struct, frozen=True, forbid_unknown_fields=True):
    """How a time range is asked for."""

    start_param: Annotated[Name | None, Meta(description="Query parameter of the range's start; null sends none.")] = (
        None
    )
    end_param: Annotated[Name | None, Meta(description="Query parameter of the range's end; null sends none.")] = None
    format: Annotated[
        Annotated[str, text_of("time-format")],
        Meta(description="How a time is written: a strftime pattern, `epoch` or `epoch_ms`."),
    ] = "%Y-%m-%dT%H:%M:%SZ"
    lookback: Annotated[Seconds, Meta(description="Seconds read again before the bookmark.")] = 0
    window: Annotated[
        Annotated[float, Meta(ge=0.04, le=36500)] | None,
        Meta(
            description="Length in days, at least 0.04, of the windows that a time range is split into, to read some "
            "at once; needs `start_param` and `end_param`; null for one range."
        ),
    ] = None


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """Which failures are tried again, how often and when."""

    max_retries: Annotated[
        int, Meta(ge=0, le=100, description="How often a request is sent again after a failure that may pass.")
    ] = 3
    backoff_factor: Annotated[
        float,
        Meta(ge=0, le=60, description="The n-th wait is this to the power of n, in seconds: 2, 4, 8; 0 never waits."),
    ] = 2
    statuses: Annotated[
        tuple[Annotated[int, Meta(ge=400, le=599)], ...], Meta(description="Statuses after which it is sent again.")
    ] = (429, 500, 502, 503, 504)
    max_wait: Annotated[Seconds, Meta(description="Longest `Retry-After` honoured, in seconds.")] = 300


class StreamOverride(Struct, frozen=True, forbid_unknown_fields=True):
    """What one stream has otherwise than the tap says."""

    path: Annotated[UrlPath | UnsetType, Meta(description="Path after `path_prefix`.")] = UNSET
    data_selector: Annotated[
        DottedPath | UnsetType, Meta(description="Dotted path of the rows; `$` is the answer itself.")
    ] = UNSET
    primary_key: Annotated[
        Name | Annotated[tuple[Name, ...], Meta(min_length=1)] | UnsetType,
        Meta(description="Name of the primary key, or a list of names."),
    ] = UNSET
    replication_key: Annotated[
        Name | UnsetType | None, Meta(description="Name of the replication key; null means there is none.")
    ] = UNSET
    params: Annotated[Params | UnsetType, Meta(description="Query parameters sent with every request.")] = UNSET

    @property
    def given(self) -> dict[str, Any]:
        """What is set, under the names that a stream has for it."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) is not UNSET}
        if "primary_key" in given:
            key = given.pop("primary_key")
            given["primary_keys"] = (key,) if isinstance(key, str) else key
        return given


class ApiSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of one API."""

    base_url: Annotated[
        Annotated[str, text_of("address", "without-user", "without-query")],
        Meta(description="Scheme and host of the API, as in `https://api.example.com`."),
    ]
    api_key: Annotated[
        Annotated[str, text_of("secret", secret=True, writeOnly=True)],
        Meta(description="The key or token; how it is sent is in `auth`."),
    ]
    path_prefix: Annotated[
        Annotated[str, text_of("url-prefix")], Meta(description="Put before the path of every stream.")
    ] = "/v1"
    auth: Annotated[Auth, Meta(description="How the key is sent.")]
    paginator: Annotated[Paging, Meta(description="How pages are asked for.")]
    incremental: Annotated[Incremental, Meta(description="How a time range is asked for.")] = Incremental()
    retry: Annotated[Retry, Meta(description="Which failures are tried again, how often and when.")] = Retry()
    timeout: Annotated[float, Meta(gt=0, le=315_360_000, description="Seconds that one request may take, in all.")] = 60
    max_connections: Annotated[int, Meta(ge=1, le=64, description="Most requests under way at once.")] = 4
    requests_per_minute: Annotated[Count | None, Meta(description="Most requests in a minute; null is no bound.")] = (
        None
    )
    headers: Annotated[
        dict[Annotated[str, text_of("header-name")], Annotated[str, text_of("header-value")]],
        Meta(description="Headers sent with every request."),
    ] = {}
    params: Annotated[Params, Meta(description="Query parameters sent with every request.")] = {}
    streams: Annotated[dict[str, StreamOverride], Meta(description="What single streams have otherwise, by name.")] = {}


class Api(ApiSettings, frozen=True, kw_only=True):
    """The settings of one API, under its name."""

    name: str

    def __repr__(self) -> str:
        """The name alone: the rest has secrets."""
        return f"Api({self.name})"


class General(Struct, frozen=True, kw_only=True):
    """The settings that are not of one API."""

    start_date: Annotated[
        Instant | None,
        Meta(description="Incremental streams leave out rows changed before it; a date, or a date-time."),
    ] = None
    end_date: Annotated[
        Instant | None, Meta(description="Incremental streams leave out rows changed from it on; as `start_date`.")
    ] = None
    user_agent: Annotated[
        Annotated[str, text_of("header-value")] | None, Meta(description="The `User-Agent` sent; null names the tap.")
    ] = None
    unknown_fields: Annotated[
        Literal["keep", "drop"],
        Meta(description="Fields that a schema does not know: `keep` puts them into `_extra`, `drop` drops them."),
    ] = "keep"
    emit_activate_version_messages: Annotated[
        bool, Meta(description="Whether ACTIVATE_VERSION follows a complete FULL_TABLE sync.")
    ] = False


class Settings(General, frozen=True, kw_only=True):
    """All settings; `apis` has those that are set."""

    apis: dict[str, Api]


#: Settings of text that may be null. Meltano cannot pass null on; an empty text stands for it.
NULLABLE = {
    "cursor_row_path",
    "end_date",
    "end_param",
    "has_more_path",
    "limit_param",
    "prefix",
    "replication_key",
    "start_date",
    "start_param",
    "total_path",
    "user_agent",
    "username",
}


def parse(config: Mapping[str, Any]) -> Settings:
    """The settings of a config without problems; what discovery may lack, `base_url` and `api_key`, is then empty."""
    config = with_nulls(config)
    given = {name: config[name] for name in General.__struct_fields__ if name in config}
    for name in ("start_date", "end_date"):
        given[name] = parse_instant(given.get(name))
    return Settings(apis={name: _parse_api(name, config[name]) for name in STREAMS if name in config}, **given)


def without_retries(api: Api) -> Api:
    """The settings of an API whose requests are sent once each."""
    return msgspec.structs.replace(api, retry=msgspec.structs.replace(api.retry, max_retries=0))


def secrets(config: Mapping[str, Any]) -> list[Secret]:
    """The secrets of a config, whatever else is wrong with it.

    They are the keys, and what its headers, parameters and other settings have under the name of a secret.
    """
    found: list[Secret] = []
    for api in (config[name] for name in STREAMS if isinstance(config.get(name), Mapping)):
        found += _secrets_in(api)
        # A short key is masked only behind its name, which may be another one in requests.
        auth = api.get("auth")
        if isinstance(auth, Mapping) and isinstance(auth.get("name"), str):
            found += _secrets_in(api.get("api_key"), auth["name"])
    return found


def _secrets_in(value: Any, name: str = "") -> Iterator[Secret]:
    """What in a value is secret.

    Args:
        value: Any part of a config.
        name: The name of a secret, if the value stands under one.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets_in(item, str(key) if is_secret_name(str(key)) else "")
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets_in(item, name)
    elif name and isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
        yield Secret(str(float(value)) if isinstance(value, Decimal) else str(value), name)


def _parse_api(name: str, given: Mapping[str, Any]) -> Api:
    api = msgspec.convert({"base_url": "", "api_key": "", **merged(name, given), "name": name}, Api)
    return msgspec.structs.replace(api, base_url=api.base_url.rstrip("/"), path_prefix=api.path_prefix.rstrip("/"))


def with_nulls(part: Any) -> Any:
    """A part of a config with null for each empty text that stands for it."""
    if not isinstance(part, Mapping):
        return part
    return {
        name: None
        if value == "" and name in NULLABLE
        else value
        if name in {"headers", "params"}
        else with_nulls(value)
        for name, value in part.items()
    }


def merged(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given for an API, over what this API has otherwise than others."""
    merged = {**DEFAULTS[name], **given}
    for section, defaults in DEFAULTS[name].items():
        own = merged[section]
        merged[section] = {**defaults, **own} if isinstance(own, Mapping) else own
    return merged


# The schema


def config_jsonschema() -> dict[str, Any]:
    """The JSON Schema of the config, without what the SDK adds; a new one each time."""
    properties, schema = {}, _schema_of(ApiSettings)
    for name, streams in STREAMS.items():
        api = copy.deepcopy(schema)
        api["description"] = f"The {name} API; streams: {', '.join(streams)}."
        api["properties"]["streams"]["propertyNames"] = {"enum": list(streams)}
        _set_defaults(api, json.loads(msgspec.json.encode(_parse_api(name, {}))))
        properties[name] = api
    return {
        "type": "object",
        "properties": {**properties, **_schema_of(General)["properties"]},
        "additionalProperties": False,
    }


def rows() -> list[tuple[str, str, str, str]]:
    """The table of an API's settings: dotted name, description, default of feedback and support, default of analytics.

    A default is JSON, or empty where there is none.
    """
    apis = config_jsonschema()["properties"]
    feedback, analytics = (dict(_leaves(apis[name])) for name in ("feedback", "analytics"))
    return [
        (name, leaf["description"], *(json.dumps(of["default"]) if "default" in of else "" for of in (leaf, other)))
        for (name, leaf), other in zip(feedback.items(), analytics.values(), strict=True)
    ]


def _leaves(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The single settings of an object, by dotted name."""
    for name, part in schema["properties"].items():
        if "properties" in part:
            yield from _leaves(part, f"{prefix}{name}.")
        else:
            yield prefix + name, part


def _schema_of(kind: type[Struct]) -> dict[str, Any]:
    """The schema of a class, all in one piece."""
    schema = msgspec.json.schema(kind)
    inlined: dict[str, Any] = _inline(schema, schema.pop("$defs"))
    return inlined


def _inline(node: Any, parts: Mapping[str, Any]) -> Any:
    """Put the parts in the place of their references; write nulls and variants so that `--about` can show them."""
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
        return {**variant, **node, "type": [variant["type"], "null"]}
    if variants and all("properties" in variant for variant in variants):
        del node["anyOf"]
        tags = {variant["properties"]["type"]["enum"][0]: variant["description"] for variant in variants}
        words = " ".join(f"`{tag}`: {description}" for tag, description in tags.items())
        merged = {name: part for variant in variants for name, part in variant["properties"].items()}
        merged["type"] = {"type": "string", "enum": list(tags), "description": words}
        return {"type": "object", **node, "properties": merged, "additionalProperties": False}
    if "enum" in node:
        node["type"] = "string"
    return node


def _set_defaults(schema: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Set the defaults of one API, at the single settings and at no others."""
    for name, part in schema["properties"].items():
        part.pop("default", None)
        if "properties" in part:
            _set_defaults(part, defaults[name])
        elif name in defaults and name not in schema.get("required", ()):
            part["default"] = defaults[name]
    required = [name for name in schema.pop("required", ()) if name not in DEFAULTS["feedback"]]
    if required:
        schema["required"] = required
