"""Entry point of Dagster: the definitions for the settings in a file."""

from __future__ import annotations

from feedback_loads.definitions import definitions
from feedback_loads.tenants import read_settings

defs = definitions(read_settings())
