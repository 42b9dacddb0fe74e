"""Page: a decoded response and its rows."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import error_in, looks_like_error
from tap_feedback.json_types import noun
from tap_feedback.retry import TransientError
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

#: Maximum number of names in an unexpected response that an error lists.
NAMES_LISTED = 10
#: A double keeps all digits of a number of at most this many characters, including the point.
SAFE_DIGITS = 16

MISSING: Any = object()


class NotDataError(TransientError):
    """The response is an error with a status of success, or has its rows elsewhere.

    For a stream's first response, wrong settings are the likelier cause, so one retry is enough.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint=hint, first_retries=1)


class Page(NamedTuple):
    """The rows of one response, in their order, and the decoded response itself, which is MISSING without a body.

    `unstorable` says whether texts may hold characters that targets cannot store; see `decode`.
    """

    rows: list[dict[str, Any]]
    response: Any
    received: datetime
    unstorable: bool = False
    headers: Mapping[str, str] = {}


class Selection(NamedTuple):
    """Where the rows of a response are.

    `paths` are dotted paths, of which the first that holds a list is used. `empty_ok` says that a response without any
    of them is an empty page, and `single_object` that the path may hold one object, which is the only row.
    """

    paths: tuple[str, ...]
    empty_ok: bool = False
    single_object: bool = False

    def find(self, response: Any) -> tuple[str, Any]:
        """Return the path to use and its value, which may be MISSING."""
        found = [(path, lookup(response, path)) for path in self.paths]
        present = (pair for pair in found if pair[1] is not MISSING)
        return next((pair for pair in found if isinstance(pair[1], list)), next(present, found[0]))


def parse_number(text: str) -> float | Decimal:
    """Return a number with a fraction or an exponent as a double if that keeps its digits, else as a Decimal."""
    if len(text) <= SAFE_DIGITS and "e" not in text and "E" not in text:
        return float(text)
    exact, double = Decimal(text), float(text)
    return double if exact == Decimal(repr(double)) else exact


#: Scores and averages repeat, so most of them are found in the cache.
_decoder = msgspec.json.Decoder(float_hook=lru_cache(4096)(parse_number))
#: Finds an escaped NUL, in less time than the operator `in`.
_find_nul = re.compile(rb"\\u0000").search


def decode(body: bytes) -> tuple[Any, bool]:
    """Decode JSON without losing digits.

    Returns:
        The value, and whether its texts may hold a NUL character or a lone surrogate, which targets cannot store.

    Raises:
        TransientError: It is not JSON, or nested too deeply, or has an exponent beyond a Decimal's.
    """
    try:
        return _decoder.decode(body), _find_nul(body) is not None
    except msgspec.DecodeError as error:
        # msgspec rejects two things that JSON allows: a byte order mark, and a lone surrogate in an escape.
        if b"\\u" not in body and not body.startswith(b"\xef\xbb\xbf"):
            raise TransientError(f"the response is not JSON ({error})") from None
    except (ArithmeticError, RecursionError, UnicodeDecodeError) as error:
        raise TransientError(f"the response is not JSON that can be read ({type(error).__name__})") from None
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=parse_number, parse_constant=_refuse), True
    except (ArithmeticError, RecursionError, ValueError) as error:
        raise TransientError(f"the response is not JSON ({type(error).__name__})") from None


def _refuse(constant: str) -> Any:
    """Reject NaN and Infinity, which Python's decoder accepts but JSON does not have."""
    raise ValueError(constant)


def lookup(response: Any, path: str) -> Any:
    """Return the value at a dotted path; MISSING if there is none. `$` is the response itself."""
    if path == "$":
        return response
    for step in path.removeprefix("$.").split("."):
        if not isinstance(response, dict) or step not in response:
            return MISSING
        response = response[step]
    return response


def read_page(body: bytes, selection: Selection, received: datetime, headers: Mapping[str, str] | None = None) -> Page:
    """Decode a response and select its rows. An empty body (204) is an empty page.

    Raises:
        NotDataError: The selector's key is missing, or the response reports an error, as some APIs do with status 200.
        TransientError: It is not JSON.
        FatalAPIError: The selector's value is not a list of objects.
    """
    if not body:
        return Page([], MISSING, received, headers=headers or {})
    response, unstorable = decode(body)
    data_selector, rows = selection.find(response)
    is_empty = rows is MISSING or not rows
    error = error_in(response, data_selector, empty=is_empty, is_row=selection.single_object and not is_empty)
    if rows is MISSING:
        if not selection.empty_ok or not isinstance(response, dict) or any(map(looks_like_error, response)):
            raise _no_rows(response, data_selector)
        rows = None
    if error is not None:
        raise NotDataError(
            f"the response reports a failure in `{error}`", "; check `api_key`, and the limits of the API"
        )
    if rows is None:
        return Page([], response, received, headers=headers or {})
    if selection.single_object and isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        raise FatalAPIError(f"`{data_selector}` is {_describe(rows)}, not a list of objects; check `data_selector`")
    for position, row in enumerate(rows):
        if type(row) is not dict:
            raise FatalAPIError(
                f"row {position + 1} of `{data_selector}` is {_describe(row)}, not an object; check `data_selector`"
            )
    return Page(rows, response, received, unstorable, headers or {})


def bare_page(body: bytes, received: datetime, headers: Mapping[str, str]) -> Page:
    """Return a page without rows, which a stream's own hook adds. The response need not be JSON."""
    try:
        return Page([], decode(body)[0], received, headers=headers)
    except TransientError:
        return Page([], {}, received, headers=headers)


def _no_rows(response: Any, data_selector: str) -> NotDataError:
    """Return the error for a response without the selector's key, which names the setting to check."""
    hint = "; check `data_selector`"
    if isinstance(response, dict) and any(map(looks_like_error, response)):
        hint = "; it looks like an error: check `api_key` first, then `data_selector`"
    return NotDataError(f"the response has no `{data_selector}`: it is {_describe(response)}", hint)


def _describe(value: Any) -> str:
    """Describe the type of a JSON value: for an object with the names in it, but never with values."""
    if isinstance(value, dict):
        listed = ", ".join(map(one_line, list(value)[:NAMES_LISTED]))
        more = ", …" if len(value) > NAMES_LISTED else ""
        return f"an object with the keys {listed}{more}" if value else "an empty object"
    return noun(value)
