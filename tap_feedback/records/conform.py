"""Conformer: makes records of rows, with what fits the schema in its properties, and the rest in `_extra`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_feedback.json_types import PYTHON_TYPES, noun
from tap_feedback.records.fitting import NO_TYPES, Misfit, Property, is_within
from tap_feedback.records.text import free_name, replace_unstorable
from tap_feedback.records.timestamps import is_normal, to_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

EXTRA = "_extra"
EXTRA_SCHEMA: dict[str, Any] = {
    "type": ["object", "null"],
    "description": (
        "Properties that the schema does not have, and values that do not fit it, by name. Null if every property "
        "fits the schema."
    ),
}

#: Maximum number of names to count one by one: an API that uses ids as property names must not fill the memory.
MAX_NAMES = 1000
#: The name under which all further names are counted.
OTHER_NAMES = "(other names)"


class MissingKey(ValueError):  # noqa: N818 - the name says what is missing
    """A record cannot be identified: its primary key is missing, null or of the wrong type."""


@dataclass
class Findings:
    """What the conformer of one stream has found, for the summary."""

    #: Number of records with each unknown property.
    extra: Counter[str] = field(default_factory=Counter)
    #: Number of values of each property that did not fit. Members of objects are counted by dotted path.
    misfits: Counter[str] = field(default_factory=Counter)
    #: Number of texts in which a character was replaced.
    replaced: int = 0
    #: Number of records with an unknown property or a value that did not fit.
    rows_with_extra: int = 0


class Conformer:
    """Makes the records of one stream fit its schema.

    - A property that the schema does not have goes into `_extra`. That includes a property named `_extra`.
    - A value that does not fit is converted if that loses nothing. If not, it goes into `_extra`, and the property
      becomes null, or is left out if the schema does not allow null.
    - Members of objects are handled in the same way. Their names in `_extra` are dotted paths, such as `links.forum`.
      Members that the schema does not list go there only if it has `additionalProperties: false`. A list goes there as
      a whole if one of its items does not fit.
    - Values are converted to the types of the schema, with the bounds of integers and the formats `date-time` and
      `date`. They must meet its other limits, such as `enum` or `maxLength`, as they are.

    Args:
        schema: The JSON Schema of the records.
        key_properties: Properties that every record must have, even if they are not in the schema.
        keep_unknown: Whether records have `_extra` (null when empty). If not, its content is dropped.
        on_first_misfit: Called for the first value of each property that does not fit, with its path and the reason,
            which does not quote the value.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        key_properties: Sequence[str],
        keep_unknown: bool,
        on_first_misfit: Callable[[str, str], None],
    ) -> None:
        self.findings = Findings()
        self._keep_unknown = keep_unknown
        self._on_first_misfit = on_first_misfit
        self._properties = {
            name: Property(subschema) for name, subschema in schema.get("properties", {}).items() if name != EXTRA
        }
        self._keys = list(key_properties)
        for key in self._keys:
            self._properties.setdefault(key, Property({"type": ["string", "integer", "number", "boolean"]}))
        required = [name for name in schema.get("required", ()) if name in self._properties]
        self._required = list(dict.fromkeys([*self._keys, *required]))
        self._as_is = {name: property_.as_is for name, property_ in self._properties.items()}
        # Timestamps are checked separately, as most records have some and nearly all of them are in UTC.
        self._date_times = [name for name, property_ in self._properties.items() if property_.is_date_time]
        for name in self._date_times:
            self._as_is[name] |= PYTHON_TYPES["string"]
        # So are objects, and integers with bounds.
        self._checks: list[tuple[str, type, Callable[[Any], bool]]] = []
        for name, property_ in self._properties.items():
            if property_.object:
                self._checks.append((name, dict, property_.object.holds))
                self._as_is[name] |= PYTHON_TYPES["object"]
            if property_.bounds:
                self._checks.append((name, int, is_within(*property_.bounds)))
                self._as_is[name] |= PYTHON_TYPES["integer"]

    def __call__(self, record: dict[str, Any], scrub: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - speed
        """Make a record fit, in place.

        Args:
            record: A copy of the decoded row.
            scrub: Whether its texts may hold NUL characters or lone surrogates, which are replaced by U+FFFD.

        Raises:
            MissingKey: The record has no usable value for a key property, or for a required one that must not be null.
        """
        if type(record) is not dict:
            raise MissingKey("the record is not an object")
        if scrub:
            self.findings.replaced += replace_unstorable(record)
        unfit = self._unfit(record)
        extra = self._settle(record, unfit) if unfit else None
        for name in self._required:
            if record.get(name) is None:
                self._fill(record, name)
        if self._keep_unknown:
            record[EXTRA] = extra
        return record

    def _unfit(self, record: dict[str, Any]) -> list[str]:
        """Return the names of properties that are unknown, or whose values do not fit; convert timestamps to UTC."""
        as_is = self._as_is  # the loops below run for every value of every record
        unfit = []
        try:
            for name, value in record.items():
                if type(value) not in as_is[name]:
                    unfit.append(name)
        except KeyError:  # a new name
            unfit = [name for name, value in record.items() if type(value) not in as_is.get(name, NO_TYPES)]
        for name in self._date_times:
            value = record.get(name)
            if type(value) is str and not is_normal(value):
                # Converted here, as an API that sends offsets sends them in every row.
                if (text := to_utc(value)) is None:
                    unfit.append(name)
                else:
                    record[name] = text
        for name, kind, holds in self._checks:
            value = record.get(name)
            if type(value) is kind and not holds(value):
                unfit.append(name)
        return unfit

    def _fill(self, record: dict[str, Any], name: str) -> None:
        """Set a required property to null if it is missing, or was left out because it did not fit."""
        if name in self._keys or not self._properties[name].nullable:
            raise MissingKey(f"the record has no usable {name!r}")
        record[name] = None

    def _settle(self, record: dict[str, Any], unfit: Iterable[str]) -> dict[str, Any] | None:
        """Convert or remove the properties that do not fit unchanged; return the removed ones, if any."""
        extra: dict[str, Any] = {}
        misfits: list[Misfit] = []
        as_is, properties, counter = self._as_is, self._properties, self.findings.extra
        for name in unfit:
            if name in properties:
                properties[name].settle(record, name, name, misfits)
                continue
            extra[name] = record.pop(name)
            if name in as_is:
                counter[name] += 1
            elif _count(counter, name) == name:
                as_is[name] = NO_TYPES  # no longer a new name
        for path, value, wanted in misfits:
            counted_as = _count(self.findings.misfits if wanted else counter, path)
            if wanted and self.findings.misfits[counted_as] == 1:
                self._on_first_misfit(counted_as, f"{noun(value)}, not {wanted}")
            extra[free_name(path, extra)] = value
        if not extra:
            return None
        self.findings.rows_with_extra += 1
        return extra


def _count(counter: Counter[str], name: str) -> str:
    """Count a name, and return the name under which it was counted."""
    if name not in counter and len(counter) >= MAX_NAMES:
        name = OTHER_NAMES
    counter[name] += 1
    return name
