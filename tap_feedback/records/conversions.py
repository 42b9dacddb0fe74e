"""Lossless conversions of values: each returns the value in its new type, or MISFIT.

Values are of the types that the JSON decoder returns: `dict`, `list`, `str`, `int`, finite `float`, `Decimal`, `bool`
and `None`.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from tap_feedback.json_types import PYTHON_TYPES
from tap_feedback.records import timestamps

if TYPE_CHECKING:
    from collections.abc import Callable

#: The result for a value that does not fit, as None is a value.
MISFIT = object()

#: Maximum number of digits that Python converts between text and integer by default, as the time is quadratic.
MAX_DIGITS = 4300

_match_integer = re.compile(r"0|-?[1-9][0-9]*").fullmatch
_match_number = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
_match_date = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII).fullmatch


def to_string(value: object) -> object:
    """Convert numbers to their digits, and booleans to the words of JSON."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in PYTHON_TYPES["number"]:
        try:
            return str(value)
        except ValueError:  # more than MAX_DIGITS
            return MISFIT
    return MISFIT


def to_boolean(value: object) -> object:
    """Convert the words of JSON in a text. 0 and 1 do not fit, as they may be counts."""
    if value == "true":
        return True
    return False if value == "false" else MISFIT


def to_integer(value: object) -> object:
    """Convert text with an integer as JSON writes it, and numbers without a fraction."""
    if type(value) is str:
        return int(value) if len(value) <= MAX_DIGITS and _match_integer(value) else MISFIT
    if type(value) is float:
        value = Decimal(repr(value))  # the digits that were sent, not those of the double
    if type(value) is Decimal and value.adjusted() < MAX_DIGITS and value == value.to_integral_value():
        return int(value)
    return MISFIT


def to_integer_within(low: float, high: float) -> Callable[[object], object]:
    """Return a conversion to integers between two bounds, inclusive."""

    def convert(value: object) -> object:
        whole = value if type(value) is int else to_integer(value)
        return whole if type(whole) is int and low <= whole <= high else MISFIT

    return convert


def to_number(value: object) -> object:
    """Convert text with a number as JSON writes it: to an integer, a double if that keeps the digits, or a Decimal."""
    if type(value) is not str or not _match_number(value):
        return MISFIT
    whole = to_integer(value)
    if whole is not MISFIT:
        return whole
    try:
        exact = Decimal(value)
    except InvalidOperation:  # an exponent beyond all bounds
        return MISFIT
    double = float(value)
    return double if Decimal(repr(double)) == exact else exact


def to_date_time(value: object) -> object:
    """Convert timestamps to RFC 3339 in UTC."""
    text = timestamps.normalize(value)
    return MISFIT if text is None else text


def to_date(value: object) -> object:
    """Accept text with a date. A time of day would be lost, so it does not fit."""
    if type(value) is not str or not _match_date(value):
        return MISFIT
    try:
        date.fromisoformat(value)
    except ValueError:
        return MISFIT
    return value


#: By JSON Schema type.
CONVERSIONS: dict[str, Callable[[object], object]] = {
    "string": to_string,
    "integer": to_integer,
    "number": to_number,
    "boolean": to_boolean,
}
#: By the format of a JSON Schema string.
FORMATS: dict[str, Callable[[object], object]] = {"date-time": to_date_time, "date": to_date}
