"""Streams side by side, and a signal."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.lock import StreamLock
from tap_feedback.sync import SIGNALS, Aborted, signal_handlers_kept
from tap_feedback.writer import OutputLostError
from tests.fake_streams import Stream, runner

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def handlers() -> Iterator[list[int]]:
    """The signals that no runner handled; pytest's own handlers are restored at the end."""
    received: list[int] = []
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in SIGNALS}
    yield received
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_streams(handlers: list[int], caplog: pytest.LogCaptureFixture, number: int) -> None:
    """The streams get no further turn, the last state is written, and the exit code says which signal it was."""
    lock, order = StreamLock(), list[Any]()

    def work(stream: Stream) -> None:
        os.kill(os.getpid(), number)
        try:
            while True:
                with lock.released():
                    pass
        finally:
            order.append(stream.name)

    with pytest.raises(Aborted) as caught:
        runner(Stream("forums", work), lock=lock).run(Stream.run, at_end=lambda: order.append("state"))
    assert caught.value.code == 128 + number
    assert "state" in order
    assert caplog.messages == ["Stopped by a signal; state was saved for the streams that had finished"]
    assert not handlers


def test_after_a_signal_the_log_names_streams_that_will_continue(
    handlers: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """The state has their place, so that no other run need begin at the beginning."""

    def work(stream: Stream) -> None:
        stream.progress.is_resumable = stream.name != "forums"
        if stream.name != "forums":
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Aborted):
        runner(*(Stream(name, work) for name in ("forums", "features"))).run(Stream.run, at_end=lambda: None)
    assert caplog.messages[-1] == (
        "Stopped by a signal; state was saved for the streams that had finished; "
        "the next sync continues features from where it was"
    )
    assert not handlers


def test_a_second_signal_is_ignored(handlers: list[int]) -> None:
    """A person who presses Ctrl-C twice must not cut off the last state, nor change the exit code."""
    written: list[str] = []

    def at_end() -> None:
        for number in SIGNALS:
            os.kill(os.getpid(), number)
        written.append("state")

    with pytest.raises(Aborted) as caught:
        runner(Stream("forums", lambda _: os.kill(os.getpid(), signal.SIGTERM))).run(Stream.run, at_end=at_end)
    for number in SIGNALS:
        os.kill(os.getpid(), number)
    assert caught.value.code == 143
    assert written == ["state"]
    assert not handlers


def test_a_signal_does_not_interrupt_the_last_state(handlers: list[int]) -> None:
    """A signal that comes while the main thread writes has its effect afterwards: the line is whole."""
    written: list[str] = []

    def at_end() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        written.append("state")

    with pytest.raises(Aborted) as caught:
        runner(Stream("forums")).run(Stream.run, at_end=at_end)
    assert caught.value.code == 130
    assert written == ["state"]
    assert not handlers


def test_a_signal_and_a_lost_target(handlers: list[int]) -> None:
    """A signal that tap and target both get, as by Ctrl-C, is the reason even if the target ends first."""

    def at_end() -> None:
        raise OutputLostError(BrokenPipeError())

    with pytest.raises(Aborted) as caught:
        runner(Stream("forums", lambda _: os.kill(os.getpid(), signal.SIGINT))).run(Stream.run, at_end=at_end)
    assert caught.value.code == 130
    assert not handlers


def test_without_a_state_none_is_mentioned(handlers: list[int], caplog: pytest.LogCaptureFixture) -> None:
    """A connection test writes nothing."""
    with pytest.raises(Aborted):
        runner(Stream("forums", lambda _: os.kill(os.getpid(), signal.SIGINT))).run(Stream.run)
    assert caplog.messages == ["Stopped by a signal"]
    assert not handlers


def test_handlers_are_restored(handlers: list[int]) -> None:
    """After a run without a signal, signals have the effect that they had before."""
    runner(Stream("forums")).run(Stream.run)
    os.kill(os.getpid(), signal.SIGTERM)
    assert handlers == [signal.SIGTERM]


def test_handlers_are_kept(handlers: list[int]) -> None:
    """A handler that the block installs never runs: a signal waits for the end of the block."""
    during: list[int] = []
    with signal_handlers_kept():
        signal.signal(signal.SIGTERM, lambda number, _: during.append(number))
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # this thread, as the tests have others
        assert not handlers
    assert handlers == [signal.SIGTERM]
    assert not during


def test_on_another_thread() -> None:
    """Only the main thread can handle signals; on another one, streams run without that."""
    streams = Stream("forums"), Stream("features")

    def run() -> None:
        with signal_handlers_kept():
            runner(*streams).run(Stream.run)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)
    assert [stream.progress.result for stream in streams] == ["complete"] * 2
