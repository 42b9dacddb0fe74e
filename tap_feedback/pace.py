"""Pace: how soon the next request to a host may be sent, learned from what the API refuses, for all its requests."""

from __future__ import annotations

import math
from typing import NamedTuple

#: Successes after which a spacing counts as one that works; and after which one that was refused is doubted. If the
#: time that a refusal costs is longer, these multiples of it.
STEADY, PATIENT = (10, 3), (50, 100)
#: The most that a spacing can be, as a multiple of the longest time that a refusal cost: no API wants more, and some
#: refuse requests for other reasons than their number.
MOST = 2
#: Spacings that differ by less count as equal, and what is measured gets a little more room.
CLOSE, ROOM = 1.05, 1.02
#: The largest step from a spacing that works to the next one to try; and to one that was refused, when it is doubted.
STEP, DOUBT = 0.8, 0.9
#: Seconds; a spacing need not be smaller.
SMALLEST = 0.001


class Spacing:
    """Seconds between two requests: a search between the largest spacing that was refused and the smallest that works.

    Without a refusal it is 0. The first refusal shows how many requests the API let through in what time. As the wait
    that it asks for may be far longer than needed, each success then halves the spacing, up to the next refusal. If
    the API let no more requests through for that, it counts them in windows, and the spacing measured first is right.
    From then on the spacing falls in small steps, each after a steady run, until the two ends of the search meet.
    """

    def __init__(self) -> None:
        self.value = 0.0
        self._refused = 0.0
        self._worked: list[float] = []  # the largest first
        self._steady = False  # whether a spacing needs a steady run to count as one that works
        self._run = 0
        self._cost = self._highest_cost = 0.0
        self._doubted = False

    def success(self, spacing: float) -> None:
        """A request succeeded that was sent at this spacing."""
        if spacing != self.value or spacing < SMALLEST:
            return
        self._run += 1
        if self._run < self._run_needed:
            return
        self._run = 0
        if self.value < self._worked[-1]:
            self._worked.append(self.value)
        if self._doubted:
            self._refused, self._steady, self._doubted = 0.0, False, False
        elif self._settled:
            self._refused *= DOUBT
            self._doubted = True
        if not self._steady and self.value / 2 > self._refused:
            self.value /= 2
        else:
            self._steady = True
            if not self._settled:
                self.value = max((self._refused + self.value) / 2, STEP * self.value)

    def refusal(self, spacing: float, measured: float, cost: float) -> None:
        """A request was refused that was sent at this spacing.

        Args:
            spacing: Its spacing.
            measured: Seconds for each request that the API let through since the last refusal, waits included.
            cost: Seconds from when it was sent to the end of the wait that it asks for.
        """
        self._run, self._cost, self._doubted = 0, cost, False
        self._highest_cost = max(self._highest_cost, cost)
        self._refused = spacing
        first = self._worked[:1]
        self._worked = [worked for worked in self._worked if worked > spacing]
        if not self._worked:
            self._worked = [min(max(CLOSE * spacing, ROOM * measured), MOST * self._highest_cost)]
            self._steady = self._worked[0] <= 2 * spacing
        else:
            if not self._steady and measured >= STEP * first[0]:
                self._worked = first
            self._steady = True
        self.value = self._worked[-1]

    @property
    def _settled(self) -> bool:
        """Whether the search has come to its end."""
        return self._steady and self._worked[-1] <= CLOSE * self._refused

    @property
    def _run_needed(self) -> float:
        """Successes that the next step needs."""
        if not self._steady:
            return 1
        least, costs = PATIENT if self._settled else STEADY
        return max(least, costs * self._cost / self.value)


class Turn(NamedTuple):
    """When a request was sent, after how many pauses, and at what spacing."""

    sent: float
    pauses: int
    spacing: float


class Pace:
    """When a request may be sent to one host; the clock is the caller's.

    After a pause requests go one at a time, and with each success one more of them concurrently. The spacing keeps them
    apart.
    """

    def __init__(self) -> None:
        self.spacing = Spacing()
        self._in_flight = 0
        self._room = math.inf  # requests that may be in flight at the same time
        self._next = -math.inf  # the moment before which none is sent
        self._since: float | None = None  # the end of the last pause, or the first request
        self._passed = 0  # successes since then
        self._pauses = 0
        self._strikes = 0

    @property
    def ready(self) -> float:
        """The moment from which the next request may be sent; infinity if one that is in flight must end first."""
        return math.inf if self._in_flight >= self._room else self._next

    def send(self, now: float) -> Turn:
        """Note that a request is sent."""
        if self._since is None:
            self._since = now
        self._in_flight += 1
        self._next = max(self._next, now + self.spacing.value)
        return Turn(now, self._pauses, self.spacing.value)

    def end(self) -> None:
        """Note that a request has ended, whatever came of it."""
        self._in_flight -= 1

    def succeed(self, turn: Turn) -> None:
        """Note that the API let a request through."""
        self._strikes = 0
        if turn.pauses == self._pauses:
            self._passed += 1
            self._room += 1
            self.spacing.success(turn.spacing)

    def strike(self, turn: Turn) -> int:
        """Note that the API refused a request.

        Returns:
            The number of refusals in a row, without a success in between. A request that was in flight when a pause
            began belongs to the refusal that began it.
        """
        if turn.pauses == self._pauses:
            self._strikes += 1
        return max(1, self._strikes)

    def pause(self, turn: Turn, now: float, seconds: float) -> None:
        """Hold all requests for some seconds, as one that was refused asks."""
        end = now + seconds
        if turn.pauses < self._pauses:
            self._since = self._next = max(self._next, end)
            return
        if self._passed and seconds and self._since is not None:
            self.spacing.refusal(turn.spacing, (end - self._since) / self._passed, end - turn.sent)
        self._pauses += 1
        self._passed = 0
        self._room = 1
        self._since = self._next = end
