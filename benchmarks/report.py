"""Report of the results as Markdown."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import tools
from benchmarks.scenarios import LONG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmarks.results import Result

TAP, BARE_LOOP, ONE_AT_A_TIME, EIGHT_AT_A_TIME, WINDOWS, AIRBYTE = (
    tool.name
    for tool in (
        tools.TAP,
        tools.BARE_LOOP,
        tools.ONE_AT_A_TIME,
        tools.EIGHT_AT_A_TIME,
        tools.WINDOWS,
        tools.AIRBYTE,
    )
)
MIB = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """One run of all scenarios, on one machine.

    Args:
        when: The date.
        titles: What each scenario is, in words, in their order.
        results: The results of all scenarios.
        chain: Seconds that the longest chain of requests takes among the eight streams.
        commands: Seconds that the tap's commands take without a sync.
        versions: Names with versions, or why a tool is absent.
        repeats: Runs of which the best counts.
    """

    when: str
    titles: Mapping[str, str]
    results: Sequence[Result]
    chain: float
    commands: Mapping[str, float]
    versions: Sequence[str]
    repeats: int

    def result(self, scenario: str, tool: str) -> Result | None:
        """Return the result of a tool in a scenario, if it has a valid one."""
        found = (r for r in self.results if (r.scenario, r.tool) == (scenario, tool) and r.runs and not r.wrong)
        return next(found, None)


def machine() -> str:
    """Return a description of the machine."""
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def markdown(run: Run) -> str:
    """Return the whole report."""
    times = "once" if run.repeats == 1 else f"{run.repeats} times, in turn, and its best time counts"
    long = f" (only once if it takes more than {LONG:.0f} s)" if run.repeats > 1 else ""
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {run.when} in one run of `make bench`: {machine()}. {', '.join(run.versions)}.",
        "",
        "All tools read the same sandbox over HTTP on the same machine, in pages of 100 rows, and write to files.",
        f"Each runs as a separate process {times}{long}.",
        "Wall time is that of the whole process; start-up is the time of the same sync if the streams have no rows.",
        "CPU time is that of the tool, not of the sandbox. Every row is counted: a tool that lost a row, or wrote one",
        "twice, has no time. Records/s and the ratio to the bare loop include start-up before the slash, and exclude",
        "it after. The bare loop reads, decodes and writes, and does nothing else. This folder has the setup of each",
        "tool.",
        "",
        "![The results as bars](results.png)",
        "",
    ]
    if "offset-100000" in run.titles:  # the promises are about the full sizes
        lines += ["## What is promised", "", *table(("promise", "measured", ""), promises(run))]
    for scenario, title in run.titles.items():
        rows = [row(run, result) for result in run.results if result.scenario == scenario]
        lines += ["", f"## {title}", "", *table(HEADINGS, rows)]
        if scenario == "all":
            lines += [
                "",
                f"The longest chain of requests alone, without other work, takes {run.chain:.2f} s.",
            ]
    lines += ["", "## Without a sync", "", *table(("command", "wall, s"), commands(run)), ""]
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
    bare = run.result(result.scenario, BARE_LOOP)
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


def promises(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield each promise of the tap, the measurement, and whether it was kept, if it was measured."""
    for kind in ("offset", "cursor"):
        scenario = f"{kind}-100000"
        tap, bare = run.result(scenario, TAP), run.result(scenario, BARE_LOOP)
        if tap and bare:
            ratio = tap.wall / bare.wall
            yield (
                f"100,000 rows by {kind}s in at most 1.6 times the bare loop",
                f"{ratio:.2f} times; {tap.net / bare.net:.2f} without start-up",
                held(ratio <= 1.6),  # noqa: PLR2004 - as it is promised
            )
        peers = [
            r
            for r in run.results
            if r.scenario == scenario and r.speaks in {"Singer", "Airbyte"} and r.tool != TAP and not r.wrong
        ]
        if tap and peers:
            fastest = min(peers, key=lambda result: result.wall)
            ratio = fastest.wall / tap.wall
            yield (
                f"… and at least 3 times as fast as the fastest that writes messages ({fastest.tool})",
                f"{ratio:.2f} times; {min(r.net for r in peers) / tap.net:.2f} without start-up",
                held(ratio >= 3),  # noqa: PLR2004
            )
        large = run.result(f"{kind}-1000000", TAP)
        if tap and large:
            yield (
                f"a million rows by {kind}s within 10 % of the memory of 100,000, and 120 MB",
                f"{large.memory / 1e6:.0f} MB, {large.memory / tap.memory - 1:+.0%}",
                held(large.memory <= 1.1 * tap.memory and large.memory < 120e6),  # noqa: PLR2004
            )
    tap = run.result("all", EIGHT_AT_A_TIME)
    if tap:
        ratio = tap.wall / (run.chain + tap.start_up)
        yield (
            "eight streams, `max_connections: 8`, in at most 1.2 times the longest chain of requests and start-up",
            f"{tap.wall:.2f} s, {ratio:.2f} times",
            held(ratio <= 1.2),  # noqa: PLR2004
        )
    windows, airbyte = run.result("all", WINDOWS), run.result("all", AIRBYTE)
    if tap and windows and airbyte:
        yield (
            "… and with time windows, which are not bound to that chain, at least twice as fast as the Airbyte CDK",
            f"{airbyte.wall / windows.wall:.2f} times; {airbyte.wall / tap.wall:.2f} without windows",
            held(airbyte.wall / windows.wall >= 2),  # noqa: PLR2004
        )
    tap, slow = run.result("latency", TAP), run.result("latency", ONE_AT_A_TIME)
    if tap and slow:
        yield (
            "pages fetched ahead at least 3 times as fast as one request at a time",
            f"{slow.wall / tap.wall:.2f} times; {slow.net / tap.net:.2f} without start-up",
            held(slow.net / tap.net >= 3),  # noqa: PLR2004
        )
    base, *others = run.commands.values()
    slowest = max(others) - base
    yield (
        "`--version` and `--discover` at most 0.15 s over importing the SDK",
        f"{slowest:.2f} s",
        held(slowest <= 0.15),  # noqa: PLR2004
    )


def held(kept: bool) -> str:  # noqa: FBT001 - the only argument
    """Return whether a promise was kept, in a word."""
    return "kept" if kept else "**missed**"
