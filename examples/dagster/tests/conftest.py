"""Selection of tests: those of Dagster run in the example's environment, those of the tap in its own."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore = [
    file for module, file in (("dagster", "test_definitions.py"), ("sandbox", "test_loads.py")) if not find_spec(module)
]
