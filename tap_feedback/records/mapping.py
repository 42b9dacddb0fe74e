"""Mapping of records by the SDK's selection, stream maps and flattening, with a message if it fails."""

from __future__ import annotations

import copy
import traceback
from typing import TYPE_CHECKING, Any

from simpleeval import (  # type: ignore[import-untyped]
    AttributeDoesNotExist,
    FeatureNotAvailable,
    FunctionNotDefined,
    NameNotDefined,
)
from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import DefaultStreamMap, SameRecordTransform

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import SelectionMask

Record = dict[str, Any]


class MappingFailedError(Exception):
    """A record cannot be mapped. The message names the setting, and does not quote the record."""

    def __init__(self, message: str, record: Record) -> None:
        super().__init__(message)
        self.record = record


class Mapper:
    """Makes the output of each record of a stream.

    Args:
        stream: Its name.
        maps: Its stream maps, which also flatten.
        mask: The selected properties.
        configured: The names in the setting `stream_maps`.
    """

    def __init__(
        self,
        stream: str,
        maps: Sequence[StreamMap],
        *,
        mask: SelectionMask,
        configured: Container[str],
    ) -> None:
        self._stream = stream
        self._maps = maps
        self._mask = mask
        self._configured = configured
        first, *others = maps
        plain = type(first) is SameRecordTransform and not first.flattening_enabled
        #: Whether records are written as they are: not deselected, mapped or flattened.
        self.is_plain = plain and not others and all(mask.values())

    def __call__(self, record: Record) -> Iterator[tuple[str, Record]]:
        """Yield the result of each stream map for a record: the name of its stream, and the mapped record.

        Raises:
            MappingFailedError: A stream map failed, or the record is nested too deeply for the SDK.
        """
        try:
            # A copy, as the paginator compares the original rows with those of the next page.
            selected = copy.deepcopy(record)
            drop_deselected(selected, self._mask)
        except RecursionError:
            raise MappingFailedError(self._too_deep(), record) from None
        for stream_map in self._maps:
            try:
                mapped = stream_map.transform(selected)
            except RecursionError:
                raise MappingFailedError(self._too_deep(), record) from None
            except Exception as error:  # noqa: BLE001 - an expression may raise anything
                place = ".".join(["stream_maps", self._name(stream_map), *_property(error)])
                raise MappingFailedError(f"`{place}` failed ({_reason(error)}): check its expression", record) from None
            if mapped is not None:
                yield stream_map.stream_alias, _with_columns(mapped, stream_map)

    def _name(self, stream_map: StreamMap) -> str:
        """Return the name of a map in the setting: its own if it is configured, else that of the stream."""
        return stream_map.stream_alias if stream_map.stream_alias in self._configured else self._stream

    def _too_deep(self) -> str:
        """Return the message for a record that is nested too deeply, with the setting that is to blame."""
        if not all(isinstance(stream_map, DefaultStreamMap) for stream_map in self._maps):
            setting = "`stream_maps`"
        else:
            setting = (
                "`flattening_enabled`" if self._maps[0].flattening_enabled else "a catalog that deselects properties"
            )
        return f"the record is nested too deeply for {setting}"


def drop_deselected(record: Record, mask: SelectionMask, breadcrumb: tuple[str, ...] = ()) -> None:
    """Remove the deselected properties of a record, and those of the objects in it, in place.

    Raises:
        RecursionError: It is nested too deeply.
    """
    for name in list(record):
        inner = (*breadcrumb, "properties", name)
        if not mask[inner]:
            del record[name]
        elif isinstance(record[name], dict):
            drop_deselected(record[name], mask, inner)


def closed(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Return a schema that passes only values for which the SDK's flattening makes a column.

    Flattening makes no column for members that a nested object does not list, and its column for a property without a
    type does not fit all values. Objects and lists that are not flattened become JSON text.

    Args:
        schema: The schema of the records, or of a nested object.
        depth: Number of levels of nested objects to flatten.
    """
    properties = {}
    for name, subschema in schema.get("properties", {}).items():
        types = subschema.get("type", ())
        kinds = {types} if isinstance(types, str) else {*types}
        if "object" in kinds and "properties" in subschema and depth:
            inner = closed(subschema, depth - 1)
            properties[name] = {**inner, "type": sorted(kinds & {"object", "null"}), "additionalProperties": False}
        elif kinds & {"object", "array"}:
            properties[name] = {**subschema, "type": sorted(kinds & {"object", "array", "string", "null"})}
        elif kinds:
            properties[name] = subschema
    return {**schema, "properties": properties}


def _with_columns(record: Record, stream_map: StreamMap) -> Record:
    """Return a record. If it was flattened, leave out null objects, as only their members have columns."""
    if not stream_map.flattening_enabled:
        return record
    columns = stream_map.transformed_schema["properties"]
    return {name: value for name, value in record.items() if value is not None or name in columns}


def _property(error: Exception) -> list[str]:
    """Return the property whose expression failed, if the SDK's stack frames show it."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "_eval" and "property_name" in frame.f_locals:
            return [frame.f_locals["property_name"] or "__filter__"]
    return []


def _reason(error: BaseException) -> str:
    """Return why an expression failed; only the type of the error if its message may quote a value."""
    if isinstance(error, MapExpressionError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, NameNotDefined):
        return f"name {error.name!r} is not defined"
    if isinstance(error, FunctionNotDefined):
        return f"name {error.func_name!r} is not defined"
    if isinstance(error, AttributeDoesNotExist):
        return f"attribute {error.attr!r} does not exist"
    if isinstance(error, (FeatureNotAvailable, TypeError)):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__
