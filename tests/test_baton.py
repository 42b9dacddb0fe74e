"""One thread at a time, until the baton is dropped."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tap_feedback.baton import Baton, BatonDropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def run() -> Iterator[Callable[..., object]]:
    """A function that runs another on a thread of its own, and gives its future."""
    with ThreadPoolExecutor() as workers:
        yield workers.submit


def test_maker_holds_the_baton(run: Callable[..., object]) -> None:
    """Others wait until the thread that made the baton lays it down."""
    baton, taken = Baton(), threading.Event()

    def turn() -> None:
        baton.take()
        taken.set()
        baton.lay_down()

    run(turn)
    assert not taken.wait(0.05)
    with baton.laid_down():
        assert taken.wait(5)


def test_never_two_at_once(run: Callable[..., object]) -> None:
    """However many threads take turns, one holds the baton at a time."""
    baton, holders, most = Baton(), 0, 0
    ended = threading.Barrier(5)

    def turns() -> None:
        nonlocal holders, most
        baton.take()
        for _ in range(200):
            holders += 1
            most = max(most, holders)
            holders -= 1
            with baton.laid_down():
                pass
        baton.lay_down()
        ended.wait(10)

    for _ in range(4):
        run(turns)
    with baton.laid_down():
        ended.wait(10)
    assert (holders, most) == (0, 1)


def test_laid_down_is_taken_again_after_an_error() -> None:
    """Who fails while waiting holds the baton again when the error is handled."""
    baton = Baton()
    with pytest.raises(KeyError), baton.laid_down():
        raise KeyError
    baton.lay_down()
    baton.take()


def test_dropped_baton_ends_every_thread() -> None:
    """After the drop every thread that waits for a turn ends, one after the other."""
    baton = Baton()

    with ThreadPoolExecutor() as workers:
        turns = [workers.submit(baton.take) for _ in range(3)]
        baton.drop()
        baton.lay_down()  # nobody holds it any more: this does nothing
        for turn in turns:
            assert isinstance(turn.exception(5), BatonDropped)


def test_dropped_baton_ends_who_waits_for_the_network(run: Callable[..., object]) -> None:
    """A thread that laid the baton down gets no further turn once it is dropped."""
    baton = Baton()
    waiting, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def stream() -> None:
        baton.take()
        try:
            with baton.laid_down():
                waiting.set()
                go_on.wait(5)
        except BatonDropped:
            ended.set()

    run(stream)
    with baton.laid_down():
        assert waiting.wait(5)
    baton.drop()
    go_on.set()
    assert ended.wait(5)


def test_recalled_baton_comes_back() -> None:
    """Once it is recalled nobody but the maker has a turn, and all that wait for one end."""
    baton, taken, go_on = Baton(), threading.Event(), threading.Event()

    def stream() -> str:
        try:
            baton.take()
            taken.set()
            go_on.wait(5)
            with baton.laid_down():
                pass
        except BatonDropped:
            return "ended"
        finally:
            baton.lay_down()  # it was lost: this must not take it from who has it now
        return "had another turn"

    with ThreadPoolExecutor() as workers:
        with baton.laid_down():
            streams = [workers.submit(stream) for _ in range(4)]
            assert taken.wait(5)
            baton.recall()
            go_on.set()
        baton.lay_down()
        assert [turns.result(5) for turns in streams] == ["ended"] * 4
        baton.take()


def test_end_is_no_error_of_the_stream() -> None:
    """Code that handles a stream's errors does not take the end of the sync for one."""
    assert not issubclass(BatonDropped, Exception)
