"""Streams side by side: what runs, what is reported, and what a signal does."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigurationError, FatalAPIError

from tap_feedback.lock import StreamLock
from tap_feedback.progress import Progress
from tap_feedback.sync import SIGNALS, Aborted, Runner, SyncFailedError, describe, signal_handlers_kept
from tap_feedback.writer import OutputLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGER = logging.getLogger("tap-feedback")
Work = Callable[["Stream"], object]


@dataclass
class Stream:
    """A stream that does what a test says."""

    name: str
    work: Work = lambda stream: None
    progress: Progress = field(init=False)

    def __post_init__(self) -> None:
        self.progress = Progress(self.name)

    def run(self) -> None:
        """Do it, and say so."""
        self.progress.result = "running"
        self.work(self)
        self.progress.result = "complete"


def runner(*streams: Stream, lock: StreamLock | None = None) -> Runner[Stream]:
    """A runner of these streams."""
    return Runner(streams, lock=lock or StreamLock(), logger=LOGGER)


def fail(error: Exception) -> Work:
    """Work that fails."""

    def work(_: Stream) -> None:
        raise error

    return work


@pytest.fixture
def handlers() -> Iterator[list[int]]:
    """The signals that no runner handled; pytest's own handlers are restored at the end."""
    received: list[int] = []
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in SIGNALS}
    yield received
    for number, handler in before.items():
        signal.signal(number, handler)


# Running


def test_streams_run_concurrently() -> None:
    """While a stream waits without the lock, another one runs; each has its own thread."""
    lock, together = StreamLock(), threading.Barrier(3)

    def meet(_: Stream) -> None:
        with lock.released():
            together.wait(5)

    streams = [Stream(name, meet) for name in ("forums", "features", "suggestions")]
    runner(*streams, lock=lock).run(Stream.run)
    assert [stream.progress.result for stream in streams] == ["complete"] * 3


def test_one_stream_runs_at_a_time() -> None:
    """A stream has the lock when its work begins."""
    lock, running, most = StreamLock(), 0, 0

    def work(_: Stream) -> None:
        nonlocal running, most
        for _turn in range(100):
            running += 1
            most = max(most, running)
            running -= 1
            with lock.released():
                pass

    runner(*(Stream(str(number), work) for number in range(4)), lock=lock).run(Stream.run)
    assert (running, most) == (0, 1)


def test_the_work_is_the_callers_choice() -> None:
    """A connection test does other work with the same streams."""
    done: list[str] = []
    runner(Stream("forums"), Stream("features")).run(lambda stream: done.append(stream.name))
    assert sorted(done) == ["features", "forums"]


def test_the_end_comes_last(caplog: pytest.LogCaptureFixture) -> None:
    """The last state follows all streams, failed ones too, and precedes summary and failures."""
    caplog.set_level("INFO")
    streams = Stream("forums"), Stream("features", fail(FatalAPIError("answered 404")))
    results: list[str] = []
    running = runner(*streams)
    running.run(Stream.run, at_end=lambda: results.extend(stream.progress.result for stream in streams))
    assert results == ["complete", "failed"]
    assert not caplog.messages
    running.log_summary()
    (summary,) = caplog.messages
    assert [line.split()[0] for line in summary.splitlines()] == ["Summary:", "stream", "forums", "features"]


# Failures


def test_a_failure_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """Each stream that failed has a line with its cause; those of the tap's own errors are without their type."""
    streams = [
        Stream("forums", fail(FatalAPIError("answered 404"))),
        Stream("features"),
        Stream("suggestions", fail(ValueError("odd"))),
    ]
    running = runner(*streams)
    running.run(Stream.run)
    with pytest.raises(SyncFailedError, match=r"^2 of 3 streams failed: ") as caught:
        running.raise_failures()
    assert sorted(str(caught.value).split(": ")[1].split(", ")) == ["forums", "suggestions"]
    assert [stream.progress.result for stream in streams] == ["failed", "complete", "failed"]
    assert sorted(caplog.messages) == [
        f"forums failed: {describe(FatalAPIError('answered 404'))}",
        "suggestions failed: ValueError: odd",
    ]


def test_no_failure() -> None:
    """A runner whose streams are complete raises nothing."""
    running = runner(Stream("forums"))
    running.run(Stream.run)
    running.raise_failures()
    assert running.failures == {}


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_a_traceback_is_a_detail(caplog: pytest.LogCaptureFixture, level: str, *, shown: bool) -> None:
    """The traceback of a failure is logged at the debug level only."""
    caplog.set_level(level, logger=LOGGER.name)
    running = runner(Stream("forums", fail(ValueError("odd"))))
    running.run(Stream.run)
    with pytest.raises(SyncFailedError):
        running.raise_failures()
    assert ("Traceback" in caplog.text) is shown


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConfigurationError("no API is set"), "no API is set"),
        (SyncFailedError("1 of 2 streams failed"), "1 of 2 streams failed"),
        (OutputLostError(BrokenPipeError()), "The target closed the pipe before all was written"),
        (KeyError("id"), "KeyError: 'id'"),
    ],
)
def test_errors_in_words(error: Exception, words: str) -> None:
    """An error that the tap raises itself is a sentence; another one needs its type to mean anything."""
    assert describe(error) == words


def test_a_lost_target_ends_all_streams() -> None:
    """Nothing more can be written, so the runner does not wait for the other streams, and they get no further turn."""
    lock, go_on, ended = StreamLock(), threading.Event(), threading.Event()

    def wait(_: Stream) -> None:
        try:
            with lock.released():
                go_on.wait(5)
        finally:
            ended.set()

    slow = Stream("forums", wait)
    written: list[str] = []
    with pytest.raises(OutputLostError):
        runner(slow, Stream("features", fail(OutputLostError(BrokenPipeError()))), lock=lock).run(
            Stream.run, at_end=lambda: written.append("state")
        )
    go_on.set()
    assert ended.wait(5)
    assert not written
    assert slow.progress.result == "running"


# Progress


def test_progress_of_streams(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """While streams run, each has its line; one that failed says so as long as others run."""
    caplog.set_level("INFO")
    monkeypatch.setattr("tap_feedback.sync.PROGRESS_INTERVAL", 0.02)
    lock = StreamLock()
    lines = "features: failed; the other streams go on", "forums: 7 rows in 1 page, "

    def wait(stream: Stream) -> None:
        stream.progress.rows, stream.progress.pages = 7, 1
        with lock.released():
            seen.wait(5)

    class Watch(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            if all(line in caplog.text for line in lines):
                seen.set()

    seen, watch = threading.Event(), Watch()
    LOGGER.addHandler(watch)
    try:
        runner(Stream("forums", wait), Stream("features", fail(ValueError())), lock=lock).run(Stream.run)
    finally:
        LOGGER.removeHandler(watch)
    assert seen.is_set()
    assert caplog.text.count(lines[0]) == 1


# Signals


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
        os.kill(os.getpid(), signal.SIGTERM)
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
