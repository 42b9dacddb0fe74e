"""Slots of `requests_per_minute`: the times at which requests may be sent."""

from __future__ import annotations

import threading


class Slots:
    """Hands out evenly spaced times, to any thread.

    Args:
        per_minute: Number of slots in a minute; None for no limit.
    """

    def __init__(self, per_minute: int | None) -> None:
        self.is_limited = per_minute is not None
        self._apart = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self, now: float) -> float:
        """Take the next free slot, and return its time, by the caller's clock."""
        with self._lock:
            slot = max(now, self._next)
            self._next = slot + self._apart
        return slot
