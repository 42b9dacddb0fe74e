"""The rows read last: which of them a page repeats, and whether it repeats them in their order."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, KeysView

    from tap_feedback.paging.base import Keys

    Row = dict[str, Any]
    #: A row as it was seen before, with its place, and as it is now.
    Known = tuple[tuple[int, Row], Row]

#: Rows that are remembered, at least: a constant, so that memory does not grow with the stream.
REMEMBERED_ROWS = 1000
#: A place is the number of a page times this, plus the position in the page.
PAGE_STRIDE = 1 << 32


class Sighting(NamedTuple):
    """The rows of one response, with the place and content in which each was seen before (None if it is new)."""

    rows: list[Row]
    keys: list[Hashable]
    before: list[tuple[int, Row] | None]

    @property
    def brings_new(self) -> bool:
        """Whether there is a row that was not seen before."""
        return None in self.before

    @property
    def starts_known(self) -> bool:
        """Whether the first row was seen before."""
        return bool(self.before) and self.before[0] is not None

    @property
    def fresh(self) -> list[Row]:
        """The rows that are new, or changed since they were seen."""
        return [row for row, old in zip(self.rows, self.before, strict=True) if old is None or old[1] != row]

    def first(self, count: int) -> Sighting:
        """The first rows alone."""
        return Sighting(self.rows[:count], self.keys[:count], self.before[:count])


def _swaps(known: list[Known]) -> Iterator[tuple[Known, Known]]:
    """The pairs of rows that stood in the other order when one page showed both."""
    furthest: dict[int, Known] = {}
    for pair in known:
        place = pair[0][0]
        other = furthest.setdefault(place // PAGE_STRIDE, pair)
        if place < other[0][0]:
            yield other, pair
        else:
            furthest[place // PAGE_STRIDE] = pair


def _changes(old: Row, new: Row) -> set[str]:
    """The names of the fields that differ."""
    if old == new:
        return set()
    return {name for name in old.keys() | new.keys() if old.get(name, ...) != new.get(name, ...)}


class History:
    """The pages that were read, of which the last rows are remembered.

    Attributes:
        count: Number of pages.
        last: Keys of the last page.
        head: Keys of the page at the beginning of the list.
        largest: Number of rows in the largest page.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._seen: dict[Hashable, tuple[int, Row]] = {}
        self._pages: deque[tuple[int, list[Hashable]]] = deque()
        self._numbers = itertools.count()
        self._volatile: set[str] | None = None
        self.count = 0
        self.last: list[Hashable] = []
        self.head: set[Hashable] = set()
        self.largest = 0

    @property
    def known(self) -> KeysView[Hashable]:
        """The keys of the rows that are remembered."""
        return self._seen.keys()

    def look(self, rows: list[Row]) -> Sighting:
        """The rows beside what is remembered of them."""
        keys = self._keys(rows)
        return Sighting(rows, keys, list(map(self._seen.get, keys)))

    def learn(self, sighting: Sighting) -> None:
        """Learn which fields change in every row, from rows that have kept their place."""
        for old, row in zip(sighting.before, sighting.rows, strict=True):
            changes = _changes(old[1], row) if old is not None else set()
            self._volatile = changes if self._volatile is None else self._volatile & changes

    def is_anchor(self, sighting: Sighting) -> bool:
        """Whether the first row stands where it stood among the others; one that was updated may have moved."""
        old = sighting.before[0] if sighting.before else None
        if old is None:
            return False
        return (
            old[1] == sighting.rows[0] or self._volatile is None or _changes(old[1], sighting.rows[0]) <= self._volatile
        )

    def is_swapped(self, sighting: Sighting) -> bool:
        """Whether two rows that one page showed in one order now stand in the other.

        Inserted and deleted rows never cause that. A row that was updated may move; but not if only such fields have
        changed that change in every row (a signed link, say).
        """
        known = [(old, row) for old, row in zip(sighting.before, sighting.rows, strict=True) if old is not None]
        if len(known) < 2 or len(set(sighting.keys)) < len(sighting.keys):  # noqa: PLR2004 - a pair
            return False
        volatile = self._volatile or set()
        return any(all(_changes(old[1], row) <= volatile for old, row in pair) for pair in _swaps(known))

    def remember(self, sighting: Sighting) -> None:
        """Remember rows, and forget the oldest."""
        number = next(self._numbers) * PAGE_STRIDE
        self._seen.update(zip(sighting.keys, zip(itertools.count(number), sighting.rows)))  # noqa: B905 - count is endless
        self._pages.append((number, sighting.keys))
        while len(self._seen) - len(self._pages[0][1]) > REMEMBERED_ROWS:
            number, keys = self._pages.popleft()
            for key in set(keys):
                if self._seen[key][0] // PAGE_STRIDE == number // PAGE_STRIDE:  # no later page has it
                    del self._seen[key]

    def add(self, sighting: Sighting) -> None:
        """Remember a page that was read, as the last one."""
        self.count += 1
        self.last = sighting.keys
        self.largest = max(self.largest, len(sighting.keys))
        self.remember(sighting)

    def forget(self) -> None:
        """Forget all rows."""
        self._seen.clear()
        self._pages.clear()
