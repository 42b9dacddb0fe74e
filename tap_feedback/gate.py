"""Gate of a host: lets the requests of all its APIs through, at a pace that the host accepts."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from tap_feedback.pace import Pace
from tap_feedback.retry import TransientError, Wait, decide
from tap_feedback.urls import origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.pace import Turn
    from tap_feedback.settings import Retry
    from tap_feedback.urls import Origin

T = TypeVar("T")


class Gate:
    """Lets the requests of all APIs on one host through, first come, first served, at the host's pace."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[object] = deque()

    def enter(self, closed: threading.Event, take: Callable[[], T | None]) -> tuple[T, Turn, float] | None:
        """Wait for a turn, and take a request for it.

        Args:
            closed: Ends the wait, together with `wake`.
            take: Takes the request when the turn comes; returns None if nothing is left to send.

        Returns:
            The request, its turn, and the time at which the turn came, by the monotonic clock, or 0 if there was no
            wait. None if `closed` was set, or there was nothing to send.
        """
        held = False
        place = object()
        with self._changed:
            self._waiting.append(place)
            try:
                while not closed.is_set():
                    now = time.monotonic()
                    wait = self._pace.ready - now if self._waiting[0] is place else math.inf
                    if wait <= 0:
                        request = take()
                        return None if request is None else (request, self._pace.send(now), now if held else 0.0)
                    held = True
                    self._changed.wait(None if wait == math.inf else wait)
                return None
            finally:
                self._waiting.remove(place)
                if self._waiting:
                    self._changed.notify_all()

    def leave(self, turn: Turn, failure: BaseException | None, policy: Retry) -> None:
        """End a turn. A refusal holds all requests to the host, if `policy` allows the wait."""
        with self._changed:
            self._pace.end()
            if failure is None:
                self._pace.succeed(turn)
            elif isinstance(failure, TransientError) and failure.refused:
                failure.strikes = self._pace.strike(turn)
                decision = decide(failure, failure.strikes, policy, jitter=random.random())  # noqa: S311
                if isinstance(decision, Wait):
                    failure.pause = decision.seconds
                    self._pace.pause(turn, time.monotonic(), decision.seconds)
            if self._waiting:
                self._changed.notify_all()

    def wake(self) -> None:
        """Let all waiting threads check whether they were closed."""
        with self._changed:
            self._changed.notify_all()


class Gates:
    """The gates of all hosts. All APIs on a host share its gate."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: dict[Origin, Gate] = {}

    def to(self, url: str) -> Gate:
        """Return the gate of the host of a URL."""
        with self._lock:
            return self._gates.setdefault(origin(urlsplit(url)), Gate())
