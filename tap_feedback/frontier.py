"""Frontier of one pass over a stream: up to where all rows have been written, in windows that are read concurrently."""

from __future__ import annotations

from typing import Any


class Frontier:
    """How far one pass has come: up to the first window that is not complete, and in it as far as rows in order reach.

    Args:
        resumed: How far a sync that was stopped had come; None for nowhere.
    """

    def __init__(self, resumed: Any) -> None:
        self.resumed = self.until = resumed
        self._first = 0  # the number of that window
        self._ends: dict[int, Any] = {}  # of complete windows behind it
        self._reached: dict[int, Any] = {}  # in windows that are not complete

    def reach(self, number: int, place: Any) -> None:
        """Note that all rows of a window before a place were written."""
        self._reached[number] = place
        self._move()

    def complete(self, number: int, end: Any) -> None:
        """Note that all rows of a window were written. Without an end, it had no rows beyond those in order."""
        self._ends[number] = self._reached.get(number) if end is None else end
        self._move()

    def _move(self) -> None:
        while self._first in self._ends:
            self._advance(self._ends.pop(self._first))
            self._reached.pop(self._first, None)
            self._first += 1
        self._advance(self._reached.get(self._first))

    def _advance(self, place: Any) -> None:
        if place is not None and (self.until is None or place > self.until):
            self.until = place
