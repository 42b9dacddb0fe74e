"""One process, measured; and the rows that it wrote, counted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.rows import FIRST_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parents[1]
LAUNCHER = Path(__file__).with_name("launch.py")
#: Seconds after which a process is ended that does not end by itself.
TIMEOUT = 900

#: The end of a traceback.
EXCEPTION = re.compile(r"^[\w.]+\.?[A-Z]\w+: .*", re.MULTILINE)
#: What all processes find in their environment; a home of their own keeps them from one another.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C.UTF-8",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "EXTRACT__WORKERS": "8",  # as many as there are streams; the Airbyte manifest says the same
    "DATA_WRITER__DISABLE_COMPRESSION": "true",  # no other tool compresses what it writes
}


@dataclass(frozen=True)
class Usage:
    """What a process used, with all that it started: wall and CPU time in seconds, peak memory in bytes."""

    wall: float
    cpu: float
    memory: int


#: A run that failed.
NOTHING = Usage(0, 0, 0)


class RunFailedError(Exception):
    """A process did not end well; with the first exception in its log."""


def run(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end; its output goes to `stdout` and `stderr` in the folder.

    Files, not pipes: a reader would take its share of the processor.

    Raises:
        RunFailedError: Its exit code was not 0.
        subprocess.TimeoutExpired: It took longer than TIMEOUT.
    """
    report = folder / "usage.json"
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-IS", LAUNCHER, report, *command],
            cwd=ROOT,
            env={**ENVIRONMENT, "HOME": str(folder), **(variables or {})},
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,  # so that all that it started can be ended together
        )
        try:
            code = process.wait(TIMEOUT)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code:
        log = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
        told = EXCEPTION.search(log)
        raise RunFailedError(f"failed with exit code {code}: {told[0] if told else log[-200:]}")
    return Usage(**json.loads(report.read_text(encoding="utf-8")))


def missing(ids: Iterable[tuple[str, str | int]], streams: Sequence[str], rows: int) -> str:
    """Return what is wrong with the rows that were written, in words; empty if each row is there exactly once.

    Args:
        ids: Stream and id of each row, as written.
        streams: The streams that there should be.
        rows: The rows that each has in the sandbox.
    """
    # A byte a row, as a set of ids would stay in this process, and its children would seem to begin with it.
    seen = {stream: bytearray(rows) for stream in streams}
    written = 0
    for stream, value in ids:
        seen[stream][int(str(value).removeprefix("row-")) - FIRST_ID] = 1
        written += 1
    distinct = sum(map(sum, seen.values()))
    expected = rows * len(streams)
    if written == distinct == expected:
        return ""
    return f"{distinct:,} of {expected:,} rows, {written - distinct:,} of them twice"
