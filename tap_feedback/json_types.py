"""JSON types: the Python types of their values, and their names in messages."""

from __future__ import annotations

from decimal import Decimal
from types import NoneType

#: By JSON Schema type, the types that a decoder gives to its values.
PYTHON_TYPES: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float, Decimal}),
    "boolean": frozenset({bool}),
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "null": frozenset({NoneType}),
}
#: By Python type, the narrowest JSON Schema type of its values.
TYPE_NAMES = {type_: name for name, types in reversed(PYTHON_TYPES.items()) for type_ in types}
#: By JSON Schema type, its name in a message.
NOUNS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}


def noun(value: object) -> str:
    """Return the type of a decoded value as a message names it, such as `a list`; integers, too, are `a number`."""
    name = TYPE_NAMES[type(value)]
    return NOUNS["number" if name == "integer" else name]
