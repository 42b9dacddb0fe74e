"""The one lock: whoever holds the baton may run code that is not made for threads, the SDK's and ours."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class BatonDropped(SystemExit):
    """The sync is over for this thread."""


class Baton:
    """A lock that is held while a stream handles a page, and laid down while it waits for the network.

    The thread that makes it holds it from the start.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._maker = self._holder = threading.get_ident()
        self._recalled = False
        self._dropped = False

    def take(self) -> None:
        """Wait for the baton.

        Raises:
            BatonDropped: There will be no more turns.
        """
        self._lock.acquire()
        if self._dropped or (self._recalled and threading.get_ident() != self._maker):
            self._lock.release()
            raise BatonDropped
        self._holder = threading.get_ident()

    def lay_down(self) -> None:
        """Let another thread have a turn; nothing where this one has lost its own."""
        if self._holder == threading.get_ident():
            self._holder = 0
            self._lock.release()

    def recall(self) -> None:
        """Keep all further turns for the thread that made the baton; any thread may call it."""
        self._recalled = True

    @contextmanager
    def laid_down(self) -> Iterator[None]:
        """Let other threads have their turns while this one waits."""
        self.lay_down()
        try:
            yield
        finally:
            self.take()

    def drop(self) -> None:
        """End the turns of all other threads, which end when they next want one; the holder calls it."""
        self._dropped = True
        self.lay_down()
