"""Runner of streams, each on its own thread, until all have ended or a signal comes."""

from __future__ import annotations

import logging
import os
import signal
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from singer_sdk.exceptions import ConfigurationError, SyncError

from tap_feedback.progress import summary
from tap_feedback.writer import OutputLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from tap_feedback.lock import StreamLock
    from tap_feedback.progress import Progress

#: Seconds between two progress lines of a stream.
PROGRESS_INTERVAL = 10
#: Maximum seconds between a signal and the end of the process, if the target does not read.
GRACE = 5
#: The signals that end a sync.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SyncFailedError(SyncError):
    """Some streams failed. The log has a line for each of them."""


class Aborted(SystemExit):
    """A signal ended the sync before all streams were complete."""


class Runnable(Protocol):
    """What the runner needs to know of a stream."""

    @property
    def name(self) -> str:
        """Name of the stream."""

    @property
    def progress(self) -> Progress:
        """Progress of the stream so far."""


AnyStream = TypeVar("AnyStream", bound=Runnable)


class Runner(Generic[AnyStream]):
    """Runs streams concurrently. A stream that fails does not stop the others.

    Args:
        streams: The streams, at least one.
        lock: Created and held by the caller. A running stream holds it except while it waits.
        logger: For progress, failures and the summary.
    """

    def __init__(self, streams: Sequence[AnyStream], *, lock: StreamLock, logger: logging.Logger) -> None:
        self.failures: dict[str, Exception] = {}
        self._streams = streams
        self._lock = lock
        self._logger = logger
        self._exit_code = 0  # not 0 once a signal came
        self._is_waiting = False
        self._last_resort: threading.Timer | None = None

    def run(self, work: Callable[[AnyStream], None], *, at_end: Callable[[], None] | None = None) -> None:
        """Do the same work with every stream.

        Args:
            work: What to do with a stream, on the stream's thread.
            at_end: Writes the last state, after all streams have ended or a signal came. It runs on the calling thread,
                when no other thread writes any more. None if nothing is written.

        Raises:
            Aborted: A signal came.
            OutputLostError: The target is gone.
        """
        workers = ThreadPoolExecutor(len(self._streams), thread_name_prefix="stream")
        with self._handling_signals():
            try:
                with suppress(Aborted), self._lock.released():
                    self._wait_for({workers.submit(self._run, stream, work): stream for stream in self._streams})
                if at_end:
                    at_end()
            except OutputLostError:
                self._lock.close()
                if not self._exit_code:  # else the target got the same signal, for example by Ctrl-C
                    raise
            finally:
                workers.shutdown(wait=False, cancel_futures=True)
        if self._exit_code:
            self._lock.close()
            self._logger.error("Stopped by a signal%s", self._saved if at_end else "")
            if self._last_resort:
                self._last_resort.cancel()
            raise Aborted(self._exit_code)

    @property
    def _saved(self) -> str:
        """Words for what a last state has, after a signal."""
        placed = [stream.name for stream in self._streams if stream.progress.is_resumable]
        where = "from where it was" if len(placed) == 1 else "from where they were"
        so_far = f"; the next sync continues {', '.join(placed)} {where}" if placed else ""
        return f"; state was saved for the streams that had finished{so_far}"

    def log_summary(self) -> None:
        """Log a table with the progress of each stream."""
        self._logger.info("Summary:\n%s", summary(stream.progress for stream in self._streams))

    def raise_failures(self) -> None:
        """Log a line for each failed stream, at the debug level with a traceback.

        Raises:
            SyncFailedError: At least one stream failed.
        """
        with_traceback = self._logger.isEnabledFor(logging.DEBUG)
        for name, error in self.failures.items():
            self._logger.error("%s failed: %s", name, describe(error), exc_info=error if with_traceback else None)
        if self.failures:
            names = ", ".join(self.failures)
            raise SyncFailedError(f"{len(self.failures)} of {len(self._streams)} streams failed: {names}")

    def _run(self, stream: AnyStream, work: Callable[[AnyStream], None]) -> None:
        """Do the work with one stream, on its own thread."""
        self._lock.acquire()
        try:
            work(stream)
        except OutputLostError:
            raise
        except Exception as error:  # noqa: BLE001 - the other streams continue in any case; `raise_failures` reports it
            stream.progress.result = "failed"
            self.failures[stream.name] = error
        finally:
            self._lock.release()

    def _wait_for(self, runs: Mapping[Future[None], AnyStream]) -> None:
        """Wait for all streams, and log their progress from time to time.

        Raises:
            Aborted: A signal came; streams may still be running.
            OutputLostError: The target is gone; streams may still be running.
        """
        pending = set(runs)
        while pending:
            done, pending = self._wait(pending)
            for run in done:
                run.result()
            for run, stream in runs.items():
                if run in pending and stream.progress.result == "running":
                    self._logger.info("%s", stream.progress.line)
                elif run in done and stream.progress.result == "failed" and pending:
                    self._logger.warning("%s: failed; the other streams continue", stream.name)

    # Signals

    def _wait(self, pending: set[Future[None]]) -> tuple[set[Future[None]], set[Future[None]]]:
        """Wait for an interval, or until all have ended. A signal interrupts the main thread only here."""
        self._is_waiting = True
        try:
            if self._exit_code:
                raise Aborted(self._exit_code)
            return wait(pending, timeout=PROGRESS_INTERVAL, return_when=FIRST_EXCEPTION)
        finally:
            self._is_waiting = False

    @contextmanager
    def _handling_signals(self) -> Iterator[None]:
        """Let a signal end the sync. After the first one, signals are ignored until the process ends."""
        if threading.current_thread() is not threading.main_thread():  # only that one can handle signals
            yield
            return
        handlers = {number: signal.signal(number, self._stop) for number in SIGNALS}
        try:
            yield
        finally:
            if not self._exit_code:
                for number, handler in handlers.items():
                    signal.signal(number, handler)

    def _stop(self, number: int, _: FrameType | None) -> None:
        """End the sync. The main thread runs this. If it is writing, the sync ends after it has written."""
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        self._exit_code = 128 + number
        self._last_resort = threading.Timer(GRACE, os._exit, [self._exit_code])
        self._last_resort.daemon = True
        self._last_resort.start()
        self._lock.reserve()
        if self._is_waiting:
            raise Aborted(self._exit_code)


@contextmanager
def signal_handlers_kept() -> Iterator[None]:
    """Restore the signal handlers at the end of the block, and hold signals back until then.

    The constructor of the SDK's tap installs its own handlers, which end the process with exit code 0.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def describe(error: Exception) -> str:
    """Return the message of an error, with its type unless the tap itself raised it."""
    if isinstance(error, (ConfigurationError, OutputLostError, SyncError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
