"""The measurement of a command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks import measure

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

#: A process that holds 40 MiB for a while, and another of the same size below it.
HOLD = "import time; held = bytearray(b'x') * (40 << 20); time.sleep(0.5)"
PARENT = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {HOLD!r}]); {HOLD}; child.wait()"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_that_of_all_processes(tmp_path: Path) -> None:
    """With samples, the peak is that of a process and its descendants together; without, that of the largest."""
    command = [sys.executable, "-c", PARENT]
    sampled = measure.run(command, tmp_path, interval=0.02)
    assert sampled.memory > 80 << 20
    assert max(sampled.programs.values()) == sampled.memory  # both have the same name
    assert 40 << 20 < measure.run(command, tmp_path).memory < 80 << 20


def test_a_failure_is_named(tmp_path: Path) -> None:
    """A command that fails has its exit code and its exception in the message."""
    with pytest.raises(measure.RunFailedError, match="failed with exit code 1: ValueError: no rows"):
        measure.run([sys.executable, "-c", "raise ValueError('no rows')"], tmp_path)


def test_a_command_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout is a failure like others."""
    monkeypatch.setattr(measure, "TIMEOUT", 0.2)
    with pytest.raises(measure.RunFailedError, match=r"took longer than 0\.2 s"):
        measure.run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path)
