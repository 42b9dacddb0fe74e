"""Command line: `python -m sandbox` serves until a signal comes or its time is over."""

from __future__ import annotations

import argparse
import json
import signal
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from sandbox.apis import Options
from sandbox.paging import STYLES, Paging
from sandbox.server import DEFAULT_ROWS, Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence


def pair(text: str) -> tuple[str, str]:
    """Return the two parts around the first `=`."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def count_of(text: str) -> tuple[str, int]:
    """Return a name and a number around the first `=`."""
    name, value = pair(text)
    return name, int(value)


def style_of(text: str) -> tuple[str, Paging]:
    """Return a name and a style of paging around the first `=`."""
    name, value = pair(text)
    if value not in STYLES:
        raise argparse.ArgumentTypeError(f"unknown style {value!r}; the styles are {', '.join(STYLES)}")
    return name, STYLES[value]


def seconds_of(text: str) -> tuple[str, float]:
    """Return a name and a number of seconds around the first `=`."""
    name, value = pair(text)
    return name, float(value)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
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
    made.add_argument("--seed", type=int, default=1, help="seed for the contents (%(default)s)")
    made.add_argument("--latency", type=float, default=0, metavar="SECONDS", help="wait of each request (%(default)s)")
    made.add_argument("--key", type=pair, action="append", default=[], metavar="API=KEY", help="the key of one API")
    made.add_argument(
        "--paging", type=style_of, action="append", default=[], metavar="API=STYLE", help=f"one of {', '.join(STYLES)}"
    )
    made.add_argument(
        "--oauth2",
        type=seconds_of,
        action="append",
        default=[],
        metavar="API=SECONDS",
        help="accept OAuth2 tokens with this lifetime, and no keys",
    )
    made.add_argument("--write-config", type=Path, metavar="FILE", help="write settings for the tap into this file")
    made.add_argument(
        "--for", type=float, default=900, dest="seconds", metavar="SECONDS", help="stop after this time (%(default)s)"
    )
    return made


def options_of(given: argparse.Namespace) -> dict[str, Options]:
    """Return the options of single APIs."""
    keys, paging, lifetimes = dict(given.key), dict(given.paging), dict(given.oauth2)
    return {
        name: Options(keys.get(name), paging.get(name), lifetimes.get(name)) for name in {**keys, **paging, **lifetimes}
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes or the time is over."""
    command = parser()
    given = command.parse_args(arguments)
    try:
        sandbox = Sandbox(
            rows=given.rows,
            rows_of=dict(given.rows_of),
            seed=given.seed,
            apis=options_of(given),
            latency=given.latency,
            port=given.port,
            logged=0,
        )
    except ValueError as error:
        command.error(str(error))
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
