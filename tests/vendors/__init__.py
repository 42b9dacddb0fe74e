"""Tests of the presets, against local players of their vendors."""
