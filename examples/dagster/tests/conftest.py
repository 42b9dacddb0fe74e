"""Selection of tests: those of Dagster run in the example's environment, those of the tap in its own."""

from __future__ import annotations

from importlib.util import find_spec

NEEDS = {"test_definitions.py": ("dagster",), "test_loads.py": ("aiohttp", "sandbox", "tap_feedback")}
collect_ignore = [file for file, modules in NEEDS.items() if not all(map(find_spec, modules))]
