"""Lock for code that is not thread-safe: the SDK's, and the streams' own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class LockClosed(SystemExit):
    """The sync is over for this thread. This is not an `Exception`, so that a stream does not count it as a failure."""


class StreamLock:
    """A lock that a stream holds while it handles a page, and releases while it waits for the network.

    The owner is the thread that creates the lock. It holds the lock from the start.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._owner = self._holder = threading.get_ident()
        self._waiting: set[int] = set()
        self._reserved = False
        self._closed = False

    def acquire(self) -> None:
        """Wait for the lock.

        Raises:
            LockClosed: The lock is closed, or reserved for another thread.
        """
        if not self._lock.acquire(blocking=False):
            self._waiting.add(threading.get_ident())
            self._lock.acquire()
            self._waiting.discard(threading.get_ident())
        if self._closed or (self._reserved and threading.get_ident() != self._owner):
            self._lock.release()
            raise LockClosed
        self._holder = threading.get_ident()

    @property
    def is_wanted(self) -> bool:
        """Whether another thread waits for the lock."""
        return bool(self._waiting)

    def release(self) -> None:
        """Let another thread acquire the lock. Do nothing if this thread does not hold it."""
        if self._holder == threading.get_ident():
            self._holder = 0
            self._lock.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release the lock while this thread waits."""
        self.release()
        try:
            yield
        finally:
            self.acquire()

    def reserve(self) -> None:
        """Let only the owner acquire the lock from now on. Any thread may call this, with or without the lock."""
        self._reserved = True

    def close(self) -> None:
        """Let no thread acquire the lock from now on, so that all of them end. The holder calls this."""
        self._closed = True
        self.release()
