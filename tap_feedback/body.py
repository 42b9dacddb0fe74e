"""Request bodies: their encoding, and values at dotted paths in them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from singer_sdk.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class PlaceError(ConfigurationError):
    """A body has no place for a value."""


_encoder = msgspec.json.Encoder(decimal_format="number")


def as_text(value: Any) -> Any:
    """Return the value of a parameter with `true` and `false` as JSON spells them."""
    if isinstance(value, (list, tuple)):
        return [as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def encode(data: Any, headers: Mapping[str, str]) -> bytes:
    """Encode a body: as a form if the `Content-Type` says so, else as JSON.

    A form has a list as several values, an object as JSON, and null not at all.
    """
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), JSON)
    if content_type.partition(";")[0].strip().lower() == FORM:
        return urlencode(
            {name: _field(value) for name, value in data.items() if value is not None}, doseq=True
        ).encode()
    return _encoder.encode(data)


def _field(value: Any) -> Any:
    """Return the value of a field in a form."""
    if isinstance(value, (list, tuple)):
        return [_field(item) for item in value]
    return _encoder.encode(value) if isinstance(value, dict) else as_text(value)


def with_values(body: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a body with values at dotted paths; see `set_path`."""
    copied = copy.deepcopy(body)
    for path, value in values.items():
        set_path(copied, path, value)
    return copied


def set_path(body: Any, path: str, value: Any) -> None:
    """Set a value at a dotted path of a body. Numbers in the path are positions in lists; missing parents are added.

    Raises:
        PlaceError: The path leads through a value that is not an object or a list, or past the end of a list.
    """
    node: Any = body
    steps = path.split(".")
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        made: Any = value if following is None else [] if following.isdecimal() else {}
        if isinstance(node, list) and step.isdecimal() and int(step) <= len(node):
            if int(step) == len(node):
                node.append(made)
            elif following is None:
                node[int(step)] = made
            node = node[int(step)]
        elif isinstance(node, dict):
            if following is None:
                node[step] = made
            node = node.setdefault(step, made)
        else:
            raise PlaceError(f"`{path}` does not lead into the `json` of the stream")


def remove_path(body: dict[str, Any], path: str) -> None:
    """Remove the member at a dotted path of a body, if there is one."""
    node: Any = body
    *parents, last = path.split(".")
    for step in parents:
        if isinstance(node, list) and step.isdecimal() and int(step) < len(node):
            node = node[int(step)]
        else:
            node = node.get(step) if isinstance(node, dict) else None
    if isinstance(node, dict):
        node.pop(last, None)
