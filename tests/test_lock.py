"""One thread at a time, until the lock is reserved or closed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tap_feedback.lock import LockClosed, StreamLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def run() -> Iterator[Callable[..., object]]:
    """A function that runs another one on a new thread, and returns its future."""
    with ThreadPoolExecutor() as workers:
        yield workers.submit


def test_owner_holds_the_lock(run: Callable[..., object]) -> None:
    """Other threads wait until the thread that created the lock releases it."""
    lock, acquired = StreamLock(), threading.Event()

    def turn() -> None:
        lock.acquire()
        acquired.set()
        lock.release()

    run(turn)
    assert not acquired.wait(0.05)
    with lock.released():
        assert acquired.wait(5)


def test_is_wanted(run: Callable[..., object]) -> None:
    """The holder knows whether another thread waits for the lock."""
    lock, ended = StreamLock(), threading.Event()

    def turn() -> None:
        lock.acquire()
        lock.release()
        ended.set()

    assert not lock.is_wanted
    run(turn)
    while not lock.is_wanted:
        assert not ended.wait(0.001)
    with lock.released():
        assert ended.wait(5)
    assert not lock.is_wanted


def test_one_holder_at_a_time(run: Callable[..., object]) -> None:
    """Only one of many threads holds the lock at a time."""
    lock, holders, most = StreamLock(), 0, 0
    ended = threading.Barrier(5)

    def turns() -> None:
        nonlocal holders, most
        lock.acquire()
        for _ in range(200):
            holders += 1
            most = max(most, holders)
            holders -= 1
            with lock.released():
                pass
        lock.release()
        ended.wait(10)

    for _ in range(4):
        run(turns)
    with lock.released():
        ended.wait(10)
    assert (holders, most) == (0, 1)


def test_released_acquires_after_an_error() -> None:
    """A thread that fails while it waits holds the lock again when it handles the error."""
    lock = StreamLock()
    with pytest.raises(KeyError), lock.released():
        raise KeyError
    lock.release()
    lock.acquire()


def test_closed_lock_ends_every_thread() -> None:
    """Once the lock is closed, every thread that waits for it ends, one after the other."""
    lock = StreamLock()

    with ThreadPoolExecutor() as workers:
        turns = [workers.submit(lock.acquire) for _ in range(3)]
        lock.close()
        lock.release()  # no thread holds it any more: this does nothing
        for turn in turns:
            assert isinstance(turn.exception(5), LockClosed)


def test_closed_lock_ends_a_thread_that_waits_for_the_network(run: Callable[..., object]) -> None:
    """A thread that released the lock cannot acquire it again once it is closed."""
    lock = StreamLock()
    waiting, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def stream() -> None:
        lock.acquire()
        try:
            with lock.released():
                waiting.set()
                go_on.wait(5)
        except LockClosed:
            ended.set()

    run(stream)
    with lock.released():
        assert waiting.wait(5)
    lock.close()
    go_on.set()
    assert ended.wait(5)


def test_reserved_lock_returns_to_its_owner() -> None:
    """Once the lock is reserved, only its owner acquires it, and all other threads that want it end."""
    lock, acquired, go_on = StreamLock(), threading.Event(), threading.Event()

    def stream() -> str:
        try:
            lock.acquire()
            acquired.set()
            go_on.wait(5)
            with lock.released():
                pass
        except LockClosed:
            return "ended"
        finally:
            lock.release()  # this thread lost the lock: this must not take it from its holder
        return "had another turn"

    with ThreadPoolExecutor() as workers:
        with lock.released():
            streams = [workers.submit(stream) for _ in range(4)]
            assert acquired.wait(5)
            lock.reserve()
            go_on.set()
        lock.release()
        assert [turns.result(5) for turns in streams] == ["ended"] * 4
        lock.acquire()


def test_end_is_not_an_error_of_the_stream() -> None:
    """Code that handles a stream's errors does not take the end of the sync for one."""
    assert not issubclass(LockClosed, Exception)
