"""Streams side by side: what runs, and what is reported."""

from __future__ import annotations

import logging
import threading

import pytest
from singer_sdk.exceptions import ConfigurationError, FatalAPIError

from tap_feedback.lock import StreamLock
from tap_feedback.sync import SyncFailedError, describe
from tap_feedback.writer import OutputLostError
from tests.fake_streams import LOGGER, Stream, fail, runner

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
    streams = Stream("forums"), Stream("features", fail(FatalAPIError("returned 404")))
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
        Stream("forums", fail(FatalAPIError("returned 404"))),
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
        f"forums failed: {describe(FatalAPIError('returned 404'))}",
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
        (OutputLostError(BrokenPipeError()), "The target closed the pipe before everything was written"),
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
    lines = "features: failed; the other streams continue", "forums: 7 rows in 1 page, "

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
