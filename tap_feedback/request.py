"""Requests of a stream: their parameters and body, for a time range and a page."""

from __future__ import annotations

import copy
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from singer_sdk.exceptions import ConfigurationError

from tap_feedback.body import as_text, remove_path, set_path
from tap_feedback.paging import PageRequest
from tap_feedback.records.timestamps import EPOCH_UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_feedback.settings import Stream

#: A variable in a path, a parameter or a body.
VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)\}")
#: The variables for the time range of a request.
START, END = "incremental.start_value", "incremental.end_value"
#: The prefix of variables for fields of the parent's row.
PARENT = "parent."


NO_PARENT: Mapping[str, Any] = MappingProxyType({})


class RangeRequest(NamedTuple):
    """The parts of a request that differ within a stream: the parameters of a pass, a time range, a page."""

    params: Mapping[str, Any] = {}
    start: str | None = None
    end: str | None = None
    page: PageRequest = PageRequest(is_first=True)


class Assembler:
    """Builds the requests of one stream.

    Args:
        stream: The stream's settings.
        params: The parameters of its API.
    """

    def __init__(self, stream: Stream, params: Mapping[str, Any]) -> None:
        self._stream = stream
        self._params = {**params, **stream.params}
        self._range_in_body = stream.method == "POST"
        self._page_in_body = stream.paginator.location == "body"

    @property
    def sends_start(self) -> bool:
        """Whether the requests have a place for the start of the range."""
        return self._stream.incremental.start_param is not None or self._mentions(START)

    @property
    def sends_end(self) -> bool:
        """Whether the requests have a place for the end of the range."""
        return self._stream.incremental.end_param is not None or self._mentions(END)

    def _mentions(self, name: str) -> bool:
        stream = self._stream
        return f"{{{name}}}" in str([self._params, stream.json, stream.passes])

    def params(self, wanted: RangeRequest, parent: Mapping[str, Any] = NO_PARENT) -> dict[str, Any]:
        """Return the query parameters of a request; `parent` has the variables of the parent's row."""
        values = {**_range(wanted), **parent}
        params = {name: fill(value, values.get) for name, value in {**self._params, **wanted.params}.items()}
        params = {name: value for name, value in params.items() if not has_variable(value)}
        if not self._range_in_body:
            params |= self._range_params(wanted)
        if not self._page_in_body:
            params |= wanted.page.params
        return {name: as_text(value) for name, value in params.items() if self._is_sent(name, wanted)}

    def body(self, wanted: RangeRequest, parent: Mapping[str, Any] = NO_PARENT) -> dict[str, Any] | None:
        """Return the JSON body of a request, None for a GET; `parent` has the variables of the parent's row.

        Raises:
            ConfigurationError: It has a variable without a value.
        """
        if self._stream.method == "GET":
            return None
        body: dict[str, Any] = fill(copy.deepcopy(self._stream.json), {**self._numbers(wanted), **parent}.get)
        if has_variable(body):
            remedy = "`start_date` or `incremental.initial_value`" if START in str(body) else "`end_date`"
            raise ConfigurationError(
                f"`{self._stream.name}`: its `json` has a variable for the time range, which has no value; set {remedy}"
            )
        for name in [] if wanted.page.is_first else self._stream.paginator.first_page_only:
            remove_path(body, name)
        values = dict(self._range_params(wanted, in_body=True))
        if self._page_in_body:
            values |= wanted.page.params
        for name, value in values.items():
            if self._is_sent(name, wanted):
                set_path(body, name, value)
        return body

    def _is_sent(self, name: str, wanted: RangeRequest) -> bool:
        return wanted.page.is_first or name not in self._stream.paginator.first_page_only

    def _range_params(self, wanted: RangeRequest, *, in_body: bool = False) -> dict[str, Any]:
        """Return the parameters of the time range."""
        incremental, values = self._stream.incremental, self._numbers(wanted) if in_body else _range(wanted)
        named = {incremental.start_param: values.get(START), incremental.end_param: values.get(END)}
        return {name: value for name, value in named.items() if name is not None and value is not None}

    def _numbers(self, wanted: RangeRequest) -> dict[str, Any]:
        """Return the time range for a JSON body, in which epochs are numbers."""
        is_epoch = self._stream.incremental.format in EPOCH_UNITS
        return {name: int(value) if is_epoch else value for name, value in _range(wanted).items()}


def of_parent(context: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the variables for the fields of the parent's row."""
    return {PARENT + field: value for field, value in context.items()} if context else NO_PARENT


def _range(wanted: RangeRequest) -> dict[str, str]:
    return {name: value for name, value in ((START, wanted.start), (END, wanted.end)) if value is not None}


def fill(value: Any, value_of: Callable[[str], Any], *, in_path: bool = False) -> Any:
    """Return a value with its variables replaced. Variables without a value are kept.

    A text that consists of one variable becomes its value, with the type of the value.

    Args:
        value: A text, or an object or list that holds texts.
        value_of: Returns the value of a variable, or None.
        in_path: Whether values are quoted for a path.
    """
    if isinstance(value, dict):
        return {name: fill(item, value_of, in_path=in_path) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(fill(item, value_of, in_path=in_path) for item in value)
    if not isinstance(value, str):
        return value

    def text(found: re.Match[str]) -> str:
        filled = value_of(found[1])
        if filled is None:
            return found[0]
        return quote(str(as_text(filled)), safe="") if in_path else str(as_text(filled))

    whole = VARIABLE.fullmatch(value)
    if whole and not in_path and (filled := value_of(whole[1])) is not None:
        return filled
    return VARIABLE.sub(text, value)


def has_variable(value: Any) -> bool:
    """Return whether a value has a variable for the time range."""
    return START in (text := str(value)) or END in text
