"""Command line of the demo: `python -m demo target-jsonl` loads the sandbox's APIs and counts the rows."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.sql import SQL, Identifier

from demo import meltano
from demo.postgres import postgres
from sandbox import Sandbox
from tap_feedback.streams import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS = 2000
OUTPUT = meltano.ROOT / "output" / "demo"
SCHEMA = "tap_feedback"
STREAM_NAMES = [stream for streams in shipped().values() for stream in streams]

#: The loaded rows by stream: their number, and where they are.
Landed = dict[str, tuple[int, str]]


def main() -> int:
    """Run the demo, and return the exit code: 0 if every row was loaded."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    load = TARGETS[parser.parse_args().target]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Sandbox(rows=ROWS) as sandbox:
            landed = load(sandbox.config)
            expected = {stream: sum(1 for _ in sandbox.rows(stream)) for stream in STREAM_NAMES}
    except KeyboardInterrupt:
        return 130
    print(table(expected, landed))
    missing = [stream for stream, rows in expected.items() if landed[stream][0] != rows]
    if missing:
        print(f"Not complete: {', '.join(missing)}")
    return 1 if missing else 0


def load_jsonl(config: Mapping[str, Any]) -> Landed:
    """Load into files."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    run("target-jsonl", config, TARGET_JSONL_DESTINATION_PATH=str(OUTPUT))
    files = {stream: OUTPUT / f"{stream}.jsonl" for stream in STREAM_NAMES}
    return {stream: (lines(file), str(file.relative_to(meltano.ROOT))) for stream, file in files.items()}


def load_postgres(config: Mapping[str, Any]) -> Landed:
    """Load into a temporary PostgreSQL server, and show a few rows."""
    with postgres() as uri:
        run("target-postgres", config, TARGET_POSTGRES_SQLALCHEMY_URL=uri.replace("://", "+psycopg://", 1))
        with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
            landed: Landed = {}
            for stream in STREAM_NAMES:
                cursor.execute(SQL("SELECT count(*) FROM {}").format(Identifier(SCHEMA, stream)))
                landed[stream] = (cursor.fetchall()[0][0], f"{SCHEMA}.{stream}")
            cursor.execute(SQL(SAMPLE).format(Identifier(SCHEMA, "suggestions")))
            print(f"\n{SAMPLE.format(f'{SCHEMA}.suggestions')}")
            for row in cursor:
                print(*row, sep=" | ")
    return landed


SAMPLE = "SELECT id, updated_at, state, title FROM {} ORDER BY id LIMIT 5"
TARGETS = {"target-jsonl": load_jsonl, "target-postgres": load_postgres}


def run(target: str, config: Mapping[str, Any], **variables: str) -> None:
    """Run Meltano without a state.

    Raises:
        SystemExit: Meltano failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        code = meltano.run(
            "run", "tap-feedback", target, config=config, database=Path(folder) / "meltano.db", **variables
        )
    if code:
        sys.exit(f"meltano run tap-feedback {target} failed with exit code {code}")


def lines(file: Path) -> int:
    """Return the number of lines in a file; 0 if the file does not exist."""
    if not file.exists():
        return 0
    with file.open("rb") as content:
        return sum(1 for _ in content)


def table(expected: Mapping[str, int], landed: Landed) -> str:
    """Return a table of the streams: rows at the API, loaded rows, and where they are."""
    rows = [("stream", "at the API", "landed", "where")]
    rows += [(stream, f"{count:,}", f"{landed[stream][0]:,}", landed[stream][1]) for stream, count in expected.items()]
    total = sum(expected.values()), sum(count for count, _ in landed.values())
    rows.append(("all", f"{total[0]:,}", f"{total[1]:,}", ""))
    return "\n" + "\n".join(f"{a:<24}{b:>12}{c:>12}   {d}".rstrip() for a, b, c, d in rows)


if __name__ == "__main__":
    sys.exit(main())
