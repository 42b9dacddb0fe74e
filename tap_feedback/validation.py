"""What is wrong with a config, in lines that name the setting and never its value."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple, get_args
from urllib.parse import urlsplit

import msgspec
from jsonschema import Draft7Validator, FormatChecker
from jsonschema.validators import extend
from msgspec import UNSET

from tap_feedback.auth import Auth
from tap_feedback.auth.api_key import ApiKeyAuth
from tap_feedback.instants import parse_instant
from tap_feedback.paging import Paging
from tap_feedback.paging.cursor import CursorPaging
from tap_feedback.paging.offset import OffsetPaging
from tap_feedback.paging.single_page import SinglePage
from tap_feedback.settings import STREAMS, ApiSettings, config_jsonschema, merged, with_nulls
from tap_feedback.text import one_line


def is_address(text: str) -> bool:
    """Whether a text is an HTTP address with a host, and with a port that can be one."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_line(text: str) -> bool:
    """Whether a text is one line without control characters, and without blanks at its ends."""
    return text.isprintable() and text == text.strip()


def is_latin_1(text: str) -> bool:
    """Whether a text has only the characters that a header can carry."""
    return all(character <= "\xff" for character in text)


is_header_name = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch

#: The formats of texts in the schema: what such a text is, and what tells.
FORMATS: dict[str, tuple[str, Callable[[str], object]]] = {
    "address": ("an address with `http://` or `https://` and a host", is_address),
    "without-user": (
        "without user name and password: the secret goes into `api_key`",
        lambda text: "@" not in text.partition("//")[2].partition("/")[0],
    ),
    "without-query": ("without query, fragment and blanks", re.compile(r"[^\x00-\x20\x7f?#\\]*").fullmatch),
    "secret": (
        "must not be empty, and must not contain line breaks, control characters or leading or trailing spaces",
        lambda text: text and is_line(text),
    ),
    "name": ("a name: one line of text", lambda text: text and is_line(text)),
    "header-name": ("the name of a header, as in `X-Api-Version`", is_header_name),
    "header-value": ("one line of text in Latin-1, as a header is", lambda text: is_line(text) and is_latin_1(text)),
    "dotted-path": (
        "a dotted path without `*`, `[` and `]`, as in `meta.total`, or `$`",
        re.compile(r"\$|[^.\s*[\]]+(\.[^.\s*[\]]+)*").fullmatch,
    ),
    "url-path": (
        "a path that begins with `/`, without query, fragment and blanks",
        re.compile(r"/[^\x00-\x20\x7f?#]*").fullmatch,
    ),
    "url-or-path": (
        "an address with `http://` or `https://` and a host, or a path that begins with `/`",
        lambda text: is_address(text) or (text.startswith("/") and text.isprintable()),
    ),
    "url-prefix": (
        "empty, or a path that begins with `/`, without query, fragment and blanks",
        re.compile(r"(/[^\x00-\x20\x7f?#]*)?").fullmatch,
    ),
    "time-format": (
        "a strftime pattern, as in `%Y-%m-%d`, or `epoch`, `epoch_ms`",
        lambda text: text in {"epoch", "epoch_ms"} or (is_line(text) and re.search("%[A-Za-z]", text)),
    ),
    # A bare number is an epoch elsewhere; here it would rather be a year.
    "date-time": (
        "a date or date-time, as in `2024-01-31` or `2024-01-31T00:00:00Z`",
        lambda text: re.match(r"\d{4}-", text) and parse_instant(text),
    ),
}


class Fault(NamedTuple):
    """What is wrong with a setting, in words that follow its name."""

    where: tuple[str, ...]
    words: str


#: Where other tools put the secret.
SECRET_KEYS = {"api_key", "token", "access_token", "username", "password", "secret"}
MISSING = "is missing: it is required"
NOUNS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
BOUNDS = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}


def problems(config: object, *, schema: Mapping[str, Any] | None = None, complete: bool = True) -> list[str]:
    """All that is wrong with a config: a line each, with the setting's name and what is expected, never its value.

    Args:
        config: What was read.
        schema: The schema of `config_jsonschema`, with what the SDK adds.
        complete: Whether what is required must be there.
    """
    if not isinstance(config, Mapping):
        return ["the config must be an object"]
    schema = schema or config_jsonschema()
    given: Mapping[str, Any] = with_nulls(config)
    whole = {
        name: merged(name, value) if name in STREAMS and isinstance(value, Mapping) else value
        for name, value in given.items()
    }
    found = list(_faults_by_schema(schema, whole))
    found += _conflicts(whole, found)
    order = [*schema["properties"], *ApiSettings.__struct_fields__]
    found.sort(key=lambda fault: [order.index(name) if name in order else len(order) for name in fault.where[:2]])
    lines = (f"`{'.'.join(map(one_line, where))}` {words}" for where, words in found if complete or words != MISSING)
    return list(dict.fromkeys(lines))


def _faults_by_schema(schema: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
    formats = FormatChecker(formats=())
    for name, (_, holds) in FORMATS.items():
        formats.checks(name)(lambda value, holds=holds: not isinstance(value, str) or bool(holds(value)))
    # JSON Schema takes 1.0 for an integer, and Python's JSON reads NaN.
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
                Fault((*where, name), _unknown(where, name, known)) for name in error.instance if name not in known
            )
        elif "propertyNames" in error.absolute_schema_path:
            yield Fault((*where, error.instance), f"has a wrong name: it must be {_expected(error.schema)}")
        else:
            words = _expected(error.schema)
            yield Fault(where, words if words.startswith("must ") else f"must be {words}")


def _conflicts(config: Mapping[str, Any], found: list[Fault]) -> Iterator[Fault]:
    """What does not go together, among settings of which each is right by itself."""
    wrong = {fault.where[:depth] for fault in found for depth in (1, 2, 3)}
    for name, api in config.items():
        if name not in STREAMS or not isinstance(api, Mapping):
            continue
        for section, kinds in (("auth", get_args(Auth)), ("paginator", get_args(Paging))):
            place = (name, section)
            fields = {kind.__struct_config__.tag: kind.__struct_fields__ for kind in kinds}
            if not isinstance(api[section], Mapping) or (*place, "type") in wrong:
                continue
            own = fields[api[section]["type"]]
            owners = [
                (key, tag) for key in api[section] for tag, keys in fields.items() if key in keys and key not in own
            ]
            for key, tag in owners:
                yield Fault((*place, key), f"belongs to the {section} type {tag}")
            if not owners and place not in wrong:
                yield from _conflicts_within(place, api)
    yield from _conflicts_of_dates(config, wrong)


def _conflicts_of_dates(config: Mapping[str, Any], wrong: set[tuple[str, ...]]) -> Iterator[Fault]:
    """What does not go together in times and ranges."""
    for name in STREAMS:
        api = config.get(name)
        ranges = api.get("incremental") if isinstance(api, Mapping) else None
        if isinstance(ranges, Mapping) and ranges.get("window") is not None:
            for param in ("start_param", "end_param"):
                if ranges.get(param) is None:
                    yield Fault((name, "incremental", param), "must be set where `window` is")
    start, end = (config.get(name) for name in ("start_date", "end_date"))
    if start and end and not wrong & {("start_date",), ("end_date",)}:
        first, last = parse_instant(start), parse_instant(end)
        if first is not None and last is not None and first >= last:
            yield Fault(("start_date",), "must be before `end_date`")
    if start and ("start_date",) not in wrong:
        first = parse_instant(start)
        if first is not None and first > datetime.now(timezone.utc):
            yield Fault(("start_date",), "lies in the future, so nothing would be read")


def _conflicts_within(place: tuple[str, str], api: Mapping[str, Any]) -> Iterator[Fault]:
    """What does not go together in an `auth`, with the key, or in a `paginator`."""
    part: Auth | Paging = msgspec.convert(api[place[1]], Auth if place[1] == "auth" else Paging)
    if isinstance(part, OffsetPaging):
        # On pages of one row nothing can be shared, so there the default has no effect.
        if part.overlap >= max(part.limit, 2):
            yield Fault((*place, "overlap"), "must be less than `limit`")
    elif isinstance(part, CursorPaging):
        if part.stop_condition not in (UNSET, f"{part.cursor_path} is not defined"):
            yield Fault((*place, "stop_condition"), "must be `<cursor_path> is not defined`, or be left out")
    elif not isinstance(part, SinglePage):
        in_header = not isinstance(part, ApiKeyAuth) or part.location == "header"
        if in_header and isinstance(part, ApiKeyAuth) and not is_header_name(part.name):
            yield Fault((*place, "name"), f"must be {FORMATS['header-name'][0]}")
        if in_header and not is_latin_1(str(api.get("api_key", ""))):
            yield Fault((place[0], "api_key"), "must have only Latin-1 characters, as it is sent in a header")


def _unknown(where: tuple[str, ...], name: str, known: Mapping[str, Any]) -> str:
    if where[1:] == ("auth",) and name in SECRET_KEYS:
        return f"is not a setting: the secret goes into `{where[0]}.api_key`"
    if not where and name in ApiSettings.__struct_fields__:
        return "is not a setting here: it belongs into `feedback`, `analytics` or `support`"
    if "." in name and name.partition(".")[0] in known:
        return f"is not a setting: in JSON, `{name.partition('.')[0]}` is an object with the rest in it"
    nested = [f"`{part}.{name}`" for part, schema in known.items() if name in schema.get("properties", ())]
    if where and nested:
        return f"is not a setting: did you mean {' or '.join(nested)}?"
    close = difflib.get_close_matches(name, known, 1)
    return f"is not a setting: did you mean `{close[0]}`?" if close else "is not a setting"


def _expected(schema: Mapping[str, Any]) -> str:
    """What a schema wants, in words."""
    if "enum" in schema:
        values = ", ".join(f"`{value}`" for value in schema["enum"])
        return f"one of {values}" if len(schema["enum"]) > 1 else values
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        words = [_expected(variant) for variant in schema["anyOf"]]
        return " or ".join(word for word in words if word != NOUNS["integer"] or NOUNS["number"] not in words)
    kinds = schema.get("type", [])
    nouns = [NOUNS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    bounds = " and ".join(f"{words} {schema[key]}" for key, words in BOUNDS.items() if key in schema)
    if "format" in schema:
        nouns[:1] = [FORMATS[schema["format"]][0] if schema["format"] in FORMATS else schema["format"]]
    elif isinstance(schema.get("items"), Mapping):
        nouns[0] = f"a list, each item {_expected(schema['items'])}"
    elif bounds:
        nouns[0] += f", {bounds}"
    *others, last = nouns or ["as its description says"]
    # A comma, as "or" may stand within the description of a format.
    return f"{', '.join(others)}, or {last}" if others and "format" in schema else " or ".join([*others, last])
