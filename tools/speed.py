"""Paragraph on speed in the README, with figures from the results of the benchmark."""

from __future__ import annotations

import json

from tools.picture import RESULTS

TAP = "tap-feedback"
LOADERS = {
    f"{TAP}, `meltano run`, BATCH": "with BATCH files",
    f"{TAP}, `meltano run`": "as shipped",
    "dlt": "with dlt",
    "plain SDK tap, pipe": "with a plain SDK tap",
}
READERS = {
    TAP: "with the defaults",
    f"{TAP}, `max_connections: 16`, `window: 180`": "with more connections and time windows",
    "Airbyte CDK low-code": "with the Airbyte CDK",
    "dlt, extract": "with dlt",
}
#: Scenarios with their names in the paragraph, and with the tools that it names.
SCENARIOS = {
    "postgres-25000-first": ("200,000 rows in eight streams into PostgreSQL", LOADERS),
    "postgres-25000-same": ("A second run with nothing new", LOADERS),
    "postgres-25000-new": ("A run with 1 % new or changed rows", LOADERS),
    "all": ("Eight streams over a slow network (50 ms per request)", READERS),
}


def paragraph() -> str:
    """Return the paragraph, with a list of times for each scenario that was measured. It is one line."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    walls = {(r["scenario"], r["tool"]): r["wall"] for r in results if r["runs"] and not r["wrong"]}
    text = "One run on one machine, all tools against the same local server ([all results](benchmarks/results.md))."
    for scenario, (name, tools) in SCENARIOS.items():
        times = [f"{walls[scenario, tool]:.1f} s {words}" for tool, words in tools.items() if (scenario, tool) in walls]
        if times:
            text += f" {name}: {', '.join(times)}."
    return text + "\n"
