"""Measurement of whole pipelines into PostgreSQL."""

from __future__ import annotations

import shlex
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.sql import SQL, Identifier

from benchmarks import tools
from benchmarks.apis import ALL, sandbox
from benchmarks.environments import scratch
from benchmarks.measure import NOTHING, ROOT, RunFailedError, Usage, run
from benchmarks.results import Result, result_of
from demo import meltano
from demo.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.tools import Tool

#: The schema that the target uses under Meltano.
SCHEMA = "tap_feedback"


def into_postgres(rows: int) -> list[Result]:
    """Return the results of eight streams into PostgreSQL: by Meltano, and by pipes into Meltano's target."""
    target = str(ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres")

    def by_meltano(job: tools.Job, uri: str) -> Usage:
        command = [str(meltano.MELTANO), "run", "tap-feedback", "target-postgres"]
        variables = {
            **dict(meltano.as_environment(job.config)),
            "MELTANO_DATABASE_URI": f"sqlite:///{job.folder}/meltano.db",
            "TARGET_POSTGRES_SQLALCHEMY_URL": uri,
        }
        return run(command, job.folder, variables)

    def by_pipe(tool: Tool, settings: Mapping[str, Any], job: tools.Job, uri: str) -> Usage:
        loader = job.write("target.json", {"sqlalchemy_url": uri, "default_target_schema": SCHEMA, **settings})
        pipe = f"{shlex.join(tool.command(job))} | {shlex.join([target, '--config', loader])}"
        return run(["sh", "-c", pipe], job.folder)

    plain = tools.PEERS[0]
    ways: dict[str, Callable[[tools.Job, str], Usage]] = {
        "`meltano run tap-feedback target-postgres`": by_meltano,
        "tap-feedback piped into target-postgres": partial(by_pipe, tools.TAP, {}),
        f"{plain.name} piped into target-postgres": partial(by_pipe, plain, {}),
        f"{plain.name} piped into target-postgres, not validated": partial(by_pipe, plain, {"validate_records": False}),
    }
    results = []
    with sandbox(rows, 0) as config:
        for name, way in ways.items():
            with scratch() as folder, postgres() as uri:
                try:
                    usage = way(tools.Job(folder, config, ALL), uri.replace("://", "+psycopg://", 1))
                    wrong = _not_landed(uri, rows)
                except RunFailedError as error:
                    usage, wrong = NOTHING, str(error)
            results.append(result_of("postgres", tools.TAP._replace(name=name), rows * len(ALL), usage, wrong))
    return results


def _not_landed(uri: str, rows: int) -> str:
    """Return the streams without every row exactly once in their table, in words; empty if all are complete."""
    wrong = []
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        for stream in ALL:
            cursor.execute(SQL("SELECT count(*), count(DISTINCT id) FROM {}").format(Identifier(SCHEMA, stream)))
            if cursor.fetchone() != (rows, rows):
                wrong.append(stream)
    return f"not every row landed: {', '.join(wrong)}" if wrong else ""
