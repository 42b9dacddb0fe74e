"""Pace: what it makes of the limits that APIs have, by a simulated clock; and the gate, with threads."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tap_feedback.gate import Gate
from tap_feedback.pace import Pace, Turn
from tap_feedback.retry import TransientError
from tap_feedback.settings import Retry

#: An API's limit: at a moment, the seconds that it asks to wait, or None if it lets the request through.
Limit = Callable[[float], float | None]

STREAMS = 6
LATENCY = 0.05


# Limits


def spacing(gap: float, ask: Callable[[float], float] = math.ceil) -> Limit:
    """A request that comes too soon after the last accepted one is refused, even by a millisecond."""
    last = -math.inf

    def limit(now: float) -> float | None:
        nonlocal last
        if now - last < gap:
            return ask(last + gap - now)
        last = now
        return None

    return limit


def window(most: int, length: float) -> Limit:
    """A number of requests in each window, which begins with its first request."""
    begin, count = -math.inf, 0

    def limit(now: float) -> float | None:
        nonlocal begin, count
        if now - begin >= length:
            begin, count = now, 0
        count += 1
        return None if count <= most else math.ceil(begin + length - now)

    return limit


def clock_window(most: int, length: float) -> Limit:
    """A number of requests in each window of the clock, such as a minute."""
    counts: Counter[float] = Counter()

    def limit(now: float) -> float | None:
        counts[now // length] += 1
        return None if counts[now // length] <= most else math.ceil(length - now % length)

    return limit


def token_bucket(rate: float, burst: int) -> Limit:
    """A number of requests at first, and then one for each new token."""
    tokens, last = float(burst), 0.0

    def limit(now: float) -> float | None:
        nonlocal tokens, last
        tokens, last = min(burst, tokens + (now - last) * rate), now
        if tokens < 1:
            return math.ceil((1 - tokens) / rate)
        tokens -= 1
        return None

    return limit


def all_count(most: int, length: float) -> Limit:
    """A number of requests in any period of this length, including refused ones."""
    log: deque[float] = deque()

    def limit(now: float) -> float | None:
        while log and log[0] <= now - length:
            log.popleft()
        log.append(now)
        return None if len(log) <= most else math.ceil(log[len(log) - most] + length - now)

    return limit


def changes(before: Limit, after: Limit, at: float) -> Limit:
    """Another limit from a moment on."""
    return lambda now: (before if now < at else after)(now)


# Simulation


@dataclass
class Job:
    """A request of a stream, and how often it was refused in a row."""

    stream: int
    refusals: int = 0


class Sync:
    """A sync by a simulated clock: streams send their requests, one after the other, at the pace of one host.

    As in the tap, a free connection takes the request that has waited longest, and one that was refused goes first.

    Args:
        limit: The API's limit.
        requests: Requests in all.
        connections: Requests that are under way or wait for their turn.
        seed: Of the time that requests take on their way.
    """

    def __init__(self, limit: Limit, *, requests: int, connections: int = 4, seed: int = 1) -> None:
        self.passed: list[float] = []  # moments of successes
        self.refused: list[float] = []  # and of refusals
        self.resumed = math.inf  # end of the first pause
        self.done: dict[int, float] = {}  # when each stream ended
        self.in_a_row = 0  # refusals of one request
        self.strikes = 0  # refusals of the host
        self._limit = limit
        self._random = random.Random(seed)  # noqa: S311 - nothing here is secret
        self._pace = Pace()
        self._left = dict.fromkeys(range(STREAMS), requests // STREAMS)
        self._queue = deque(Job(stream) for stream in self._left)
        self._free = connections
        self._events: list[Any] = []
        self._number = itertools.count()
        self._now = self._looked = 0.0
        self._release()
        while self._events:
            self._now, _, happen, *what = heapq.heappop(self._events)
            happen(*what)
            self._release()

    @property
    def rate(self) -> float:
        """Requests per second after the first pause."""
        return sum(moment > self.resumed for moment in self.passed) / (self.passed[-1] - self.resumed)

    def _later(self, seconds: float, happen: Callable[..., None], *what: Any) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._number), happen, *what))

    def _travel(self) -> float:
        return LATENCY * (1 + 0.2 * self._random.random())

    def _release(self) -> None:
        """Send what may be sent."""
        while self._queue and self._free and self._pace.ready <= self._now:
            self._free -= 1
            self._later(self._travel(), self._arrive, self._queue.popleft(), self._pace.send(self._now))
        if self._queue and self._free and self._looked != self._pace.ready < math.inf:
            self._looked = self._pace.ready
            self._later(self._pace.ready - self._now, lambda: None)

    def _arrive(self, job: Job, turn: Turn) -> None:
        self._later(self._travel(), self._return, job, turn, self._limit(self._now))

    def _return(self, job: Job, turn: Turn, asked: float | None) -> None:
        self._free += 1
        self._pace.end()
        if asked is None:
            self._pace.succeed(turn)
            self.passed.append(self._now)
            self._left[job.stream] -= 1
            if self._left[job.stream]:
                self._queue.append(Job(job.stream))
            else:
                self.done[job.stream] = self._now
            return
        self.strikes = max(self.strikes, self._pace.strike(turn))
        self._pace.pause(turn, self._now, asked or 2)
        self.refused.append(self._now)
        self.resumed = min(self.resumed, self._now + asked)
        self.in_a_row = max(self.in_a_row, job.refusals + 1)
        self._queue.appendleft(Job(job.stream, job.refusals + 1))


#: What makes the limit, its requests per second, and the share of refusals that it may cost.
LIMITS: dict[str, tuple[Callable[[], Limit], float, float]] = {
    "1 per second, exactly": (lambda: spacing(1), 1, 0.04),
    "1 per second, which says how long to the millisecond": (lambda: spacing(1, float), 1, 0.04),
    "1 per second, which rounds down": (lambda: spacing(1, math.floor), 1, 0.04),
    "1 per second, which always asks for 5": (lambda: spacing(1, lambda _: 5), 1, 0.04),
    "2 per 3 seconds": (lambda: window(2, 3), 2 / 3, 0.04),
    "2 per 3 seconds by the clock": (lambda: clock_window(2, 3), 2 / 3, 0.04),
    "10 per 10 seconds": (lambda: window(10, 10), 1, 0.05),
    "10 per 10 seconds by the clock": (lambda: clock_window(10, 10), 1, 0.05),
    "100 per minute by the clock": (lambda: clock_window(100, 60), 100 / 60, 0.04),
    "60 per minute, with a burst of 60": (lambda: token_bucket(1, 60), 1, 0.06),
    "10 per second, with a burst of 20": (lambda: token_bucket(10, 20), 10, 0.04),
    "5 per second, which asks for a whole second": (lambda: spacing(0.2), 5, 0.04),
    "5 per second in windows, which asks for a whole second": (lambda: window(5, 1), 5, 0.04),
    "10 per 10 seconds, refused ones too": (lambda: all_count(10, 10), 1, 0.04),
    "5 per 5 seconds, refused ones too": (lambda: all_count(5, 5), 1, 0.04),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_learned(name: str, seed: int) -> None:
    """With any kind of limit, six streams soon use nearly all of it, and are rarely refused."""
    limit, rate, share = LIMITS[name]
    sync = Sync(limit(), requests=900, seed=seed)
    assert len(sync.passed) == 900
    assert 0.85 * rate <= sync.rate <= 1.1 * rate
    assert len(sync.refused) <= share * 900


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("connections", [1, 4, 16])
def test_no_stream_starves(name: str, connections: int) -> None:
    """Streams with as many requests end at about the same time; none is refused again and again."""
    sync = Sync(LIMITS[name][0](), requests=300, connections=connections)
    assert len(sync.done) == STREAMS
    assert min(sync.done.values()) > 0.8 * max(sync.done.values())
    assert sync.in_a_row <= 5
    assert sync.strikes <= 2


def test_short_syncs_get_their_share() -> None:
    """With 1 request per second, 24 requests take hardly longer than 24 s: the limit is learned with few refusals."""
    sync = Sync(spacing(1), requests=24)
    assert sync.passed[-1] < 28
    assert len(sync.refused) <= 7


def test_no_refusal_no_pace() -> None:
    """An API that refuses nothing gets requests as fast as it responds."""
    sync = Sync(lambda _: None, requests=600)
    assert sync.refused == []
    assert sync.passed[-1] <= 600 / 4 * 2.4 * LATENCY


@pytest.mark.parametrize("first", [3, 300])
def test_one_refusal_is_forgotten(first: int) -> None:
    """An API that asks for half a minute once, and never again, soon gets requests as fast as before."""
    numbers = itertools.count(1)
    sync = Sync(lambda _: 30 if next(numbers) == first else None, requests=9000)
    assert sync.passed[-1] < 9000 / 4 * 2.4 * LATENCY + 30 + 30


@pytest.mark.parametrize("factor", [2, 4, 20])
def test_limits_that_become_tighter_are_learned_anew(factor: int) -> None:
    """An API that suddenly accepts a fraction gets requests as slowly as it wants, after few refusals."""
    sync = Sync(changes(spacing(1 / factor), spacing(1), 100), requests=60 * factor + 600)
    since = [moment for moment in sync.passed if moment > 130]
    assert len(since) / (since[-1] - since[0]) > 0.9
    assert sum(moment > 100 for moment in sync.refused) < 30


@pytest.mark.parametrize("factor", [2, 4])
def test_limits_that_become_wider_are_found_out(factor: int) -> None:
    """An API that suddenly lets more through is tried again after a while."""
    sync = Sync(changes(spacing(1), spacing(1 / factor), 100), requests=2000)
    late = [moment for moment in sync.passed if moment > 600]
    assert len(late) / (late[-1] - late[0]) > 0.8 * factor


def test_refusals_of_what_was_under_way_are_one() -> None:
    """Requests from before a pause that are refused after it began make it longer, but do not count as new refusals."""
    pace = Pace()
    turns = [pace.send(0) for _ in range(4)]
    pace.end()
    pace.succeed(turns[0])
    for turn, now, seconds in zip(turns[1:], (0.1, 0.2, 0.3), (1, 2, 1), strict=True):
        pace.end()
        assert pace.strike(turn) == 1
        pace.pause(turn, now, seconds)
    assert pace.ready == pytest.approx(2.2)
    assert pace.spacing.value == pytest.approx(1.02 * 1.1)


def test_after_a_pause_requests_go_one_at_a_time() -> None:
    """The first request after a pause goes alone; each success lets one more be in flight."""
    pace = Pace()
    first = pace.send(0)
    pace.end()
    pace.strike(first)
    pace.pause(first, 0, 5)
    assert pace.ready == 5
    turn = pace.send(5)
    assert pace.ready == math.inf
    pace.end()
    pace.succeed(turn)
    pace.send(6)
    assert pace.ready <= 6
    pace.send(6)
    assert pace.ready == math.inf


def test_a_host_that_refuses_everything_is_counted() -> None:
    """Refusals in a row are counted across requests, until one succeeds."""
    pace = Pace()
    strikes = []
    for moment in range(5):
        turn = pace.send(moment)
        pace.end()
        strikes.append(pace.strike(turn))
        pace.pause(turn, moment, 1)
    assert strikes == [1, 2, 3, 4, 5]
    turn = pace.send(9)
    pace.succeed(turn)
    assert pace.strike(turn) == 1


# The gate

POLICY = Retry()


def send(gate: Gate, closed: threading.Event | None = None, failure: Exception | None = None) -> float:
    """Send a request, which fails or succeeds immediately; returns when it was sent, if it had to wait."""
    entered = gate.enter(closed or threading.Event(), lambda: "a request")
    assert entered is not None
    request, turn, held_until = entered
    assert request == "a request"
    gate.leave(turn, failure, POLICY)
    return held_until


def refuse(gate: Gate, seconds: float) -> TransientError:
    """Send a request that is refused with a wait."""
    failure = TransientError("busy", retry_after=seconds)
    send(gate, failure=failure)
    return failure


def test_requests_wait_in_order() -> None:
    """After a pause requests go in the order in which they came, and know until when they were held."""
    gate, passed = Gate(), []
    began = time.monotonic()
    assert refuse(gate, 0.8).strikes == 1  # long enough for all to come before it is over, on a busy machine too

    def note(number: int) -> float:
        held_until = send(gate)
        passed.append((held_until, number))
        return held_until

    with ThreadPoolExecutor(8) as pool:
        held = []
        for number in range(8):
            held.append(pool.submit(note, number))
            time.sleep(0.01)
        moments = [future.result(5) for future in held]
    assert [number for _, number in sorted(passed)] == list(range(8))
    assert min(moments) >= began + 0.8
    assert moments == sorted(moments)
    assert send(gate) == 0


def test_closed_waiters_wake_at_once() -> None:
    """Closing a connection ends the waits of its requests, and of no other's."""
    gate, mine, other = Gate(), threading.Event(), threading.Event()
    refuse(gate, 60)
    with ThreadPoolExecutor(6) as pool:
        owners = (mine, mine, other, other, mine, other)
        waits = [pool.submit(gate.enter, closed, lambda: "a request") for closed in owners]
        time.sleep(0.1)
        began = time.monotonic()
        for closed in (mine, other):
            closed.set()
            gate.wake()
            assert [wait.result(5) for wait, owner in zip(waits, owners, strict=True) if owner is closed] == [None] * 3
            assert [wait.done() for wait in waits] == [owner.is_set() for owner in owners]
        assert time.monotonic() - began < 1


def test_a_turn_that_nobody_needs_is_free() -> None:
    """If there is nothing left to send when the turn comes, as somebody else sent it, the turn is the next one's."""
    gate = Gate()
    first = gate.enter(threading.Event(), lambda: "a request")
    assert first is not None
    gate.leave(first[1], TransientError("busy", retry_after=0.05), POLICY)
    assert gate.enter(threading.Event(), lambda: None) is None
    assert gate.enter(threading.Event(), lambda: "a request") is not None


def test_a_wait_that_is_too_long_holds_nobody() -> None:
    """A request that is asked for a longer wait than `retry.max_wait` fails alone: the others are sent, and see."""
    gate = Gate()
    refuse(gate, 301)
    assert send(gate) == 0


def test_a_host_that_only_refuses_holds_nobody_longer_than_its_retries() -> None:
    """When the retries are used up, the remaining requests go immediately, to fail as well."""
    gate = Gate()
    began = time.monotonic()
    assert [refuse(gate, 0.05).strikes for _ in range(20)] == list(range(1, 21))
    assert time.monotonic() - began < 0.5


@pytest.mark.parametrize("failure", [TransientError("the answer was cut"), ValueError("a bug")])
def test_other_failures_change_nothing(failure: Exception) -> None:
    """A failure that is not a refusal ends the turn, and the next request is sent immediately."""
    gate = Gate()
    send(gate, failure=failure)
    assert send(gate) == 0


def test_the_gate_costs_next_to_nothing() -> None:
    """Without a refusal a turn takes some microseconds, of a request that takes a millisecond and more."""
    gate, closed = Gate(), threading.Event()
    began = time.perf_counter()
    for _ in range(2000):
        send(gate, closed)
    assert (time.perf_counter() - began) / 2000 < 0.0002
