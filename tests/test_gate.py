"""The gate of a host: one for each, and pauses of which one decision is made."""

from __future__ import annotations

import threading

from tap_feedback.gate import Gate, Gates
from tap_feedback.retry import TransientError, Wait, decide
from tap_feedback.settings import Retry


def test_one_gate_for_each_host() -> None:
    """URLs on one host share a gate, in any spelling; another port is another host."""
    gates = Gates()
    assert gates.to("http://a/v1") is gates.to("HTTP://A:80/v2?b")
    assert len({id(gates.to(url)) for url in ("http://a", "https://a", "http://a:81", "http://b")}) == 4


def test_a_refusal_has_one_wait() -> None:
    """The wait of a refused request, jitter included, is the pause of its host."""
    gate = Gate()
    entered = gate.enter(threading.Event(), lambda: "request")
    assert entered is not None
    failure = TransientError("returned 429 Too Many Requests", refused=True)
    gate.leave(entered[1], failure, Retry())
    assert 2 <= failure.pause <= 2.2
    assert decide(failure, 1, Retry(), jitter=1) == Wait(failure.pause)


def test_a_refusal_beyond_the_retries_pauses_nothing() -> None:
    """A host is not held for a request that is given up."""
    gate = Gate()
    entered = gate.enter(threading.Event(), lambda: "request")
    assert entered is not None
    failure = TransientError("returned 429 Too Many Requests", refused=True)
    gate.leave(entered[1], failure, Retry(max_retries=0))
    assert failure.pause == 0
