"""Compiled schema: the conversions to try on each value."""

from __future__ import annotations

import math
import re
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema import Draft7Validator, FormatChecker

from tap_feedback.json_types import NOUNS, PYTHON_TYPES
from tap_feedback.records.conversions import CONVERSIONS, FORMATS, MISFIT, to_integer_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    #: Takes a value, its path and a list for misfits inside the value; returns the converted value, or MISFIT.
    Attempt = Callable[[object, str, list["Misfit"]], object]

NO_TYPES: frozenset[type] = frozenset()
#: Keywords that are checked on values that were made to fit. Values of another type pass.
LIMITS = {
    *("enum", "const", "not", "allOf", "oneOf", "if", "pattern", "minLength", "maxLength", "multipleOf"),
    *("exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "contains", "additionalItems"),
    *("minProperties", "maxProperties", "patternProperties", "propertyNames", "dependencies"),
}


class Misfit(NamedTuple):
    """A value that was removed. `wanted` is empty if the schema does not have the property."""

    path: str
    value: object
    wanted: str


class Property:
    """What a subschema allows for a value."""

    def __init__(self, schema: Mapping[str, Any] | bool) -> None:  # noqa: FBT001 - `true` and `false` are schemas
        if isinstance(schema, bool):
            schema = {} if schema else {"type": ()}
        #: Python types whose values fit unchanged.
        self.as_is: frozenset[type] = NO_TYPES
        #: Conversions to try in turn on other values.
        self._attempts: list[Attempt] = []
        #: The check of objects; None if only the attempts can make them fit.
        self.object: Object | None = None
        #: The bounds of integers; empty without bounds, or if another type allows any integer.
        self.bounds: tuple[float, float] | tuple[()] = ()
        options = schema.get("anyOf", schema.get("oneOf", ()))
        types = schema.get("type", () if options else tuple(PYTHON_TYPES))
        names = [types] if isinstance(types, str) else types
        wanted = [self._accept(name, schema) for name in names]
        for option in [] if "type" in schema else [Property(option) for option in options]:
            self.as_is |= option.as_is
            self._attempts.append(option.fit)
            wanted.append(option.wanted)
        #: The names of the types in a message; empty if no value fits.
        self.wanted: str = " or ".join(wanted)
        #: Whether text fits only as a timestamp in RFC 3339.
        self.is_date_time = "a date-time" in wanted and str not in self.as_is
        if int in self.as_is:
            self.bounds = ()
        if (limits := _limits(schema, names)) is not None:
            self._attempts = [_within(limits, self.as_is, self._attempts)]
            self.as_is = PYTHON_TYPES["null"] if self.nullable and _holds(limits, None) else NO_TYPES
            self.is_date_time, self.bounds, self.object = False, (), None
            self.wanted += " within the limits of its schema"

    def _accept(self, name: str, schema: Mapping[str, Any]) -> str:
        """Accept one type of a schema, and name it."""
        format_ = schema.get("format")
        if name == "string" and format_ in FORMATS:
            self._attempts.append(_on_value(FORMATS[format_]))
            return f"a {format_}"
        if name == "integer" and schema.keys() & {"minimum", "maximum"}:
            self.bounds = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
            self._attempts.append(_on_value(to_integer_within(*self.bounds)))
            return f"{NOUNS[name]} {_range(*self.bounds)}"
        if name == "object" and schema.keys() & {"properties", "additionalProperties", "required"}:
            self.object = Object(schema)
            self._attempts.append(self.object.fit)
        elif name == "array" and isinstance(schema.get("items"), (dict, bool)):
            self._attempts.append(Array(schema).fit)
        else:
            self.as_is |= PYTHON_TYPES[name]
        if name in CONVERSIONS:
            self._attempts.append(_on_value(CONVERSIONS[name]))
        return NOUNS[name]

    @property
    def nullable(self) -> bool:
        """Whether null fits."""
        return NoneType in self.as_is

    def fit(self, value: object, path: str, misfits: list[Misfit]) -> object:
        """Return the value, converted if necessary, or MISFIT. What was removed from it is added to `misfits`."""
        if type(value) in self.as_is:
            return value
        for attempt in self._attempts:
            fitted = attempt(value, path, misfits)
            if fitted is not MISFIT:
                return fitted
        return MISFIT

    def settle(self, members: dict[str, Any], name: str, path: str, misfits: list[Misfit]) -> None:
        """Make a member of an object fit, in place. If it cannot, set it to null, or remove it if null does not fit."""
        value = members[name]
        fitted = self.fit(value, path, misfits)
        if fitted is not MISFIT:
            members[name] = fitted
            return
        misfits.append(Misfit(path, value, self.wanted))
        if self.nullable:
            members[name] = None
        else:
            del members[name]


class Object:
    """What a subschema allows for the members of an object."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._members = {name: Property(subschema) for name, subschema in schema.get("properties", {}).items()}
        self._others = Property(schema.get("additionalProperties", True))
        self._as_is = {name: member.as_is for name, member in self._members.items()}
        self._required = frozenset(schema.get("required", ()))

    def holds(self, value: dict[str, Any]) -> bool:
        """Return whether the object fits unchanged."""
        as_is = self._as_is
        try:
            for name, item in value.items():
                if type(item) not in as_is[name]:
                    return False
        except KeyError:  # a member that the schema does not list
            others = self._others.as_is
            if any(type(item) not in as_is.get(name, others) for name, item in value.items()):
                return False
        return self._required <= value.keys()

    def fit(self, value: object, path: str, misfits: list[Misfit]) -> object:
        """Return the object if its members fit, else a copy with converted members, or MISFIT."""
        if type(value) is not dict:
            return MISFIT
        if self.holds(value):
            return value
        as_is, others = self._as_is.get, self._others
        unfit = [name for name, item in value.items() if type(item) not in as_is(name, others.as_is)]
        fitted = dict(value)
        found: list[Misfit] = []
        for name in unfit:
            self._members.get(name, others).settle(fitted, name, f"{path}.{name}", found)
        for name in self._required - fitted.keys():
            if not self._members.get(name, others).nullable:
                return MISFIT
            fitted[name] = None
        misfits += found
        return fitted


class Array:
    """What a subschema allows for the items of a list."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._item = Property(schema["items"])

    def fit(self, value: object, path: str, _misfits: list[Misfit]) -> object:
        """Return the list if its items fit, else a copy with converted items, or MISFIT."""
        if type(value) is not list:
            return MISFIT
        if self._item.as_is.issuperset(map(type, value)):
            return value
        found: list[Misfit] = []
        fitted = [self._item.fit(item, path, found) for item in value]
        if found or any(item is MISFIT for item in fitted):
            return MISFIT
        return fitted


def _on_value(convert: Callable[[object], object]) -> Attempt:
    """Return a conversion that needs only the value as an attempt."""
    return lambda value, _path, _misfits: convert(value)


def is_within(low: float, high: float) -> Callable[[int], bool]:
    """Return a check of the bounds of integers."""
    return lambda value: low <= value <= high


def _limits(schema: Mapping[str, Any], types: Iterable[str]) -> Draft7Validator | None:
    """Return a check of the keywords that conversions do not handle; None if a schema does not have them."""
    limits = {name: value for name, value in schema.items() if name in LIMITS}
    if "type" in schema and "anyOf" in schema:
        limits["anyOf"] = schema["anyOf"]
    if isinstance(schema.get("items"), list):
        limits["items"] = schema["items"]
    if "number" in types:
        limits |= {name: schema[name] for name in ("minimum", "maximum") if name in schema}
    formats = FormatChecker()
    if schema.get("format") in formats.checkers.keys() - FORMATS.keys():
        limits["format"] = schema["format"]
    return Draft7Validator(limits, format_checker=formats) if limits else None


def _within(limits: Draft7Validator, as_is: frozenset[type], attempts: Sequence[Attempt]) -> Attempt:
    """Return an attempt whose result must also be within limits."""

    def attempt(value: object, path: str, misfits: list[Misfit]) -> object:
        if type(value) in as_is and _holds(limits, value):
            return value
        for attempt in attempts:
            found: list[Misfit] = []
            fitted = attempt(value, path, found)
            if fitted is not MISFIT and _holds(limits, fitted):
                misfits += found
                return fitted
        return MISFIT

    return attempt


def _holds(limits: Draft7Validator, value: object) -> bool:
    """Return whether a value is within limits. A value that cannot be compared with them is not."""
    try:
        return bool(limits.is_valid(value))
    except (ArithmeticError, TypeError, re.error):
        return False


def _range(low: float, high: float) -> str:
    """Return bounds in words that follow a noun."""
    if low == -math.inf:
        return f"of at most {high}"
    return f"of at least {low}" if high == math.inf else f"from {low} to {high}"
