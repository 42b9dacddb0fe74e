"""Timeline of a stream: its rows and their last updates, as a few runs of rows, so memory does not grow with them.

Instants are microseconds since 1970-01-01T00:00:00Z; rows are numbered from 0 in the order in which they were made.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECOND = 1_000_000
#: 2020-01-01T00:00:00Z.
FIRST_UPDATE = 1_577_836_800 * SECOND
#: The first rows are three hours apart, so that a small stream covers years. The rest are a second apart, so that a
#: large stream still ends in the past.
SPARSE_ROWS, SPARSE_STEP, DENSE_STEP = 10_000, 3 * 3600 * SECOND, SECOND
#: With this many rows, the last update is in December 2024.
MOST_ROWS = 48_000_000


class Run(NamedTuple):
    """Rows of consecutive numbers, updated at even intervals."""

    number: int
    size: int
    instant: int
    step: int

    def part(self, begin: int, end: int) -> Run:
        """Return the rows at the places from `begin` up to `end` of this run."""
        return Run(self.number + begin, end - begin, self.instant + begin * self.step, self.step)

    def __bool__(self) -> bool:
        return self.size > 0


class Timeline:
    """The rows of a stream in the order of their last update. Each has an instant of its own.

    A change creates a new timeline, so that readers in other threads always see a consistent one.
    """

    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = [run for run in runs if run]
        self._instants = [run.instant for run in self._runs]
        self._places = list(accumulate((run.size for run in self._runs), initial=0))

    @classmethod
    def of(cls, rows: int) -> Timeline:
        """Return the rows that a stream starts with.

        Raises:
            ValueError: The number is negative, or the last updates would be in the future.
        """
        if not 0 <= rows <= MOST_ROWS:
            raise ValueError(f"the number of rows must be between 0 and {MOST_ROWS:,}, not {rows:,}")
        sparse = min(rows, SPARSE_ROWS)
        dense_from = FIRST_UPDATE + SPARSE_ROWS * SPARSE_STEP
        return cls([Run(0, sparse, FIRST_UPDATE, SPARSE_STEP), Run(sparse, rows - sparse, dense_from, DENSE_STEP)])

    def __len__(self) -> int:
        return self._places[-1]

    def before(self, instant: int) -> int:
        """Return how many rows were last updated before an instant."""
        last = bisect_left(self._instants, instant) - 1
        if last < 0:
            return 0
        run = self._runs[last]
        return self._places[last] + min(run.size, -((run.instant - instant) // run.step))

    def rows(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the number and instant of each row at the places from `begin` up to `end`."""
        end = min(end, len(self))
        index = bisect_right(self._places, begin) - 1
        while begin < end:
            place, run = self._places[index], self._runs[index]
            part = run.part(begin - place, min(end - place, run.size))
            yield from zip(
                range(part.number, part.number + part.size),
                range(part.instant, part.instant + part.size * part.step, part.step),
                strict=True,
            )
            begin += part.size
            index += 1

    def added(self, count: int, now: int) -> Timeline:
        """Return this timeline with new rows, updated in the microseconds up to now."""
        return Timeline([*self._runs, Run(len(self), count, self._free(now, count), 1)])

    def updated(self, number: int, now: int) -> Timeline:
        """Return this timeline with one row updated now, and so moved to the end.

        Raises:
            IndexError: There is no such row.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"no row {number}; the rows are 0 to {len(self) - 1}")
        index = next(i for i, run in enumerate(self._runs) if run.number <= number < run.number + run.size)
        run = self._runs[index]
        place = number - run.number
        parts = [run.part(0, place), run.part(place + 1, run.size)]
        moved = Run(number, 1, self._free(now, 1), 1)
        return Timeline([*self._runs[:index], *parts, *self._runs[index + 1 :], moved])

    def _free(self, now: int, count: int) -> int:
        """Return the first of `count` instants that end now, or as soon after it as the last update allows."""
        if not self._runs:
            return now - count + 1
        last = self._runs[-1]
        return max(now - count, last.instant + (last.size - 1) * last.step) + 1
