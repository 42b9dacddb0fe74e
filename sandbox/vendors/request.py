"""Requests as a player reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sandbox.exchange import Refused, flat

if TYPE_CHECKING:
    from sandbox.exchange import RecordedRequest


@dataclass(frozen=True)
class VendorRequest:
    """A request, with its parameters wherever they are.

    Args:
        sent: What the server received.
        url: The address of the server.
    """

    sent: RecordedRequest
    url: str

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters by name: in a POST those of the body by dotted path, otherwise those of the query.

        A name that comes several times has its values with commas between them.
        """
        if self.sent.method == "POST":
            return dict(flat(self.sent.json))
        params: dict[str, Any] = {}
        for name, value in self.sent.query:
            params[name] = f"{params[name]},{value}" if name in params else value
        return params

    def whole(self, name: str | None, default: int, *, least: int = 1, most: int | None = None) -> int:
        """A whole number among the parameters.

        Raises:
            Refused: The parameter is something else, or out of bounds.
        """
        value = default if name is None else self.params.get(name, default)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if type(value) is not int or value < least or (most is not None and value > most):
            raise Refused(400, f"{name} must be a whole number from {least} to {most}")
        return value
