"""Measurement of one process, and count of the rows that it wrote."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.rows import FIRST_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).parents[1]
LAUNCHER = Path(__file__).with_name("launch.py")
#: Seconds after which a process is killed.
TIMEOUT = 900

#: The end of a traceback.
EXCEPTION = re.compile(r"^[\w.]+\.?[A-Z]\w+: .*", re.MULTILINE)
#: The environment of all processes. Each also gets its own home folder.
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C.UTF-8",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}


@dataclass(frozen=True)
class Usage:
    """The usage of a process and its children: wall and CPU time in seconds, peak memory in bytes.

    If the memory was sampled, it is that of all processes together, and `programs` has the peak of each program by its
    name. Otherwise it is that of the largest process.
    """

    wall: float
    cpu: float
    memory: int
    programs: dict[str, int] = field(default_factory=dict)


#: The usage of a failed run.
NOTHING = Usage(0, 0, 0)


class RunFailedError(Exception):
    """A process failed. The message has the first exception in its log."""


def run(
    command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None, *, interval: float = 0
) -> Usage:
    """Run a command to its end. Its output goes to `stdout` and `stderr` in the folder.

    They are files, not pipes, as the reader of a pipe would use the processor, too.

    Args:
        command: The command.
        folder: The folder of its files.
        variables: Further environment variables.
        interval: Seconds between two samples of the memory of all its processes; 0 for none.

    Raises:
        RunFailedError: Its exit code was not 0, or it took longer than TIMEOUT.
    """
    report = folder / "usage.json"
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-IS", LAUNCHER, report, str(interval), *command],
            cwd=ROOT,
            env={**ENVIRONMENT, "HOME": str(folder), **(variables or {})},
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,  # so that it can be killed together with its children
        )
        try:
            code = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise RunFailedError(f"took longer than {TIMEOUT} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if code:
        log = (folder / "stderr").read_text(encoding="utf-8", errors="replace")
        found = EXCEPTION.search(log)
        raise RunFailedError(f"failed with exit code {code}: {found[0] if found else log[-200:]}")
    return Usage(**json.loads(report.read_text(encoding="utf-8")))


def missing(ids: Iterable[tuple[str, str | int]], streams: Sequence[str], rows: int) -> str:
    """Return what is wrong with the written rows, in words; empty if each row was written exactly once.

    Args:
        ids: Stream and id of each row, as written.
        streams: The expected streams.
        rows: Number of rows of each stream in the sandbox.
    """
    # One byte for each row. A set of ids would enlarge this process, and with it the peak memory of its children.
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
