"""Requests and responses of the sandbox, and the parsing of parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.timeline import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
#: Maximum number of digits, so that a number fits into 64 bits, as with many vendors.
MOST_DIGITS = 18


@dataclass(slots=True)
class RecordedRequest:
    """A request that the server received. Its status is None until the server has responded."""

    time: float
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""
    status: int | None = None

    @property
    def json(self) -> Any:
        """The value in a JSON body.

        Raises:
            Refused: The body is not JSON.
        """
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            raise Refused(400, "the body is not JSON") from None


class Response(NamedTuple):
    """A response before it is sent."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
        """Return a response with a JSON value as its body."""
        return cls(status, json.dumps(value).encode(), headers or {})


class Refused(Exception):  # noqa: N818 - a response, not a failure of the sandbox
    """A request that gets an error response."""

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the scalars in a JSON value with their dotted paths, in which positions in lists are numbers."""
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def whole(params: Mapping[str, Any], name: str, default: int, *, least: int) -> int:
    """Return a parameter as a whole number: digits in a query, a number in a body.

    Raises:
        Refused: The parameter is something else, or less than `least`.
    """
    value = params.get(name, default)
    # `int` alone would accept spaces, signs, underscores and the digits of every script.
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
        value = int(value)
    if type(value) is not int or value < least:
        raise Refused(400, f"{name} must be a whole number from {least}, not {value!r}")
    return value


def instant(params: Mapping[str, Any], name: str) -> int:
    """Return a parameter as a time, in microseconds.

    Raises:
        Refused: It is not of the form 2024-01-31T00:00:00Z.
    """
    text = str(params[name])
    try:
        moment = datetime.strptime(text, TIME_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        moment = None
    # `strptime` alone would accept numbers of fewer digits.
    if moment is None or moment.strftime(TIME_FORMAT) != text:
        raise Refused(400, f"{name} must be a time like 2024-01-31T00:00:00Z, not {text!r}")
    return int(moment.timestamp()) * SECOND
