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

from benchmarks import apis, environments, pipelines, report, scenarios, warehouse
from benchmarks.measure import ROOT
from benchmarks.results import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.results import Result

PARTS = ("postgres", "tap")
#: Rows of each stream that pipelines load, with the number of rounds of which the best counts.
SIZES = ((5_000, 2), (25_000, 1))
QUICK = ((200, 1),)


def main() -> None:
    """Run every scenario, then write the report, the numbers and the picture of this run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows, one run each, results in .cache/bench")
    parser.add_argument("--only", choices=PARTS, help="one part, results in .cache/bench")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = measure(PARTS if given.only is None else (given.only,), quick=given.quick)
    # The results of the repository are from one whole run.
    results = environments.ENVIRONMENTS if given.quick or given.only else Path(__file__).parent
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        (made / "results.md").write_text(report.markdown(run), encoding="utf-8")
        (made / "results.json").write_text(json.dumps(asdict(run), indent=1) + "\n", encoding="utf-8")
        plot = [environments.executable("plot", "python"), str(Path(__file__).with_name("plot.py"))]
        try:
            subprocess.run([*plot, str(made / "results.json"), str(made / "results.png")], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"The picture is missing: {error}")  # the numbers are worth more
        for file in made.iterdir():
            (results / file.name).write_bytes(file.read_bytes())
    print(f"\nWritten to {results.relative_to(ROOT)}/results.md")


def measure(parts: Sequence[str], *, quick: bool) -> Run:
    """Make the environments, and measure parts."""
    when = time.strftime("%Y-%m-%d", time.gmtime())
    print("Making the environments", flush=True)
    absent = {name: why for name in environments.REQUIREMENTS if (why := environments.install(name))}
    versions = [
        absent.get(name) or environments.version(environments.executable(name, "python"), package)
        for name, package in environments.SHOWN.items()
    ]
    if "postgres" in parts:
        versions += pipelines.versions()
    results: list[Result] = []
    titles: dict[str, str] = {}
    for rows, rounds in (QUICK if quick else SIZES) if "postgres" in parts else ():
        its = warehouse.titles(rows)
        titles |= its
        loaded = warehouse.into_postgres(rows, rounds, absent)
        for name, title in its.items():
            print(f"\n{title}", flush=True)
            results += show([result for result in loaded if result.scenario == name])
    chain, repeats, commands = 0.0, 1 if quick else scenarios.REPEATS, {}
    if "tap" in parts:
        player = scenarios.Player(repeats, absent)
        for scenario in scenarios.scenarios(quick=quick):
            print(f"\n{scenario.title}", flush=True)
            titles[scenario.name] = scenario.title
            results += show(player.play(scenario))
            if scenario.name == "all":
                chain = apis.longest_chain(scenario.rows)
        commands = scenarios.commands(3 if quick else 15)
    return Run(when, titles, results, chain, commands, versions, repeats)


def show(results: list[Result]) -> list[Result]:
    """Print results, and return them."""
    for result in results:
        outcome = result.wrong or f"{result.wall:7.2f} s {result.cpu:7.2f} s CPU {result.memory / report.MIB:5.0f} MiB"
        print(f"  {result.tool:42} {outcome}", flush=True)
    return results


if __name__ == "__main__":
    main()
