"""Pace of the requests to one host, learned from which of them the API refuses."""

from __future__ import annotations

import math
from typing import NamedTuple

#: How long a spacing must work until it counts as proven, and until a smaller one that was refused is tried again: a
#: number of successes, or a multiple of the time that a refusal costs if that is longer.
STEADY, PATIENT = (10, 3), (50, 100)
#: The largest spacing, as a multiple of the longest time that a refusal cost. No API needs more, and some refuse
#: requests for reasons other than their number.
MOST = 2
#: Spacings that differ by a smaller factor count as equal; and the factor by which a measured spacing is raised.
CLOSE, ROOM = 1.05, 1.02
#: The largest step from a working spacing to the next one to try; and the factor that lowers the refused spacing, when
#: it is doubted.
STEP, DOUBT = 0.8, 0.9
#: The smallest spacing that matters, in seconds.
SMALLEST = 0.001


class Spacing:
    """Seconds between two requests: a search between the largest spacing that was refused and the smallest that works.

    Before any refusal the spacing is 0. The first refusal shows how many requests the API let through in what time. The
    wait that the API asks for may be far longer than needed, so each success then halves the spacing, until the next
    refusal. If the API did not let more requests through for that, it counts them in windows, and the spacing measured
    first is right. From then on the spacing falls in small steps, each after a steady run, until the two ends of the
    search meet.
    """

    def __init__(self) -> None:
        self.value = 0.0
        self._refused = 0.0
        self._worked: list[float] = []  # the largest first
        self._steady = False  # whether a spacing needs a steady run to count as working
        self._run = 0
        self._cost = self._highest_cost = 0.0
        self._doubted = False

    def success(self, spacing: float) -> None:
        """Note that a request sent at this spacing succeeded."""
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
        """Note that the API refused a request sent at this spacing.

        Args:
            spacing: The spacing.
            measured: Seconds per request that the API let through since the last refusal, including waits.
            cost: Seconds from sending the request to the end of the wait that the API asks for.
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
        """Whether the search has ended."""
        return self._steady and self._worked[-1] <= CLOSE * self._refused

    @property
    def _run_needed(self) -> float:
        """Number of successes that the next step needs."""
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
    """The times at which requests may be sent to one host, by the caller's clock.

    After a pause, requests are sent one at a time. Each success allows one more concurrent request. The spacing keeps
    requests apart.
    """

    def __init__(self) -> None:
        self.spacing = Spacing()
        self._in_flight = 0
        self._room = math.inf  # maximum number of requests in flight
        self._next = -math.inf  # the moment from which the next request may be sent
        self._since: float | None = None  # the end of the last pause, or the first request
        self._passed = 0  # successes since then
        self._pauses = 0
        self._strikes = 0

    @property
    def ready(self) -> float:
        """The moment from which the next request may be sent; infinity if one in flight must end first."""
        return math.inf if self._in_flight >= self._room else self._next

    def send(self, now: float) -> Turn:
        """Note that a request is sent."""
        if self._since is None:
            self._since = now
        self._in_flight += 1
        self._next = max(self._next, now + self.spacing.value)
        return Turn(now, self._pauses, self.spacing.value)

    def end(self) -> None:
        """Note that a request has ended, successfully or not."""
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
            The number of refusals in a row, without a success in between. Refusals of requests that were in flight when
            a pause began are not counted again.
        """
        if turn.pauses == self._pauses:
            self._strikes += 1
        return max(1, self._strikes)

    def pause(self, turn: Turn, now: float, seconds: float) -> None:
        """Hold all requests for some seconds after a refusal."""
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
