"""Picture of the results as bars: `python plot.py results.json results.png`, which needs matplotlib."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt  # the backend comes first

COLOURS = {"tap-feedback": "#1f6fb2", "bare loop": "#9a9a9a"}
OTHERS = "#d9a441"
LOADS = ("first", "same", "new")
SHOWN = (*(f"postgres-25000-{load}" for load in LOADS), "offset-100000", "cursor-100000", "all", "latency")


def main(source: str, destination: str) -> None:
    """Draw the scenarios, with a bar for each tool's wall time."""
    run = json.loads(Path(source).read_text(encoding="utf-8"))
    results = [result for result in run["results"] if result["runs"] and not result["wrong"]]
    present = {result["scenario"] for result in results}
    full = any(name.endswith(("-100000", "-25000-first")) for name in present)
    shown = [name for name in (SHOWN if full else run["titles"]) if name in present]
    groups = [[result for result in results if result["scenario"] == name] for name in shown]
    figure, axes = plt.subplots(
        len(groups),
        1,
        figsize=(10, sum(0.34 * len(group) + 0.75 for group in groups)),
        height_ratios=[len(group) + 0.6 for group in groups],
        squeeze=False,
        layout="constrained",
    )
    for axis, name, group in zip(axes[:, 0], shown, groups, strict=True):
        draw(axis, run["titles"][name], group)
    figure.suptitle("Wall time in seconds, start-up hatched; less is better", fontsize=12)
    figure.savefig(destination, dpi=110)


def draw(axis: Any, title: str, group: list[dict[str, Any]]) -> None:
    """Draw the bars of one scenario."""
    names = [result["tool"].replace("`", "") for result in group]
    walls = [result["wall"] for result in group]
    colours = [colour(name) for name in names]
    axis.barh(names, walls, color=colours)
    axis.barh(names, [result["start_up"] for result in group], color=colours, edgecolor="white", hatch="////", lw=0)
    for place, result in enumerate(group):
        rate = f", {result['rows'] / result['wall']:,.0f} records/s" if result["rows"] else ""
        axis.text(result["wall"], place, f"  {result['wall']:.2f} s{rate}", va="center", fontsize=9)
    axis.invert_yaxis()
    axis.set_xlim(0, max(walls) * 1.45)
    axis.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=9)


def colour(name: str) -> str:
    """Return the colour of a tool: one for all forms of the tap, one for the bare loop, one for the others."""
    if "tap-feedback" in name:
        return COLOURS["tap-feedback"]
    return COLOURS.get(name, OTHERS)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
