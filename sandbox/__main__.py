"""The command line: `python -m sandbox` serves until it is told to stop."""

from __future__ import annotations

import argparse
import json
import signal
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from sandbox.faults import Fault
from sandbox.server import DEFAULT_ROWS, Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence


def pair(text: str) -> tuple[str, str]:
    """Two parts around the first `=`."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def count_of(text: str) -> tuple[str, int]:
    """A name and a number around the first `=`."""
    name, value = pair(text)
    return name, int(value)


def read_faults(path: Path) -> dict[str, list[Fault | None]]:
    """Scripts by path, from a file such as {"/v1/forums": [{"status": 503}, null]}.

    Raises:
        ValueError: The file is something else.
        OSError: The file cannot be read.
    """
    scripts = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(scripts, dict) or not all(isinstance(script, list) for script in scripts.values()):
        raise ValueError("it must be an object of paths, each with a list of faults")
    return {where: [Fault.of(entry) for entry in script] for where, script in scripts.items()}


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    made = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Serve a feedback, an analytics and a support API with made-up rows on 127.0.0.1.",
        epilog="POST /_sandbox/rows/STREAM?add=N adds rows while it runs, ?update=INDEX updates one.",
    )
    made.add_argument("--port", type=int, default=0, help="port to listen on; 0, the default, takes a free one")
    made.add_argument("--rows", type=int, default=DEFAULT_ROWS, metavar="N", help="rows of each stream (%(default)s)")
    made.add_argument(
        "--rows-of", type=count_of, action="append", default=[], metavar="STREAM=N", help="rows of one stream"
    )
    made.add_argument("--seed", type=int, default=1, help="what the contents are made from (%(default)s)")
    made.add_argument("--latency", type=float, default=0, metavar="SECONDS", help="wait of each request (%(default)s)")
    made.add_argument("--key", type=pair, action="append", default=[], metavar="API=KEY", help="the key of one API")
    made.add_argument("--faults", type=Path, metavar="FILE", help='faults: {"/v1/forums": [{"status": 503}, null]}')
    made.add_argument("--write-config", type=Path, metavar="FILE", help="write a configuration for the tap there")
    made.add_argument(
        "--for", type=float, default=900, dest="seconds", metavar="SECONDS", help="stop after so long (%(default)s)"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes or the time is over."""
    command = parser()
    given = command.parse_args(arguments)
    try:
        sandbox = Sandbox(
            rows=given.rows,
            rows_of=dict(given.rows_of),
            seed=given.seed,
            keys=dict(given.key),
            latency=given.latency,
            port=given.port,
            logged=0,
        )
    except ValueError as error:
        command.error(str(error))
    if given.faults:
        try:
            scripts = read_faults(given.faults)
        except (OSError, ValueError) as error:
            command.error(f"{given.faults}: {error}")
        for path, faults in scripts.items():
            sandbox.script(path, faults)
    # A queue, because its `put` may interrupt its own `get`; an event's `set` may not interrupt its `wait`.
    signals: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: signals.put(received))
    try:
        with sandbox:
            if given.write_config:
                given.write_config.write_text(json.dumps(sandbox.config, indent=2) + "\n", encoding="utf-8")
            print(f"sandbox: {sandbox.url}", flush=True)
            with suppress(Empty):
                signals.get(timeout=given.seconds)
    except OSError as error:
        command.error(str(error))


if __name__ == "__main__":
    main()
