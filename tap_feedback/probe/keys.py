"""Primary key of some rows: a field, or a few, whose values are unique."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from tap_feedback.probe.names import KEYS, WEAK_KEYS, is_id_name
from tap_feedback.probe.times import is_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    Row = dict[str, Any]

#: Most fields of a key, and most fields among which they are searched.
MOST_FIELDS, MOST_CANDIDATES = 3, 8


def find_key(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the names of the primary key; empty if no field that is named like a key is unique, nor several of them.

    Args:
        rows: Rows of one page.
    """
    names = [name for name in _candidates(rows) if all(_is_value(row.get(name)) for row in rows)]
    for name in names:
        if is_unique(rows, (name,)):
            return (name,)
    times = [name for name in rows[0] if name not in names and all(is_time(row.get(name)) for row in rows)]
    parts = [name for name in names if name not in WEAK_KEYS][:MOST_CANDIDATES] + times[:2]
    for count in range(2, MOST_FIELDS + 1):
        for several in combinations(parts, count):
            if is_unique(rows, several):
                return several
    return ()


def is_unique(rows: Sequence[Row], names: Sequence[str]) -> bool:
    """Return whether no two rows share the values of some fields."""
    return len({tuple(str(row.get(name)) for name in names) for row in rows}) == len(rows)


def _candidates(rows: Sequence[Row]) -> list[str]:
    """Return the names that a key may have, the best first."""
    known = set(rows[0]) if rows else set()
    return [
        *(name for name in KEYS if name in known),
        *sorted((name for name in known if is_id_name(name) and name not in KEYS), key=list(rows[0]).index),
        *(name for name in WEAK_KEYS if name in known),
    ]


def _is_value(value: Any) -> bool:
    return type(value) is int or (type(value) is str and value != "")
