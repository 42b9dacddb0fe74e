"""The report: promises, and tools that failed."""

from __future__ import annotations

import pytest

from benchmarks import pipelines, report, warehouse
from benchmarks.promises import promises
from benchmarks.results import Result, Run

WALLS = {
    pipelines.SHIPPED.name: 30.0,
    pipelines.SHIPPED_BATCH.name: 20.0,
    pipelines.PIPE.name: 25.0,
    pipelines.PIPE_BATCH.name: 15.0,
    pipelines.PLAIN_PIPE.name: 90.0,
    pipelines.DLT.name: 45.0,
    pipelines.DLT_PARALLEL.name: 42.0,
}


def run_of(walls: dict[str, float], wrong: dict[str, str] | None = None) -> Run:
    """A run of the pipelines with these wall times for every load of both sizes."""
    results = [
        Result(
            f"postgres-{rows}-{phase}",
            tool,
            "tables",
            8 * rows,
            wall=wall,
            runs=1,
            programs={"tap-feedback": 60_000_000, "target-postgres": 100_000_000 + rows * 1_000},
            wrong=(wrong or {}).get(tool, ""),
        )
        for rows in (5_000, 25_000)
        for phase in warehouse.PHASES
        for tool, wall in walls.items()
    ]
    titles = {name: title for rows in (5_000, 25_000) for name, title in warehouse.titles(rows).items()}
    return Run("2026-01-01", titles, results, 0, {}, [], 1)


def test_promises_are_measured_against_the_faster_dlt() -> None:
    """Each floor has its measurement, and a floor that was not reached is missed."""
    found = {promise: (measured, kept) for promise, measured, kept in promises(run_of(WALLS))}
    batch, shipped, plain, second, memory, _ = found.values()
    assert batch == ("20.0 s of 42.0 s, 2.10 times", "kept")
    assert shipped == ("30.0 s of 42.0 s, 1.40 times", "kept")
    assert plain == ("30.0 s of 90.0 s, 3.00 times", "kept")
    assert second == ("30.0 s of 42.0 s; 25.0 s without Meltano", "kept")
    assert memory == ("tap-feedback 60 → 60 MB, target-postgres 105 → 125 MB", "**missed**")
    slower = [kept for _, _, kept in promises(run_of({**WALLS, pipelines.DLT.name: 29.0}))]
    assert slower[:4] == ["**missed**", "**missed**", "kept", "**missed**"]


@pytest.mark.parametrize("tool", [pipelines.SHIPPED.name, pipelines.DLT.name])
def test_a_pipeline_that_lost_rows_has_no_time(tool: str) -> None:
    """Its row has the reason, and no promise is made of it."""
    text = report.markdown(run_of(WALLS, {tool: "a row | is missing"}))
    assert f"| {tool} | a row / is missing |  |" in text
    assert "### Eight streams of 25,000 rows, one run" in text


def test_every_row_has_all_columns() -> None:
    """A row that fails later keeps its first load."""
    text = report.markdown(run_of(WALLS))
    rows = [line for line in text.splitlines() if line.startswith(("| tap-feedback,", "| dlt"))]
    assert len(rows) == 12
    assert {line.count("|") for line in rows} == {len(report.PIPELINE_HEADINGS) + 1}
    assert "| 30.00 | 6,667 | 0.67 |" in rows[6]
