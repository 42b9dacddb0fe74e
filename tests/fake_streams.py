"""Streams that do what a test says, and a runner of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from tap_feedback.lock import StreamLock
from tap_feedback.progress import Progress
from tap_feedback.sync import Runner

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
