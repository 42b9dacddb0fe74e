"""The tap side by side with what else could do its work: `python -m benchmarks`."""
