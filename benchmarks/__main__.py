"""Command line: `python -m benchmarks` measures all tools and writes the results."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import apis, environments, report, scenarios, warehouse
from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from benchmarks.results import Result


def main() -> None:
    """Run every scenario, then write the report, the numbers and the picture of this run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows, one run each, results in .cache/bench")
    quick = parser.parse_args().quick
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = measure(quick=quick)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        (made / "results.md").write_text(report.markdown(run), encoding="utf-8")
        (made / "results.json").write_text(json.dumps(asdict(run), indent=1) + "\n", encoding="utf-8")
        subprocess.run(
            [
                environments.executable("plot", "python"),
                Path(__file__).with_name("plot.py"),
                made / "results.json",
                made / "results.png",
            ],
            check=True,
        )
        for file in made.iterdir():
            (environments.ENVIRONMENTS if quick else Path(__file__).parent).joinpath(file.name).write_bytes(
                file.read_bytes()
            )
    print(
        f"\nWritten to {(environments.ENVIRONMENTS if quick else Path(__file__).parent).relative_to(ROOT)}/results.md"
    )


def measure(*, quick: bool) -> report.Run:
    """Make the environments, and measure all tools in all scenarios."""
    when = time.strftime("%Y-%m-%d", time.gmtime())
    print("Making the environments", flush=True)
    absent = {name: why for name in environments.REQUIREMENTS if (why := environments.install(name))}
    versions = [absent.get(name) or environments.version(name) for name in environments.SHOWN]
    repeats = 1 if quick else scenarios.REPEATS
    player = scenarios.Player(repeats, absent)
    results: list[Result] = []
    titles = {}
    for scenario in scenarios.scenarios(quick=quick):
        print(f"\n{scenario.title}", flush=True)
        titles[scenario.name] = scenario.title
        results += show(player.play(scenario))
        if scenario.name == "all":
            chain = apis.longest_chain(scenario.rows)
    rows = 200 if quick else 5_000
    titles["postgres"] = f"Eight streams of {rows:,} rows into PostgreSQL, no latency"
    print(f"\n{titles['postgres']}", flush=True)
    results += show(warehouse.into_postgres(rows))
    return report.Run(when, titles, results, chain, scenarios.commands(5), versions, repeats)


def show(results: list[Result]) -> list[Result]:
    """Print results, and return them."""
    for result in results:
        outcome = result.wrong or f"{result.wall:7.2f} s {result.cpu:7.2f} s CPU {result.memory / report.MIB:5.0f} MiB"
        print(f"  {result.tool:42} {outcome}", flush=True)
    return results


if __name__ == "__main__":
    main()
