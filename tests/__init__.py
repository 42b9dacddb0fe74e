"""Tests of tap-feedback; each file mirrors the module that it tests."""
