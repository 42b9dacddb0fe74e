"""Benchmark picture of the README: wall times, drawn from the results as SVG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results.json"
#: What users feel comes first: the whole pipeline.
SCENARIOS = ("postgres-25000-first", "postgres-25000-new", "offset-100000", "cursor-100000")
COLOURS = {"tap-feedback": "#1f6fb2", "bare loop": "#9a9a9a"}
OTHERS = "#d9a441"

# In pixels: the picture, the names at the left, the numbers at the right, and the height of a line.
WIDTH, NAMES, NUMBERS, LINE = 760, 245, 175, 20


def picture() -> str:
    """Return the picture: for each scenario a title, and a bar for each tool."""
    run = json.loads(RESULTS.read_text(encoding="utf-8"))
    complete = [result for result in run["results"] if result["runs"] and not result["wrong"]]
    lines: list[str] = []
    for scenario in SCENARIOS:
        results = [result for result in complete if result["scenario"] == scenario]
        if results:
            lines.append(text(8, len(lines), run["titles"][scenario], weight="bold"))
            lines += bars(results, below=len(lines))
    height = LINE * len(lines) + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>\n' + "".join(lines) + "</svg>\n"
    )


def bars(results: list[dict[str, Any]], *, below: int) -> Iterator[str]:
    """Yield a line for each result: the tool, a bar as long as its wall time, and the numbers."""
    scale = (WIDTH - NAMES - NUMBERS) / max(result["wall"] for result in results)
    for line, result in enumerate(results, below):
        length = round(result["wall"] * scale)
        rate = f", {result['rows'] / result['wall']:,.0f} records/s" if result["rows"] else ""
        numbers = f"{result['wall']:.2f} s{rate}"
        name = result["tool"].replace("`", "")
        yield (
            text(NAMES - 10, line, name, anchor="end")
            + f'<rect x="{NAMES}" y="{LINE * line + 9}" width="{length}" height="{LINE - 6}" '
            f'fill="{COLOURS.get(name.partition(",")[0], OTHERS)}"/>\n' + text(NAMES + length + 8, line, numbers)
        )


def text(x: int, line: int, words: str, *, anchor: str = "start", weight: str = "normal") -> str:
    """Return a text on a line of the picture."""
    return (
        f'<text x="{x}" y="{LINE * line + 21}" text-anchor="{anchor}" font-weight="{weight}" fill="#222222">'
        f"{escape(words)}</text>\n"
    )
