"""Numbers with which one request tries many parameters.

Each has another number, as far as the known rows allow, so that the rows that come show which one was heeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    Keys = Sequence[Hashable]

#: The page size to prove a paginator with, if there are rows enough.
SMALL = 10
#: The smallest page that an API makes by itself, and numbers of which one divides any usual page size.
SMALLEST, PARTS = 5, (5, 8, 12)


class Numbered(NamedTuple):
    """A parameter for page numbers, and the number of the first page."""

    name: str
    base: int


def try_sizes(names: Sequence[str], rows: int) -> dict[str, int]:
    """Return page sizes for some parameters, smaller than a page of so many rows; different ones if possible."""
    room = max(rows - 1, 1)
    least = max(1, min(SMALL, rows // 10, rows - len(names)))
    return {name: least + place % room for place, name in enumerate(names)}


def heeded_sizes(tried: Mapping[str, int], rows: int) -> list[str]:
    """Return the parameters whose size a page has."""
    return [name for name, size in tried.items() if size == rows]


def is_usual_size(rows: int) -> bool:
    """Return whether a page of so many rows may be one that was cut: 20, 24, 25, 32 or 50 rows rather than 23."""
    return rows >= SMALLEST and any(rows % part == 0 for part in PARTS)


def small_size(rows: int) -> int:
    """Return a page size of which as many pages as possible, and three at least, are in a page of so many rows."""
    return max(1, min(SMALL, rows // 10))


def try_offsets(names: Sequence[str], rows: int, size: int) -> dict[str, int]:
    """Return offsets for some parameters, at the beginning of pages; different ones if possible."""
    room = max((rows - 1) // size, 1)
    return {name: (1 + place % room) * size for place, name in enumerate(names)}


def heeded_offsets(tried: Mapping[str, int], known: Keys, returned: Keys) -> list[str]:
    """Return the parameters at whose offset a page begins."""
    place = _place(known, returned)
    return [name for name, offset in tried.items() if offset == place]


def try_pages(names: Sequence[str], rows: int, size: int) -> dict[str, int]:
    """Return page numbers for some parameters: even ones, as the first page has the number 0 or 1."""
    room = max(((rows - 1) // size + 1) // 2, 1)
    return {name: 2 * (1 + place % room) for place, name in enumerate(names)}


def heeded_pages(tried: Mapping[str, int], known: Keys, returned: Keys, size: int) -> list[Numbered]:
    """Return the parameters at whose page a response begins, each with the number of the first page."""
    place = _place(known, returned)
    if not place or place % size:
        return []
    return [
        Numbered(name, base) for base in (1, 0) for name, number in tried.items() if (number - base) * size == place
    ]


def _place(known: Keys, returned: Keys) -> int | None:
    """Return the place among the known rows at which a page begins; None if it does not repeat the rows from there."""
    if not returned or returned[0] not in known:
        return None
    place = list(known).index(returned[0])
    common = min(len(known) - place, len(returned))
    return place if list(known[place : place + common]) == list(returned[:common]) else None
