"""Benchmarks of the tap and of other tools for the same work: `python -m benchmarks`."""
