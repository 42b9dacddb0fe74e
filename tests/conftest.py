"""What several test modules need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.postgres import postgres as run_postgres
from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


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
