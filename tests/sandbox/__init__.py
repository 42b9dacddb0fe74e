"""Tests of the sandbox: what the demo, the other tests and the benchmarks rely on."""
