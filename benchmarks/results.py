"""Results of single runs, and the best of several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measure import Usage
    from benchmarks.tools import Tool


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
