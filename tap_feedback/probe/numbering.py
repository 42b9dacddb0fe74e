"""Numbers that make one request try many parameters: each has another one, so that the rows show which was heeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    Keys = Sequence[Hashable]

#: The page size to prove a paginator with, if there are rows enough.
SMALL = 10


class Numbered(NamedTuple):
    """A parameter that an API heeds; `base` is the number of the first page."""

    name: str
    base: int = 0


def try_sizes(names: Sequence[str], rows: int) -> Iterator[dict[str, int]]:
    """Page sizes for some parameters, each smaller than a page of so many rows, as several requests if need be."""
    room = rows - 1
    for first in range(0, len(names) if room > 0 else 0, max(room, 1)):
        group = names[first : first + room]
        least = max(1, min(SMALL, rows // 10, rows - len(group)))
        yield {name: least + place for place, name in enumerate(group)}


def heeded_size(tried: Mapping[str, int], rows: int) -> str | None:
    """The parameter whose size a page has."""
    return next((name for name, size in tried.items() if size == rows), None)


def small_size(rows: int) -> int:
    """A page size of which as many pages as possible, and three at least, are in a page of so many rows."""
    return max(1, min(SMALL, rows // 10))


def try_offsets(names: Sequence[str], rows: int, size: int) -> Iterator[dict[str, int]]:
    """Offsets for some parameters, each at the beginning of another page, as several requests if need be."""
    room = (rows - 1) // size
    for first in range(0, len(names) if room > 0 else 0, max(room, 1)):
        yield {name: (place + 1) * size for place, name in enumerate(names[first : first + room])}


def heeded_offset(tried: Mapping[str, int], known: Keys, returned: Keys) -> str | None:
    """The parameter at whose offset a page begins."""
    place = _place(known, returned)
    return next((name for name, offset in tried.items() if offset == place), None)


def try_pages(names: Sequence[str], rows: int, size: int) -> Iterator[dict[str, int]]:
    """Page numbers for some parameters: even ones, as the first page has the number 0 or 1."""
    room = ((rows - 1) // size + 1) // 2
    for first in range(0, len(names) if room > 0 else 0, max(room, 1)):
        yield {name: 2 * (place + 1) for place, name in enumerate(names[first : first + room])}


def heeded_page(tried: Mapping[str, int], known: Keys, returned: Keys, size: int) -> Numbered | None:
    """The parameter at whose page a response begins, and the number of the first page."""
    place = _place(known, returned)
    if place is None or place == 0 or place % size:
        return None
    for base in (1, 0):
        for name, number in tried.items():
            if (number - base) * size == place:
                return Numbered(name, base)
    return None


def _place(known: Keys, returned: Keys) -> int | None:
    """The place among the known rows at which a page begins; None if it is not there, or goes on in another way."""
    if not returned or returned[0] not in known:
        return None
    place = list(known).index(returned[0])
    common = min(len(known) - place, len(returned))
    return place if list(known[place : place + common]) == list(returned[:common]) else None
