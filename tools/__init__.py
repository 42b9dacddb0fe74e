"""Generators of everything that is derived from code: document tables, Meltano's settings, the benchmark picture."""
