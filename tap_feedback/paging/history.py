"""History of recent rows: which of them a page repeats, and whether in the same order."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, KeysView

    from tap_feedback.paging.keys import Keys

    Row = dict[str, Any]

#: Minimum number of rows to remember. It is constant, so that memory does not grow with the stream. Up to twice as many
#: rows plus a page are remembered, as it is cheaper to forget many rows together.
REMEMBERED_ROWS = 1000


class SeenPage(NamedTuple):
    """A page that was read. `place` is its number, if pages are numbered."""

    keys: list[Hashable]
    rows: list[Row]
    place: int = 0

    def row(self, key: Hashable) -> Row:
        """Return the row with a key."""
        return self.rows[self.keys.index(key)]


class Sighting(NamedTuple):
    """The rows of one response, compared with the history.

    `before` has, for each row, the last page with this row, or None if the row is new. `different` is the number of
    distinct keys.
    """

    rows: list[Row]
    keys: list[Hashable]
    before: list[SeenPage | None]
    different: int

    @property
    def brings_new(self) -> bool:
        """Whether a row was not seen before."""
        return None in self.before

    @property
    def new(self) -> int:
        """Number of distinct rows that were not seen before."""
        if self.different == len(self.keys):
            return self.before.count(None)
        return len({key for key, page in zip(self.keys, self.before, strict=True) if page is None})

    @property
    def starts_known(self) -> bool:
        """Whether the first row was seen before."""
        return bool(self.before) and self.before[0] is not None

    @property
    def fresh(self) -> list[Row]:
        """The rows that are new, or have changed since they were seen."""
        known = len(self.before) - self.before.count(None)
        if None not in self.before[:known] and all(old == row for _, old, row in self.known(known)):
            return self.rows[known:]  # most pages: the overlap, then new rows
        return [
            row
            for row, key, page in zip(self.rows, self.keys, self.before, strict=True)
            if page is None or page.row(key) != row
        ]

    def known(self, most: int | None = None) -> Iterator[tuple[SeenPage, Row, Row]]:
        """Yield the rows seen before, among the first `most`: the page, the row as it was, and the row as it is."""
        for row, key, page in zip(self.rows[:most], self.keys[:most], self.before[:most], strict=True):
            if page is not None:
                yield page, page.row(key), row

    @property
    def last(self) -> Sighting:
        """The last row as a sighting."""
        return Sighting(self.rows[-1:], self.keys[-1:], self.before[-1:], len(self.rows[-1:]))

    def first(self, count: int) -> Sighting:
        """Return the first rows as a sighting."""
        return Sighting(self.rows[:count], self.keys[:count], self.before[:count], len(set(self.keys[:count])))


class History:
    """The most recent rows, and at least a minimum number of pages.

    Attributes:
        count: Number of pages.
        last: Keys of the last page.
        head: The rows of the page at the beginning of the list, by their keys.
        largest: Number of rows in the largest page.
    """

    def __init__(self, keys: Keys, *, least_pages: int = 1) -> None:
        self._keys = keys
        self._least_pages = least_pages
        self._seen: dict[Hashable, SeenPage] = {}
        self._pages: deque[SeenPage] = deque()
        self._volatile: set[str] | None = None  # fields that change in every row
        self.count = 0
        self.last: list[Hashable] = []
        self.head: dict[Hashable, Row] = {}
        self.largest = 0

    @property
    def known(self) -> KeysView[Hashable]:
        """The keys of the remembered rows."""
        return self._seen.keys()

    def look(self, rows: list[Row]) -> Sighting:
        """Return rows compared with the history."""
        keys = self._keys(rows)
        return Sighting(rows, keys, list(map(self._seen.get, keys)), len(set(keys)))

    def learn(self, sighting: Sighting) -> None:
        """Learn which fields change in every row, from rows that have kept their place."""
        for _, old, row in sighting.known():
            changes = _changes(old, row)
            self._volatile = changes if self._volatile is None else self._volatile & changes

    def is_anchor(self, sighting: Sighting) -> bool:
        """Return whether the first row has kept its place among the others. An updated row may have moved."""
        for _, old, row in sighting.known(1):
            return old == row or self._volatile is None or _changes(old, row) <= self._volatile
        return False

    def in_head(self, sighting: Sighting) -> int:
        """Return the number of rows up to the last one in the head that was not updated, as updates may move rows."""
        volatile = self._volatile or set()
        places = (
            place
            for place, (key, row) in enumerate(zip(sighting.keys, sighting.rows, strict=True), 1)
            if key in self.head and _changes(self.head[key], row) <= volatile
        )
        return max(places, default=0)

    def is_swapped(self, sighting: Sighting) -> bool:
        """Return whether two rows of one page now come in the opposite order.

        Inserted and deleted rows never cause that. An updated row may move, but not if only fields have changed that
        change in every row, such as a signed link.
        """
        if sighting.before.count(None) >= len(sighting.before) - 1 or sighting.different < len(sighting.keys):
            return False
        volatile = self._volatile or set()
        return any(all(_changes(old, row) <= volatile for old, row in pair) for pair in _swaps(sighting))

    def remember(self, sighting: Sighting, *, place: int = 0) -> None:
        """Remember rows, and from time to time forget the oldest."""
        page = SeenPage(sighting.keys, sighting.rows, place)
        self._pages.append(page)
        self._seen.update(dict.fromkeys(page.keys, page))
        if len(self._seen) > 2 * REMEMBERED_ROWS:
            count = sum(len(page.keys) for page in self._pages)
            while len(self._pages) > self._least_pages and count - len(self._pages[0].keys) >= REMEMBERED_ROWS:
                count -= len(self._pages.popleft().keys)
            self._seen = {key: page for page in self._pages for key in page.keys}

    def add(self, sighting: Sighting, *, place: int = 0) -> None:
        """Remember a page as the last one that was read."""
        self.count += 1
        self.last = sighting.keys
        self.largest = max(self.largest, len(sighting.keys))
        self.remember(sighting, place=place)

    def forget(self) -> None:
        """Forget all rows."""
        self._seen.clear()
        self._pages.clear()


def _swaps(sighting: Sighting) -> Iterator[tuple[tuple[Row, Row], tuple[Row, Row]]]:
    """Yield the pairs of rows that one page had in the opposite order; each row as it was and as it is."""
    furthest: dict[int, tuple[int, tuple[Row, Row]]] = {}
    for key, (page, old, row) in zip(
        (key for key, page in zip(sighting.keys, sighting.before, strict=True) if page is not None),
        sighting.known(),
        strict=True,
    ):
        place = page.keys.index(key)
        behind, other = furthest.setdefault(id(page), (place, (old, row)))
        if place < behind:
            yield other, (old, row)
        else:
            furthest[id(page)] = place, (old, row)


def _changes(old: Row, new: Row) -> set[str]:
    """Return the names of the fields that differ."""
    if old == new:
        return set()
    return {name for name in old.keys() | new.keys() if old.get(name, ...) != new.get(name, ...)}
