"""Tests of the types of authentication."""
