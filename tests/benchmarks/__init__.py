"""Tests of the benchmarks: that their referees see what is wrong, and that they measure what they say."""
