"""Pipe of a tap into a target, as two processes."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: Seconds in which a process must end, after the other one has ended or the load was stopped.
GRACE = 30


class Command(NamedTuple):
    """A program with its arguments and its environment."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


class PipeError(Exception):
    """A process of the pipe failed."""

    def __init__(self, tap: int, target: int) -> None:
        failed = [f"the {name} ended with {_code(code)}" for name, code in (("tap", tap), ("target", target)) if code]
        super().__init__(" and ".join(failed))


def _code(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def run(
    tap: Command,
    target: Command,
    *,
    on_start: Callable[[int], None],
    on_state: Callable[[dict[str, Any]], None],
    on_line: Callable[[str, str], None],
) -> None:
    """Run a tap into a target until both have ended.

    If the tap fails, the target first stores what it has received, and its last state is kept. If the target fails, or
    this call is interrupted, both processes end. If this process is killed, the target ends when it writes its next
    state into the broken pipe, and then so does the tap.

    Args:
        tap: The tap.
        target: The target.
        on_start: Receives the process id of the tap.
        on_state: Receives each state that the target has stored.
        on_line: Receives each line of a log, after `tap` or `target`.

    Raises:
        PipeError: A process failed.
    """
    with ThreadPoolExecutor(3, thread_name_prefix="pipe") as readers:
        writer = _start(target, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes, reading = [writer], list[Future[None]]()
        try:
            assert writer.stdin and writer.stdout and writer.stderr  # noqa: S101, PT018 - for the type checker
            reader = _start(tap, stdin=subprocess.DEVNULL, stdout=writer.stdin)
            processes.insert(0, reader)
            writer.stdin.close()  # the tap has the only other end, so that its end is that of the messages
            assert reader.stderr  # noqa: S101 - for the type checker
            on_start(reader.pid)
            reading += [
                readers.submit(_read, writer.stdout, lambda line: on_state(json.loads(line)) if line else None),
                readers.submit(_read, writer.stderr, lambda line: on_line("target", line)),
                readers.submit(_read, reader.stderr, lambda line: on_line("tap", line)),
            ]
            writer.wait()
        except BaseException:
            processes[0].terminate()  # the tap writes a last state, which the target stores
            raise
        finally:
            for process in processes:
                _end(process)
                if not reading:
                    _close(process)
    for each in reading:
        each.result()
    if reader.returncode or writer.returncode:
        raise PipeError(reader.returncode, writer.returncode)


def feed(target: Command, messages: Iterable[dict[str, Any]]) -> int:
    """Run a target on some messages, and return its exit code. Its log is dropped."""
    text = "".join(f"{json.dumps(message)}\n" for message in messages)
    return subprocess.run(
        target.arguments, input=text, env=dict(target.environment), capture_output=True, text=True, check=False
    ).returncode


def _start(command: Command, **streams: Any) -> subprocess.Popen[str]:
    """Start a process that no signal to this one's group reaches."""
    return subprocess.Popen(
        command.arguments,
        env=dict(command.environment),
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        **streams,
    )


def _read(lines: IO[str], use: Callable[[str], None]) -> None:
    """Use each line to the end. If that fails, close the pipe, so that the process does not wait for a reader."""
    with lines:
        for line in lines:
            use(line.rstrip("\n"))


def _close(process: subprocess.Popen[str]) -> None:
    """Close the pipes of a process that has ended, which no thread reads."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def _end(process: subprocess.Popen[str]) -> None:
    """Wait for the end of a process, and force it if it does not come."""
    for force in (process.terminate, process.kill):
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return
        force()
    process.wait()
