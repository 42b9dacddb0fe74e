"""What several test modules need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from demo.postgres import postgres as run_postgres
from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples each time, and no clock: what fails here fails everywhere. `--hypothesis-profile=explore` looks on.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("default"), deadline=None, max_examples=2000)
settings.load_profile("repeatable")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The three APIs, with pages enough that every paginator goes on."""
    with Sandbox(rows=250) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URI of an empty PostgreSQL database."""
    with run_postgres() as uri:
        yield uri
