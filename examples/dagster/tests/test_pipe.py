"""A pipe ends with both of its processes, and keeps what the target has stored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from feedback_loads import pipe
from feedback_loads.pipe import Command, PipeError

pytestmark = pytest.mark.process

STATES = "".join(f'print("{{\\"place\\": {place}}}", flush=True);' for place in (1, 2))
READING = "import sys; [print(line, end='', flush=True) for line in sys.stdin]"
ENDLESS_STATES = "import time\nwhile True: print('{\"place\": 1}', flush=True); time.sleep(0.01)"
ENDLESS = "import time; time.sleep(60)"


def program(code: str) -> Command:
    """A program in Python."""
    return Command([sys.executable, "-c", code], dict(os.environ))


class Seen:
    """What a pipe has reported."""

    def __init__(self, *, talks: bool = False) -> None:
        self.talks = talks
        self.process = 0
        self.states: list[dict[str, Any]] = []
        self.lines: list[tuple[str, str]] = []

    def run(self, tap: str, target: str) -> None:
        """Run two programs as a pipe."""
        pipe.run(
            program(tap),
            program(target),
            on_start=self.on_start,
            on_state=self.on_state,
            on_line=lambda process, line: self.lines.append((process, line)),
        )

    def on_start(self, process: int) -> None:
        """Note the process."""
        self.process = process
        if self.talks:
            print(process, flush=True)  # noqa: T201 - for the test that has started this process

    def on_state(self, state: dict[str, Any]) -> None:
        """Note a state."""
        self.states.append(state)
        if self.talks:
            print(state, flush=True)  # noqa: T201 - as above

    @property
    def has_ended(self) -> bool:
        """Whether the tap has ended."""
        command = ["ps", "-o", "stat=", "-p", str(self.process)]
        state = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return not state or state.startswith("Z")  # ended, but not waited for


def test_states_and_logs() -> None:
    """Each state that the target writes and each line of both logs is reported."""
    seen = Seen()
    seen.run(STATES + "import sys; sys.stderr.write('one\\n')", READING + "; sys.stderr.write('two\\n')")
    assert seen.states == [{"place": 1}, {"place": 2}]
    assert sorted(seen.lines) == [("tap", "one"), ("target", "two")]


def test_a_tap_that_is_killed() -> None:
    """The target stores what it has received, and the load fails."""
    seen = Seen()
    with pytest.raises(PipeError, match=r"^the tap ended with signal 9$"):
        seen.run(STATES + f"import os; os.kill(os.getpid(), {signal.SIGKILL})", READING)
    assert seen.states == [{"place": 1}, {"place": 2}]


def test_a_target_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tap ends as well, even while it waits for its API."""
    monkeypatch.setattr(pipe, "GRACE", 0.1)
    seen = Seen()
    with pytest.raises(PipeError, match="signal 15 and the target ended with exit code 3"):
        seen.run(ENDLESS, "import sys; sys.exit(3)")
    assert seen.has_ended


def test_a_state_that_cannot_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The load fails, and no process is left."""
    monkeypatch.setattr(pipe, "GRACE", 0.1)
    seen = Seen()

    def fail(_: dict[str, Any]) -> None:
        raise OSError("no space")

    monkeypatch.setattr(seen, "on_state", fail)
    with pytest.raises(OSError, match="no space"):
        seen.run(ENDLESS_STATES, READING)
    assert seen.has_ended


def test_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the run is cancelled, both processes end."""
    seen = Seen()

    def interrupt(process: int) -> None:
        seen.process = process
        raise KeyboardInterrupt

    monkeypatch.setattr(seen, "on_start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        seen.run(ENDLESS, READING)
    assert seen.has_ended


def test_a_process_that_is_killed() -> None:
    """If the process of the pipe is killed, the target ends with its next state, and so does the tap."""
    code = "import test_pipe; test_pipe.Seen(talks=True).run(test_pipe.ENDLESS_STATES, test_pipe.READING)"
    folder = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder.parent}"}
    seen = Seen()
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout
        seen.process = int(load.stdout.readline())
        assert load.stdout.readline() == "{'place': 1}\n"
        load.kill()
    deadline = time.monotonic() + 20
    while not seen.has_ended and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen.has_ended


def test_a_tap_that_cannot_be_started() -> None:
    """The target ends as well."""
    missing = Command(["/no/such/program"], {})
    with pytest.raises(FileNotFoundError):
        pipe.run(missing, program(READING), on_start=print, on_state=print, on_line=print)


def test_messages_without_a_tap() -> None:
    """A target can be fed with messages, and its exit code says whether it has taken them."""
    assert pipe.feed(program("import sys; sys.exit(len(list(sys.stdin)))"), [{"type": "SCHEMA"}] * 2) == 2
