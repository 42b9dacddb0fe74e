"""Report of the results as Markdown."""

from __future__ import annotations

import os
import platform
import re
from typing import TYPE_CHECKING

from benchmarks import pipelines
from benchmarks.promises import MANY, promises
from benchmarks.scenarios import LONG
from benchmarks.tools import BARE_LOOP
from benchmarks.warehouse import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.results import Result, Run

MIB = 1024 * 1024
#: A scenario of pipelines, with the number of rows of each stream.
POSTGRES = re.compile(r"postgres-(\d+)-\w+")
PIPELINE_HEADINGS = (
    "pipeline",
    "first load, s",
    "records/s",
    "÷ dlt",
    "CPU, s",
    "CPU of PostgreSQL, s",
    "peak, MiB",
    "nothing new, s",
    "1 % new, s",
)
ABOUT_PIPELINES = (
    "All pipelines read the same sandbox over HTTP and load into the same PostgreSQL server on the same machine, each",
    "into a new database. A second run continues from the state of the first, with nothing new. Then one row in 200",
    "is new and one has changed, and a third run loads them. Two of the eight streams have no time to filter by, so",
    "every run reads them whole. Wall and CPU time are those of all processes of the pipeline, without the sandbox;",
    "PostgreSQL's own CPU time is beside them. Peak memory is the largest sum over all processes of the pipeline",
    "(proportional set size, sampled every 0.2 s), and in brackets those of tap and target alone.",
    "",
    "After each run, the tables are compared with the sandbox's rows: their number, distinct ids, and for each column",
    "that all tools have the values by id (texts and flags as they are, numbers as doubles, times as instants). That",
    "leaves out lists, objects, and fields that the tap's schemas do not know, which each tool stores in another way.",
    "A pipeline that lost or changed a value has no time, but the reason.",
    "",
    "- **`meltano run`**: the jobs `tap-feedback-to-postgres` and `tap-feedback-to-postgres-batch` of the project.",
    "- **pipe**: the tap piped into target-postgres, both with the settings of those jobs, and the catalog at hand.",
    "- **plain SDK tap**: the same streams with the SDK's classes, into target-postgres with its default settings.",
    "- **dlt**: its REST API source, `merge` on the key, an incremental cursor on the six streams with a time, and its",
    "  default settings. **parallel** has as many extract workers as streams, `parallelize()`, and as many normalize",
    "  workers as cores. Both load with dlt's 20 threads.",
)
ABOUT_TOOLS = (
    "All tools read the same sandbox over HTTP on the same machine, in pages of 100 rows, and write to files.",
    "Wall time is that of the whole process; start-up is the time of the same sync if the streams have no rows.",
    "CPU time is that of the tool, not of the sandbox. Every row is counted: a tool that lost a row, or wrote one",
    "twice, has no time. Records/s and the ratio to the bare loop include start-up before the slash, and exclude",
    "it after. The bare loop reads, decodes and writes, and does nothing else. This folder has the setup of each",
    "tool.",
)


def machine() -> str:
    """Return a description of the machine."""
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def markdown(run: Run) -> str:
    """Return the whole report."""
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {run.when} in one run of `make bench`: {machine()}. {', '.join(run.versions)}.",
        "",
        "![The results as bars](results.png)",
        "",
    ]
    if {"offset-100000", f"postgres-{MANY}-first"} & run.titles.keys():  # the promises are about the full sizes
        lines += ["## What is promised", "", *table(("promise", "measured", ""), promises(run)), ""]
    lines += into_postgres(run)
    singles = {name: title for name, title in run.titles.items() if not POSTGRES.fullmatch(name)}
    if singles:
        lines += ["## The tap alone", "", *ABOUT_TOOLS, how_often(run), ""]
    for scenario, title in singles.items():
        rows = [row(run, result) for result in run.results if result.scenario == scenario]
        lines += [f"### {title}", "", *table(HEADINGS, rows), ""]
        if scenario == "all":
            lines += [f"The longest chain of requests alone, without other work, takes {run.chain:.2f} s.", ""]
    if run.commands:
        lines += ["### Start-up", "", *table(("command", "wall, s"), commands(run)), ""]
    return "\n".join(lines)


HEADINGS = ("tool", "writes", "wall, s", "start-up, s", "CPU, s", "records/s", "peak, MiB", "÷ bare loop")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table. All columns but the first are right-aligned."""
    yield f"| {' | '.join(headings)} |"
    yield f"|---|{'---:|' * (len(headings) - 1)}"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"


def row(run: Run, result: Result) -> tuple[str, ...]:
    """Return the row of a result."""
    if result.wrong or not result.runs:
        return (result.tool, result.speaks, result.wrong.replace("|", "/"), "", "", "", "", "")
    bare = run.result(result.scenario, BARE_LOOP.name)
    start_up = f"{result.start_up:.2f}" if result.start_up else ""
    rates = [result.rows / result.wall] + ([result.rows / result.net] if result.start_up else [])
    ratios = [result.wall / bare.wall, result.net / bare.net] if bare else []
    return (
        result.tool,
        result.speaks,
        f"{result.wall:.2f}",
        start_up,
        f"{result.cpu:.2f}",
        " / ".join(f"{rate:,.0f}" for rate in rates),
        f"{result.memory / MIB:.0f}",
        " / ".join(f"{ratio:.2f}" for ratio in ratios),
    )


def commands(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the rows of the commands."""
    for command, seconds in run.commands.items():
        yield (command, f"{seconds:.2f}")


def how_often(run: Run) -> str:
    """Return how often each tool ran, as a sentence."""
    if run.repeats == 1:
        return "Each runs as a separate process once."
    return (
        f"Each runs as a separate process {run.repeats} times, in turn, and its best time counts "
        f"(only once if it takes more than {LONG:.0f} s)."
    )


def into_postgres(run: Run) -> Iterator[str]:
    """Yield the lines of the part on pipelines: a table for each number of rows."""
    sizes = dict.fromkeys(int(found[1]) for name in run.titles if (found := POSTGRES.fullmatch(name)))
    if sizes:
        yield from ("## Into PostgreSQL", "", *ABOUT_PIPELINES, "")
    for size in sizes:
        rows = [pipeline_row(run, size, pipeline.name) for pipeline in pipelines.PIPELINES]
        runs = max(result.runs for result in run.results if result.scenario == f"postgres-{size}-first")
        often = f"best of {runs} runs" if runs > 1 else "one run"
        yield from (f"### Eight streams of {size:,} rows, {often}", "", *table(PIPELINE_HEADINGS, rows), "")


def pipeline_row(run: Run, size: int, name: str) -> tuple[str, ...]:
    """Return the row of a pipeline: its first load, and the wall times of the runs after it."""
    results = {r.scenario: r for r in run.results if r.tool == name}
    first, *later = (results[f"postgres-{size}-{phase}"] for phase in PHASES)
    dlt = run.result(first.scenario, pipelines.DLT.name)
    times = [result.wrong.replace("|", "/") or f"{result.wall:.2f}" for result in later]
    if first.wrong:
        return (name, first.wrong.replace("|", "/"), "", "", "", "", "", "", "")
    return (
        name,
        f"{first.wall:.2f}",
        f"{first.rows / first.wall:,.0f}",
        f"{first.wall / dlt.wall:.2f}" if dlt else "",
        f"{first.cpu:.2f}",
        f"{first.server:.2f}",
        f"{first.memory / MIB:.0f}{sides(first)}",
        *times,
    )


def sides(result: Result) -> str:
    """Return the peak memory of tap and target, in brackets; empty if the pipeline has none."""
    target = result.programs.get(pipelines.SIDES[1])
    tap = result.programs.get(pipelines.SIDES[0], result.programs.get("python", 0))
    return f" ({tap / MIB:.0f} + {target / MIB:.0f})" if target else ""
