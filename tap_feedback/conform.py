"""A record made to fit its schema; the rest into `_extra`.

Values are as a JSON decoder gives them: `dict`, `list`, `str`, `int`, finite `float`, `Decimal`, `bool` and `None`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    #: The value made to fit, or MISFIT. It gets the value, its path, and the list for what it takes out of it.
    _Attempt = Callable[[object, str, list["_Misfit"]], object]

EXTRA = "_extra"
EXTRA_SCHEMA: dict[str, Any] = {
    "type": ["object", "null"],
    "description": (
        "What the API sent beside the schema: properties that it does not know, and values that do not fit it, "
        "each under its name. Null when there is nothing of the kind."
    ),
}

#: Names counted one by one; an API that uses ids as property names must not fill the memory.
MOST_NAMES = 1000
#: What the names beyond those are counted under.
OTHER_NAMES = "(other names)"

#: Digits that Python converts between text and integer by default; more of them take quadratic time.
MOST_DIGITS = 4300
#: A number of at least this size counts milliseconds: as seconds it lies in the year 5138, as milliseconds in 1973.
MILLISECONDS_FROM = 10**11
#: Epochs have nine digits, from 1973 on, to thirteen, in milliseconds up to 2286: what is smaller may be a year or a
#: count, what is larger a date without its separators.
EPOCH_FROM, EPOCH_END = 10**8, 10**13
#: Powers of ten in the last digit of an epoch: the finest clocks need 12, and larger ones only fill the memory.
MOST_EXPONENT = 18
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is written behind the text

#: Stands for "does not fit", as null is a value.
MISFIT = object()

_TYPES: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "number": frozenset({int, float, Decimal}),
    "boolean": frozenset({bool}),
    "object": frozenset({dict}),
    "array": frozenset({list}),
    "null": frozenset({NoneType}),
}
_NO_TYPES: frozenset[type] = frozenset()

#: Timestamps that need no second look: RFC 3339, and no day that only some months have.
_PLAIN_TIMESTAMP = re.compile(
    r"(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?"
    r"(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
).fullmatch
#: Timestamps as databases and languages print them: a space for the T, no seconds, no zone, `+0000`, `UTC`, date only.
_ANY_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)? ?(?:(Z|z|UTC)|([+-](?:[01]\d|2[0-3]))(?::?([0-5]\d))?)?)?",
    re.ASCII,
).fullmatch
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII).fullmatch
_INTEGER = re.compile(r"0|-?[1-9][0-9]*").fullmatch
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
#: Epochs from 1973 on; a shorter text may be a year or a compact date, a longer one a compact timestamp.
_EPOCH = re.compile(r"-?[1-9][0-9]{8,12}(?:\.[0-9]+)?").fullmatch
REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class MissingKey(ValueError):  # noqa: N818 - says what is the matter, as `LookupError`s are asked for by name
    """A record cannot be told from others: its primary key is missing, null or of the wrong type."""


@dataclass
class Findings:
    """What conforming has met in one stream, for the summary."""

    #: Records with each unknown property.
    extra: Counter[str] = field(default_factory=Counter)
    #: Values of each property that did not fit; members of objects by dotted path.
    misfits: Counter[str] = field(default_factory=Counter)
    #: Texts in which a character was replaced.
    replaced: int = 0
    #: Records with anything unknown or unfitting.
    rows_with_extra: int = 0


class _Misfit(NamedTuple):
    """A value that was taken out; `wanted` is empty if the schema does not know the property."""

    path: str
    value: object
    wanted: str


class Conformer:
    """Makes the records of one stream fit its schema.

    - A property that the schema does not know goes into `_extra`, `_extra` itself included.
    - A value that does not fit is converted when nothing is lost, else it goes into `_extra` and leaves null. Where the
      schema allows no null, the property is left out.
    - Members of objects are treated alike, and stand in `_extra` under their dotted path, such as `links.forum`; those
      that the schema does not list go there only if it has `additionalProperties: false`. A list with an item that
      does not fit goes there as a whole.
    - Of the schema, types, `properties`, `items`, `additionalProperties`, `required`, `anyOf`, `oneOf`, `minimum` and
      `maximum` of integers, and the formats `date-time` and `date` are read.

    Args:
        schema: The JSON Schema of the records.
        key_properties: Properties that every record must have, whether or not the schema knows them.
        keep_unknown: Whether records have `_extra` (null when empty), or its content is dropped.
        on_first_misfit: Called at the first unfitting value of a property with its path and the reason, without the
            value.
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
            name: _Property(subschema) for name, subschema in schema.get("properties", {}).items() if name != EXTRA
        }
        self._keys = list(key_properties)
        for key in self._keys:
            self._properties.setdefault(key, _Property({"type": ["string", "integer", "number", "boolean"]}))
        required = [name for name in schema.get("required", ()) if name in self._properties]
        self._required = list(dict.fromkeys([*self._keys, *required]))
        # Timestamps have a path of their own, as most records have some and nearly all of them are in order.
        self._date_times = [name for name, property_ in self._properties.items() if property_.is_date_time]
        self._as_is = {name: property_.as_is for name, property_ in self._properties.items()}
        for name in self._date_times:
            self._as_is[name] |= _TYPES["string"]
        # So have integers with bounds.
        self._bounded = [(name, *property_.bounds) for name, property_ in self._properties.items() if property_.bounds]
        for name, _, _ in self._bounded:
            self._as_is[name] |= _TYPES["integer"]

    def __call__(self, record: dict[str, Any], scrub: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - speed
        """Make a record fit, in place.

        Args:
            record: The record as it was decoded.
            scrub: Whether its texts may hold NUL characters or lone surrogates, to be replaced by U+FFFD.

        Raises:
            MissingKey: The record has no usable value for a key property, or for one that the schema requires and
                does not let be null.
        """
        if type(record) is not dict:
            message = "the record is not an object"
            raise MissingKey(message)
        if scrub:
            self.findings.replaced += replace_unstorable(record)
        odd = self._odd(record)
        extra = self._settle(record, odd) if odd else None
        for name in self._required:
            if record.get(name) is None:
                self._fill(record, name)
        if self._keep_unknown:
            record[EXTRA] = extra
        return record

    def _odd(self, record: dict[str, Any]) -> list[str]:
        """The properties that do not fit as they are, or are unknown."""
        as_is = self._as_is  # what follows runs for every value of every record
        odd = []
        try:
            for name, value in record.items():
                if type(value) not in as_is[name]:
                    odd.append(name)
        except KeyError:  # a name that was not met before
            odd = [name for name, value in record.items() if type(value) not in as_is.get(name, _NO_TYPES)]
        for name in self._date_times:
            value = record.get(name)
            if type(value) is str and not _PLAIN_TIMESTAMP(value):
                odd.append(name)
        for name, low, high in self._bounded:
            value = record.get(name)
            if type(value) is int and not low <= value <= high:
                odd.append(name)
        return odd

    def _fill(self, record: dict[str, Any], name: str) -> None:
        """Put null where a required property is missing, or was left out as unfitting."""
        if name in self._keys or not self._properties[name].nullable:
            message = f"the record has no usable {name!r}"
            raise MissingKey(message)
        record[name] = None

    def _settle(self, record: dict[str, Any], odd: Iterable[str]) -> dict[str, Any] | None:
        """Convert or take out the properties that do not fit as they are; what was taken out, None if nothing was."""
        extra: dict[str, Any] = {}
        misfits: list[_Misfit] = []
        as_is, counter = self._as_is, self.findings.extra
        for name in odd:
            if name in self._properties:
                self._properties[name].settle(record, name, name, misfits)
                continue
            extra[name] = record.pop(name)
            if name in as_is:
                counter[name] += 1
            elif _count(counter, name) == name:
                as_is[name] = _NO_TYPES  # met from now on
        for path, value, wanted in misfits:
            counted_as = _count(self.findings.misfits if wanted else counter, path)
            if wanted and self.findings.misfits[counted_as] == 1:
                self._on_first_misfit(counted_as, f"{_type_name(value)}, not {wanted}")
            extra[_free_name(path, extra)] = value
        if not extra:
            return None
        self.findings.rows_with_extra += 1
        return extra


class _Property:
    """What a subschema lets a value be."""

    def __init__(self, schema: Mapping[str, Any] | bool) -> None:  # noqa: FBT001 - `true` and `false` are schemas
        if isinstance(schema, bool):
            schema = {} if schema else {"type": ()}
        #: Python types whose values fit as they are.
        self.as_is: frozenset[type] = _NO_TYPES
        #: What is tried in turn on other values.
        self._attempts: list[_Attempt] = []
        #: What integers must lie between, where they must and no other type lets them pass.
        self.bounds: tuple[float, float] | tuple[()] = ()
        options = schema.get("anyOf", schema.get("oneOf", ()))
        types = schema.get("type", () if options else tuple(_TYPES))
        names = [types] if isinstance(types, str) else types
        wanted = [self._accept(name, schema) for name in names]
        for option in [] if "type" in schema else [_Property(option) for option in options]:
            self.as_is |= option.as_is
            self._attempts.append(option.fit)
            wanted.append(option.wanted)
        #: The types in words, for a message; empty if no value fits.
        self.wanted: str = " or ".join(wanted)
        #: Whether a text fits only as an RFC 3339 timestamp.
        self.is_date_time = "date-time" in wanted and str not in self.as_is
        if int in self.as_is:
            self.bounds = ()

    def _accept(self, name: str, schema: Mapping[str, Any]) -> str:
        """Accept one type of a schema; the type in words."""
        format_ = schema.get("format")
        if name == "string" and format_ in _FORMATS:
            self._attempts.append(_on_values(_FORMATS[format_]))
            return str(format_)
        if name == "integer" and schema.keys() & {"minimum", "maximum"}:
            low, high = self.bounds = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
            self._attempts.append(_on_values(lambda value: _to_integer_within(value, low, high)))
            return f"integer from {low} to {high}"
        if name == "object" and schema.keys() & {"properties", "additionalProperties", "required"}:
            self._attempts.append(_Object(schema).fit)
        elif name == "array" and "items" in schema:
            self._attempts.append(_Array(schema).fit)
        else:
            self.as_is |= _TYPES[name]
        if name in _CONVERSIONS:
            self._attempts.append(_on_values(_CONVERSIONS[name]))
        return name

    @property
    def nullable(self) -> bool:
        """Whether null fits."""
        return NoneType in self.as_is

    def fit(self, value: object, path: str, misfits: list[_Misfit]) -> object:
        """The value, converted if need be, or MISFIT; what was taken out of it is added to `misfits`."""
        if type(value) in self.as_is:
            return value
        for attempt in self._attempts:
            fitted = attempt(value, path, misfits)
            if fitted is not MISFIT:
                return fitted
        return MISFIT

    def settle(self, members: dict[str, Any], name: str, path: str, misfits: list[_Misfit]) -> None:
        """Make a member of an object fit, in place: its value, null, or left out."""
        value = members[name]
        fitted = self.fit(value, path, misfits)
        if fitted is not MISFIT:
            members[name] = fitted
            return
        misfits.append(_Misfit(path, value, self.wanted))
        if self.nullable:
            members[name] = None
        else:
            del members[name]


class _Object:
    """What an object may hold."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._members = {name: _Property(subschema) for name, subschema in schema.get("properties", {}).items()}
        self._others = _Property(schema.get("additionalProperties", True))
        self._as_is = {name: member.as_is for name, member in self._members.items()}
        self._required = frozenset(schema.get("required", ()))

    def fit(self, value: object, path: str, misfits: list[_Misfit]) -> object:
        """The object if its members fit, else a copy with what was made to fit, or MISFIT."""
        if type(value) is not dict:
            return MISFIT
        as_is, others = self._as_is.get, self._others
        odd = [name for name, item in value.items() if type(item) not in as_is(name, others.as_is)]
        if not odd and self._required <= value.keys():
            return value
        fitted = dict(value)
        found: list[_Misfit] = []
        for name in odd:
            self._members.get(name, others).settle(fitted, name, f"{path}.{name}", found)
        for name in self._required - fitted.keys():
            if not self._members.get(name, others).nullable:
                return MISFIT
            fitted[name] = None
        misfits += found
        return fitted


class _Array:
    """What a list may hold."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._item = _Property(schema["items"])

    def fit(self, value: object, path: str, _misfits: list[_Misfit]) -> object:
        """The list if its items fit, else a copy with what was made to fit, or MISFIT."""
        if type(value) is not list:
            return MISFIT
        if self._item.as_is.issuperset(map(type, value)):
            return value
        found: list[_Misfit] = []
        fitted = [self._item.fit(item, path, found) for item in value]
        if found or any(item is MISFIT for item in fitted):
            return MISFIT
        return fitted


def _on_values(convert: Callable[[object], object]) -> _Attempt:
    """A conversion that looks at nothing but the value, as an attempt."""
    return lambda value, _path, _misfits: convert(value)


def _to_string(value: object) -> object:
    """Numbers by their digits, true and false as JSON spells them."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in _TYPES["number"]:
        try:
            return str(value)
        except ValueError:  # more than MOST_DIGITS
            return MISFIT
    return MISFIT


def _to_boolean(value: object) -> object:
    """The words of JSON as text; 0 and 1 may count something, and do not fit."""
    if value == "true":
        return True
    return False if value == "false" else MISFIT


def _to_integer(value: object) -> object:
    if type(value) is str:
        return int(value) if len(value) <= MOST_DIGITS and _INTEGER(value) else MISFIT
    if type(value) is float:
        value = Decimal(repr(value))  # the digits that were sent, rather than those of the double
    if type(value) is Decimal and value.adjusted() < MOST_DIGITS and value == value.to_integral_value():
        return int(value)
    return MISFIT


def _to_integer_within(value: object, low: float, high: float) -> object:
    whole = value if type(value) is int else _to_integer(value)
    return whole if type(whole) is int and low <= whole <= high else MISFIT


def _to_number(value: object) -> object:
    if type(value) is not str or not _NUMBER(value):
        return MISFIT
    whole = _to_integer(value)
    if whole is not MISFIT:
        return whole
    try:
        exact = Decimal(value)
    except InvalidOperation:  # an exponent beyond all bounds
        return MISFIT
    double = float(value)
    return double if Decimal(repr(double)) == exact else exact


def _to_date_time(value: object) -> object:
    """RFC 3339 stays to the byte; without a zone it is UTC, as such APIs mean it. A leap second does not fit."""
    if type(value) is str:
        if _PLAIN_TIMESTAMP(value):
            return value
        return _from_epoch(Decimal(value)) if _EPOCH(value) else _from_text(value)
    if type(value) is float:
        value = Decimal(repr(value))
    if type(value) is int or type(value) is Decimal:
        return _from_epoch(value)
    return MISFIT


def _from_text(text: str) -> object:
    match = _ANY_TIMESTAMP(text)
    if match is None:
        return MISFIT
    year, month, day, hour, minute, second, fraction, _utc, offset_hour, offset_minute = match.groups(default="")
    hour, minute, second = hour or "00", minute or "00", second or "00"
    try:
        datetime(int(year), int(month), int(day), int(hour), int(minute), int(second))  # noqa: DTZ001 - only a check
    except ValueError:
        return MISFIT
    zone = f"{offset_hour}:{offset_minute or '00'}" if offset_hour else "Z"
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}{fraction}{zone}"


def _from_epoch(count: int | Decimal) -> object:
    """The instant that lies so many seconds or milliseconds after 1970, to the last digit."""
    number = Decimal(count)
    if not EPOCH_FROM <= abs(number) < EPOCH_END:
        return MISFIT
    exponent = int(number.as_tuple().exponent)
    if abs(exponent) > MOST_EXPONENT:
        return MISFIT
    places = max(-exponent, 0)
    units = int(f"{number:f}".replace(".", ""))  # text and integers, as the arithmetic of decimals rounds
    if abs(units) >= MILLISECONDS_FROM * 10**places:
        places += 3
    seconds, rest = divmod(units, 10**places)
    try:
        moment = EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return MISFIT
    fraction = str(rest).zfill(places).rstrip("0")
    return f"{moment.isoformat()}{'.' if fraction else ''}{fraction}Z"


def _to_date(value: object) -> object:
    match = _DATE(value) if type(value) is str else None
    if match is None:
        return MISFIT
    try:
        date(*map(int, match.groups()))
    except ValueError:
        return MISFIT
    return value


_CONVERSIONS: dict[str, Callable[[object], object]] = {
    "string": _to_string,
    "integer": _to_integer,
    "number": _to_number,
    "boolean": _to_boolean,
}
_FORMATS: dict[str | None, Callable[[object], object]] = {"date-time": _to_date_time, "date": _to_date}


def replace_unstorable(record: dict[str, Any]) -> int:
    """Replace each NUL character and lone surrogate in the texts of a record, names too, by U+FFFD, in place.

    What is nested in it is copied before, as a paginator compares the rows as they came.

    Returns:
        The texts that were changed.
    """
    replaced = 0
    containers: list[Any] = [record]
    for container in containers:  # it grows on the way: a record may be nested deeper than calls can be
        pairs: Iterable[tuple[Any, object]]
        if isinstance(container, dict):
            names = "".join(container)
            if not names.isascii() or "\x00" in names:
                replaced += _rename_members(container)
            pairs = container.items()
        else:
            pairs = enumerate(container)
        for place, value in pairs:
            if type(value) is str:
                if not value.isascii() or "\x00" in value:
                    container[place], count = _UNSTORABLE.subn(REPLACEMENT, value)
                    replaced += count > 0
            elif type(value) is dict or type(value) is list:
                container[place] = inner = value.copy()
                containers.append(inner)
    return replaced


def _rename_members(members: dict[str, Any]) -> int:
    """Replace the characters in the names, without letting two names become one; how many names changed."""
    pairs = list(members.items())
    taken = {name for name in members if not _UNSTORABLE.search(name)}
    renamed = len(pairs) - len(taken)
    members.clear()
    for name, value in pairs:
        new = name if name in taken else _free_name(_UNSTORABLE.sub(REPLACEMENT, name), taken)
        taken.add(new)
        members[new] = value
    return renamed


def _free_name(name: str, taken: Container[str]) -> str:
    """The name, or one made from it that is not taken."""
    while name in taken:
        name += "_"
    return name


def _count(counter: Counter[str], name: str) -> str:
    """Count a name; what it was counted under."""
    if name not in counter and len(counter) >= MOST_NAMES:
        name = OTHER_NAMES
    counter[name] += 1
    return name


def _type_name(value: object) -> str:
    """The type of a value in the words of JSON Schema."""
    return next(name for name, types in _TYPES.items() if type(value) in types)
