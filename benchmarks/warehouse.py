"""Measurement of whole pipelines into PostgreSQL: a first load, a run with nothing new, and one with few new rows."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

from benchmarks import contents, tools
from benchmarks.apis import ALL, change, sandbox
from benchmarks.environments import scratch
from benchmarks.measure import NOTHING, RunFailedError
from benchmarks.pipelines import PIPELINES, Pipeline
from benchmarks.results import Result, better
from demo.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The runs of each pipeline in sequence, each with its title. Before `new`, rows change at the sandbox.
PHASES = {"first": "first load", "same": "second run, nothing new", "new": "third run, 1 % new or changed rows"}
#: One row in this many is new, and one has changed.
SHARE = 200


def titles(rows: int) -> dict[str, str]:
    """Return the scenarios with this number of rows for each stream, with their titles."""
    return {
        f"postgres-{rows}-{phase}": f"Eight streams of {rows:,} rows into PostgreSQL: {title}"
        for phase, title in PHASES.items()
    }


def into_postgres(rows: int, repeats: int, absent: Mapping[str, str]) -> list[Result]:
    """Return the best results of all pipelines in several rounds, each with a new sandbox and a new server.

    Args:
        rows: Number of rows of each stream.
        repeats: Number of rounds.
        absent: Why an environment could not be made, by its name.
    """
    best: dict[tuple[str, str], Result] = {}
    for _ in range(repeats):
        for result in round_of(rows, PIPELINES, absent):
            key = result.scenario, result.tool
            best[key] = better(best[key], result) if key in best else result
    return list(best.values())


def round_of(rows: int, pipelines: Sequence[Pipeline], absent: Mapping[str, str]) -> list[Result]:
    """Return the results of one round. All pipelines take part in a phase before the next one begins."""
    results = []
    wrong = {pipeline.name: absent.get(pipeline.environment, "") for pipeline in pipelines}
    with sandbox(rows, 0) as config, postgres() as uri, scratch() as folder:
        databases = {pipeline.name: create(uri, f"bench_{number}") for number, pipeline in enumerate(pipelines)}
        expected = contents.at_the_sandbox(config, uri)
        for phase in PHASES:
            if phase == "new":
                change(config, range(0, rows, SHARE))
                expected = contents.at_the_sandbox(config, uri)
            for number, pipeline in enumerate(pipelines):
                its = folder / str(number)
                its.mkdir(exist_ok=True)
                name = pipeline.name
                read = rows * len(ALL) if phase == "first" else 0  # later runs read some rows, which are not counted
                result = Result(f"postgres-{rows}-{phase}", name, "tables", read, wrong=wrong[name])
                if not wrong[name]:
                    result = once(result, pipeline, tools.Job(its, config, ALL), databases[name], expected)
                    wrong[name] = result.wrong and "a run before it failed"
                results.append(result)
    return results


def once(result: Result, pipeline: Pipeline, job: tools.Job, uri: str, expected: dict[str, contents.Sums]) -> Result:
    """Return the result of one run of a pipeline."""
    before, usage = server_time(uri), NOTHING
    try:
        usage = pipeline.run(job, uri)
        server = server_time(uri) - before
        wrong = contents.difference(uri, pipeline.schema, expected)
        tidy(uri)
    except (RunFailedError, OSError, subprocess.SubprocessError, psycopg2.Error) as error:
        server, wrong = 0.0, " ".join(str(error).split()) or type(error).__name__
    return replace(
        result,
        wall=usage.wall,
        cpu=usage.cpu,
        memory=usage.memory,
        runs=1,
        wrong=wrong,
        server=server,
        programs=usage.programs,
    )


def create(uri: str, name: str) -> str:
    """Create a database on a server, and return its URI."""
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"CREATE DATABASE {name}")
    return uri.replace("/postgres?", f"/{name}?")


def tidy(uri: str) -> None:
    """Do what the server would otherwise do in the background while the next pipeline runs."""
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def server_time(uri: str) -> float:
    """Return the CPU time of a server so far, in seconds, with that of its processes; 0 if it cannot be known here."""
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = Path(cursor.fetchall()[0][0])
    if sys.platform != "linux":
        return 0.0
    server = (folder / "postmaster.pid").read_text(encoding="utf-8").split()[0]
    processes = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="utf-8").split()
    ticks = sum(cpu_time(server, 4))
    for process in processes:
        with suppress(OSError):  # it has ended
            ticks += sum(cpu_time(process, 2))
    return ticks / os.sysconf("SC_CLK_TCK")


def cpu_time(process: str, fields: int) -> list[int]:
    """Return the ticks of a process in user and system mode, and with 4 fields also those of its ended children."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    return [int(field) for field in text.rpartition(")")[2].split()[11 : 11 + fields]]
