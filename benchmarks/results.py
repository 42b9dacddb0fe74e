"""Results of single runs, and the best of several."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measure import Usage
    from benchmarks.tools import Tool


@dataclass(frozen=True)
class Result:
    """A tool in a scenario: the best of `runs` runs, and the wall time of the best with no rows to read.

    `rows` is 0 if it is not known how many it read. `wrong` says in words what is wrong with the rows that were
    written, or why there are none.
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
    #: CPU time of the database's server, and the peak memory of each program of a pipeline by its name.
    server: float = 0.0
    programs: dict[str, int] = field(default_factory=dict)

    @property
    def net(self) -> float:
        """Wall time without start-up, in seconds."""
        return max(self.wall - self.start_up, 0.001)


def result_of(scenario: str, tool: Tool, rows: int, usage: Usage, wrong: str) -> Result:
    """Return the result of one run."""
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
    """Return the faster of two results, with the errors of both."""
    best = other if one.runs == 0 or other.wall < one.wall else one
    return replace(best, runs=one.runs + other.runs, wrong=one.wrong or other.wrong)


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
        repeats: Runs of each tool of which the best counts.
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
