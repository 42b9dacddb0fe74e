"""Keys of rows: the values of the primary key, in a comparable form."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    Row = dict[str, Any]
    Keys = Callable[[list[Row]], list[Hashable]]

#: Types of keys that can be compared directly.
PLAIN_KEYS = {str, int}
#: The key of a row without a primary key, which the conformer reports.
NO_KEY = "None"


def keys_by(names: Sequence[str]) -> Keys:
    """Return a function that returns the keys of rows, by the names of the primary key's properties."""
    if len(names) == 1:
        name = names[0]

        def single(rows: list[Row]) -> list[Hashable]:
            try:
                values = list(map(itemgetter(name), rows))
            except KeyError:
                values = [row.get(name) for row in rows]
            if PLAIN_KEYS.issuperset(map(type, values)):
                return values
            return [value if type(value) in PLAIN_KEYS else repr(value) for value in values]

        return single
    return lambda rows: [repr([row.get(name) for name in names]) for row in rows]
