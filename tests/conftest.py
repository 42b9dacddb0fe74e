"""Fixtures and markers for all tests."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

from demo.meltano import ROOT
from demo.postgres import postgres as run_postgres
from sandbox import Sandbox
from tests.costs import Guard, cost_of
from tests.runs import find_uv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# The same examples each time, and no clock: what fails here fails everywhere. `--hypothesis-profile=explore` looks on.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("explore", settings.get_profile("default"), deadline=None, max_examples=2000)
settings.load_profile("repeatable")

GUARD = pytest.StashKey[Guard]()


def pytest_configure(config: pytest.Config) -> None:
    """Watch what unit tests do."""
    config.stash[GUARD] = Guard()


# First, because `-m` then selects by these markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with what it costs."""
    for item in items:
        if isinstance(item, pytest.Function):
            item.add_marker(cost_of(item, globals()))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold a unit test to its marker."""
    item.config.stash[GUARD].test = item.name if item.get_closest_marker("unit") else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Let the fixtures of a whole session, which end with its last test, do as they like."""
    item.config.stash[GUARD].test = None


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The three APIs, with enough rows for three pages of each stream."""
    with Sandbox(rows=250) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """The same, for tests that change nothing in it."""
    with Sandbox(rows=250) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """A sandbox for tests that change nothing in it; its streams end within the second page."""
    with Sandbox(rows=120) as sandbox:
        yield sandbox


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], str]:
    """A function that writes a file, of JSON unless it is given text, and returns its path."""

    def write(name: str, content: Any) -> str:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text, "utf-8")
        return str(tmp_path / name)

    return write


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URI of an empty PostgreSQL database; with pytest-xdist, one for each worker."""
    with run_postgres() as uri:
        yield uri


@pytest.fixture(scope="session")
def target_postgres() -> Path:
    """The target as Meltano installed it; without Meltano, in a separate environment."""
    plugins = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]["loaders"]
    (plugin,) = (plugin for plugin in plugins if plugin["name"] == "target-postgres")
    installed = ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin" / str(plugin["executable"])
    if installed.exists():
        return installed
    environment = ROOT / ".cache" / "target-postgres"
    command = environment / "bin" / str(plugin["executable"])
    if not command.exists():
        uv = find_uv()
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", environment, *plugin["pip_url"].split()]
        subprocess.run(install, check=True, cwd=ROOT)
    return command
