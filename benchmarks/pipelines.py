"""Pipelines from the sandbox into PostgreSQL: their commands, and where each leaves the rows."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks import tools
from benchmarks.environments import version
from benchmarks.measure import ROOT, run
from benchmarks.project import BATCH_JOB, JOB, Project, merged
from demo import meltano, postgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measure import Usage
    from benchmarks.tools import Job, Tool

#: The schema that the target uses under Meltano, and the pipes too.
SCHEMA = "tap_feedback"
#: The programs of the target: the original, and the one that the project runs.
TARGETS = ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin"
TARGET, TARGET_SHIPPED = TARGETS / "target-postgres", TARGETS / "target-postgres-exact"
#: Folder of the batch files, as a setting of the tap.
BATCH_ROOT = "TAP_FEEDBACK_BATCH_BATCH_CONFIG_STORAGE_ROOT"
#: Seconds between two samples of the memory. A sample of 1 GB takes 8 ms, so more of them would slow the pipeline down.
INTERVAL = 0.2


class Pipeline(NamedTuple):
    """A pipeline: its name in tables, its environment, a run of it, and the schema in which its tables are.

    A run that uses the same folder and the same database as one before continues from the state of that one.
    """

    name: str
    environment: str
    run: Callable[[Job, str], Usage]
    schema: str = SCHEMA


def by_meltano(job_name: str, job: Job, uri: str) -> Usage:
    """Run a job of the project with Meltano."""
    variables = {
        **dict(meltano.as_environment(job.config)),
        **({BATCH_ROOT: batch_folder(job)} if job_name == BATCH_JOB else {}),
        "TARGET_POSTGRES_SQLALCHEMY_URL": driver(uri),
        "MELTANO_DATABASE_URI": f"sqlite:///{job.folder}/meltano.db",
    }
    # An installation would count as time, and could replace plugins that others use.
    command = [str(meltano.MELTANO), "run", "--no-install", job_name]
    return run(command, job.folder, variables, interval=INTERVAL)


def by_pipe(tool: Tool, job_name: str | None, job: Job, uri: str) -> Usage:
    """Pipe a tap into the target: with the settings that a job gives it, or with its defaults.

    Each run writes a state, from which the next one continues.
    """
    project, state = Project(), job.folder / "state.json"
    target = project.plugins(job_name)[-1] if job_name else None
    settings, variables = (project.settings(target), project.variables(target)) if target else ({}, {})
    loader = {**settings, "sqlalchemy_url": driver(uri), "default_target_schema": SCHEMA}
    tap = [*tool.command(job), *(["--state", str(state)] if state.exists() else [])]
    program = TARGET_SHIPPED if target else TARGET
    pipe = f"{shlex.join(tap)} | {shlex.join([str(program), '--config', job.write('target.json', loader)])}"
    usage = run(["bash", "-o", "pipefail", "-c", pipe], job.folder, variables, interval=INTERVAL)
    lines = (job.folder / "stdout").read_bytes().splitlines()
    if lines:
        state.write_bytes(lines[-1])
    return usage


def by_dlt(how: tuple[str, ...], job: Job, uri: str) -> Usage:
    """Run dlt, with its state in the folder."""
    config = job.write("config.json", job.config_of_peers)
    command = [*tools.module("dlt", "dlt_postgres"), config, str(job.folder / "pipelines"), uri, *how]
    return run(command, job.folder, {"DLT_DATA_DIR": str(job.folder)}, interval=INTERVAL)


def batch(job: Job) -> dict[str, Any]:
    """Return settings of the tap with BATCH, as the project's job has them, with files in the folder of this job."""
    project = Project()
    config = project.settings(project.plugins(BATCH_JOB)[0])
    return merged(config, {**job.config, "batch_config": {"storage": {"root": batch_folder(job), "prefix": ""}}})


def batch_folder(job: Job) -> str:
    """Return the URL of a folder for BATCH files, so that they are removed with the folder of the job."""
    folder = job.folder / "batches"
    folder.mkdir(exist_ok=True)
    return folder.as_uri()


def driver(uri: str) -> str:
    """Return the address of a database with the name of the target's driver."""
    return uri.replace("://", "+psycopg://", 1)


def versions() -> list[str]:
    """Return the names and versions of what the pipelines share."""
    programs = {"meltano": meltano.MELTANO, "meltanolabs-target-postgres": TARGET}
    packages = [version(str(program.with_name("python")), package) for package, program in programs.items()]
    return [*packages, postgres.version()]


BATCHES = tools.TAP._replace(command=partial(tools.singer, tools.TAP_COMMAND, batch))
PLAIN = tools.PEERS[0]
SHIPPED, SHIPPED_BATCH, PIPE, PIPE_BATCH, PLAIN_PIPE, DLT, DLT_PARALLEL = (
    Pipeline("tap-feedback, `meltano run`", "tap", partial(by_meltano, JOB)),
    Pipeline("tap-feedback, `meltano run`, BATCH", "tap", partial(by_meltano, BATCH_JOB)),
    Pipeline("tap-feedback, pipe", "tap", partial(by_pipe, tools.TAP, JOB)),
    Pipeline("tap-feedback, pipe, BATCH", "tap", partial(by_pipe, BATCHES, BATCH_JOB)),
    Pipeline("plain SDK tap, pipe", "plain", partial(by_pipe, PLAIN, None)),
    Pipeline("dlt", "dlt", partial(by_dlt, ()), "bench"),
    Pipeline("dlt, parallel", "dlt", partial(by_dlt, ("parallel",)), "bench"),
)
PIPELINES = (SHIPPED, SHIPPED_BATCH, PIPE, PIPE_BATCH, PLAIN_PIPE, DLT, DLT_PARALLEL)
#: The two programs of the tap's pipelines, each with its own peak memory.
SIDES = ("tap-feedback", "target-postgres")
