"""What is measured, and what came out."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg2
from psycopg2.sql import SQL, Identifier

from benchmarks import tools
from benchmarks.measure import ROOT, TIMEOUT, RunFailedError, Usage, missing, run
from demo import meltano
from demo.postgres import postgres
from tap_feedback.streams import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.tools import Tool

OFFSETS, CURSORS = ("feedback_data",), ("feedback_records",)
ALL = tuple(stream for streams in shipped().values() for stream in streams)
PAGE = 100
LATENCY = 0.05
#: Runs of which the best counts, and seconds after which one is enough.
REPEATS, LONG = 3, 10.0
NOTHING = Usage(0, 0, 0)
#: Where Meltano has the target put its tables.
SCHEMA = "tap_feedback"


@dataclass(frozen=True)
class Result:
    """A tool in a scenario: the best of `runs` runs, and the wall time of the best with no rows to read.

    `wrong` says in words what is wrong with the rows that were written, or why there are none.
    """

    scenario: str
    tool: str
    speaks: str
    rows: int
    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    start_up: float = 0.0
    runs: int = 0
    wrong: str = ""

    @property
    def net(self) -> float:
        """Wall time without start-up, in seconds."""
        return max(self.wall - self.start_up, 0.001)


@dataclass(frozen=True)
class Scenario:
    """Some tools that read the same rows: so many of each stream, with so many seconds of latency."""

    name: str
    title: str
    streams: Sequence[str]
    rows: int
    latency: float
    tools: Sequence[Tool]


def scenarios(*, quick: bool) -> list[Scenario]:
    """The scenarios in which tools are compared; quick ones are smaller."""
    everyone = (tools.BARE_LOOP, tools.TAP, *tools.PEERS)
    sizes: list[tuple[int, Sequence[Tool]]] = [(10_000, everyone)]
    if not quick:
        sizes += [(100_000, everyone), (1_000_000, (tools.BARE_LOOP, tools.TAP))]
    chain = 1_000 if quick else 10_000
    wait = f"{LATENCY * 1000:.0f} ms a request"
    return [
        *(
            Scenario(f"{kind}-{rows}", f"One stream by {kind}s, {rows:,} rows, no latency", streams, rows, 0, who)
            for kind, streams in (("offset", OFFSETS), ("cursor", CURSORS))
            for rows, who in sizes
        ),
        Scenario(
            "all",
            f"Eight streams of {chain:,} rows, {wait}",
            ALL,
            chain,
            LATENCY,
            (tools.TAP, tools.EIGHT_AT_A_TIME, tools.WINDOWS, *tools.PEERS),
        ),
        Scenario(
            "latency",
            f"One stream by offsets, {chain:,} rows, {wait}",
            OFFSETS,
            chain,
            LATENCY,
            (tools.BARE_LOOP, tools.ONE_AT_A_TIME, tools.TAP, *tools.PEERS),
        ),
    ]


@contextmanager
def sandbox(rows: int, latency: float) -> Iterator[dict[str, dict[str, Any]]]:
    """Run a sandbox as a process of its own; yields a configuration of the tap for it."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        arguments = (f"--rows={rows}", f"--latency={latency}", f"--write-config={config}", f"--for={4 * TIMEOUT}")
        process = subprocess.Popen([sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            process.stdout.readline()
            yield json.loads(config.read_text(encoding="utf-8"))
        finally:
            process.terminate()
            process.communicate()


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder for a run."""
    tools.ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tools.ENVIRONMENTS, prefix="run-") as folder:
        yield Path(folder)


class Player:
    """Plays scenarios.

    Args:
        repeats: Runs of which the best counts.
        absent: Why an environment could not be made, by its name.
    """

    def __init__(self, repeats: int, absent: dict[str, str]) -> None:
        self.repeats = repeats
        self.absent = absent
        self._start_ups: dict[tuple[str, Sequence[str]], float] = {}

    def play(self, scenario: Scenario) -> list[Result]:
        """Measure the tools of a scenario in turn, then all again, so that a passing load does not hit only one."""
        here = [tool for tool in scenario.tools if tool.environment not in self.absent]
        with sandbox(0, 0) as config:
            for tool in here:
                if (tool.name, scenario.streams) not in self._start_ups:
                    best = min(self._run(tool, scenario, config, 0).wall for _ in range(self.repeats))
                    self._start_ups[tool.name, scenario.streams] = best
        results = {
            tool.name: Result(scenario.name, tool.name, tool.speaks, scenario.rows * len(scenario.streams))
            for tool in scenario.tools
        }
        with sandbox(scenario.rows, scenario.latency) as config:
            self._warm(scenario, config)
            for _ in range(self.repeats):
                for tool in here:
                    result = results[tool.name]
                    if result.wall < LONG and not result.wrong:
                        results[tool.name] = better(result, self._run(tool, scenario, config, scenario.rows))
        for tool in scenario.tools:
            result = results[tool.name]
            start_up = self._start_ups.get((tool.name, scenario.streams), 0.0)
            wrong = self.absent.get(tool.environment, result.wrong)
            results[tool.name] = replace(result, start_up=start_up, wrong=wrong)
        return list(results.values())

    def _run(self, tool: Tool, scenario: Scenario, config: dict[str, Any], rows: int) -> Result:
        """Run a tool once."""
        with scratch() as folder:
            job = tools.Job(folder, config, scenario.streams)
            try:
                usage = run(tool.command(job), folder)
                wrong = missing(tool.ids(job), scenario.streams, rows)
            except RunFailedError as error:
                usage, wrong = NOTHING, str(error)
            return result_of(scenario.name, tool, rows * len(scenario.streams), usage, wrong)

    def _warm(self, scenario: Scenario, config: dict[str, Any]) -> None:
        """Let the sandbox make up its contents, which it does once."""
        for stream in scenario.streams:
            pages = follow(config, stream)
            for _ in zip(range(2_000 // PAGE), pages, strict=False):
                pass


def result_of(scenario: str, tool: Tool, rows: int, usage: Usage, wrong: str) -> Result:
    """The result of one run."""
    return Result(
        scenario,
        tool.name,
        tool.speaks,
        rows,
        wall=usage.wall,
        cpu=usage.cpu,
        memory=usage.memory,
        runs=1,
        wrong=wrong,
    )


def better(one: Result, other: Result) -> Result:
    """The faster of two results; what is wrong with either stays."""
    best = other if one.runs == 0 or other.wall < one.wall else one
    return replace(best, runs=one.runs + other.runs, wrong=one.wrong or other.wrong)


def follow(config: dict[str, Any], stream: str) -> Iterator[bytes]:
    """The answers of a stream, one request at a time; nothing is done to them but to look for the next one's place."""
    api = next(name for name, streams in shipped().items() if stream in streams)
    path = {"feedback_data": "feedback", "customer_support_data": "resource"}.get(stream, stream)
    connection = http.client.HTTPConnection(urlsplit(config[api]["base_url"]).netloc)
    try:
        place, offset = "", 0
        while True:
            connection.request(
                "GET", f"/v1/{path}?limit={PAGE}{place}", headers={"Authorization": f"Bearer {config[api]['api_key']}"}
            )
            body = connection.getresponse().read()
            yield body
            cursor = re.search(rb'"cursor":"([^"]+)"', body[body.rfind(b'"pagination"') :])
            offset += PAGE
            if cursor:
                place = f"&cursor={cursor[1].decode()}"
            elif api != "analytics" and b'"id"' in body:
                place = f"&offset={offset}"
            else:
                return
    finally:
        connection.close()


def longest_chain(rows: int) -> float:
    """Seconds in which the longest of the eight streams can be read: its requests, one after the other, and no more."""
    with sandbox(rows, LATENCY) as config:
        return min(_chain(config) for _ in range(2))


def _chain(config: dict[str, Any]) -> float:
    started = time.perf_counter()
    for _ in follow(config, "suggestions"):
        pass
    return time.perf_counter() - started


def commands(repeats: int) -> dict[str, float]:
    """Seconds that the tap's commands take without a sync, each the best of some runs."""
    tap = tools.executable("tap", "tap-feedback")
    wanted = {
        "importing the SDK": [tools.executable("tap", "python"), "-c", "import singer_sdk"],
        "tap-feedback --version": [tap, "--version"],
        "tap-feedback --discover": [tap, "--discover"],
    }
    best = dict.fromkeys(wanted, float("inf"))
    with scratch() as folder:
        for _ in range(repeats):
            for name, command in wanted.items():
                best[name] = min(best[name], run(command, folder).wall)
    return best


# Into PostgreSQL


def into_postgres(rows: int) -> list[Result]:
    """The eight streams into PostgreSQL: by Meltano, and by pipes into the target that Meltano has installed."""
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
    """The streams of which not every row is in its table, exactly once; empty where there is none."""
    wrong = []
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        for stream in ALL:
            cursor.execute(SQL("SELECT count(*), count(DISTINCT id) FROM {}").format(Identifier(SCHEMA, stream)))
            if cursor.fetchone() != (rows, rows):
                wrong.append(stream)
    return f"not every row landed: {', '.join(wrong)}" if wrong else ""
