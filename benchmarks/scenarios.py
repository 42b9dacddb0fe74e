"""Scenarios, and the tools that take part in each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks import tools
from benchmarks.apis import ALL, LATENCY, PAGE, follow, sandbox
from benchmarks.environments import executable, scratch
from benchmarks.measure import NOTHING, RunFailedError, missing, run
from benchmarks.results import Result, better, result_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.tools import Tool

OFFSETS, CURSORS = ("feedback_data",), ("feedback_records",)
#: Number of runs, of which the best counts; and seconds from which one run is enough.
REPEATS, LONG = 3, 5.0


@dataclass(frozen=True)
class Scenario:
    """Tools that read the same rows: a number of rows for each stream, with a latency in seconds."""

    name: str
    title: str
    streams: Sequence[str]
    rows: int
    latency: float
    tools: Sequence[Tool]


def scenarios(*, quick: bool) -> list[Scenario]:
    """Return the scenarios in which tools are compared. Quick ones are smaller."""
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


class Player:
    """Runs scenarios.

    Args:
        repeats: Runs of which the best counts.
        absent: Why an environment could not be made, by its name.
    """

    def __init__(self, repeats: int, absent: dict[str, str]) -> None:
        self.repeats = repeats
        self.absent = absent
        self._start_ups: dict[tuple[str, Sequence[str]], float] = {}

    def play(self, scenario: Scenario) -> list[Result]:
        """Measure the tools of a scenario in turn, then all again, so that a short load does not affect only one."""
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
        """Let the sandbox generate its contents, which it does only once."""
        for stream in scenario.streams:
            pages = follow(config, stream)
            for _ in zip(range(2_000 // PAGE), pages, strict=False):
                pass


def commands(repeats: int) -> dict[str, float]:
    """Return the seconds that the tap's commands take without rows, after those of what it must import.

    Each is the best of several runs, in turn.
    """
    imports = "from singer_sdk import RESTStream, Tap"
    tap = executable("tap", "tap-feedback")
    with scratch() as folder, sandbox(0, 0) as config:
        sync = tools.TAP.command(tools.Job(folder, config, OFFSETS))
        wanted = {
            f"`{imports}`": [executable("tap", "python"), "-c", imports],
            "`tap-feedback --version`": [tap, "--version"],
            "`tap-feedback --discover`, configured": [*sync[:3], "--discover"],
            "a sync of a stream without rows": sync,
        }
        best = dict.fromkeys(wanted, float("inf"))
        for _ in range(repeats):
            for name, command in wanted.items():
                best[name] = min(best[name], run(command, folder).wall)
    return best
