"""The markers that say what a test costs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import GUARD
from tests.runs import run_tap
from tests.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable


class Double(Server):
    """A server of a test."""


def serve() -> Double:
    """A server, by way of a helper."""
    return Double(lambda request: [])


@pytest.fixture
def server() -> Server:
    """A server, by way of a fixture."""
    return serve()


def test_a_test_is_unit_unless_something_costs_more(request: pytest.FixtureRequest) -> None:
    """This one costs nothing."""
    assert [mark.name for mark in request.node.own_markers] == ["unit"]


def test_a_server_is_found_behind_helpers_and_fixtures(server: Server, request: pytest.FixtureRequest) -> None:
    """This one has a server, which its own code does not name."""
    assert server.requests == []
    server.http.server_close()
    assert [mark.name for mark in request.node.own_markers] == ["http"]


def test_a_program_costs_more_than_a_server(request: pytest.FixtureRequest) -> None:
    """This one could start the tap and a server."""
    assert callable(run_tap)
    assert callable(serve)
    assert [mark.name for mark in request.node.own_markers] == ["process"]


@pytest.mark.unit
@pytest.mark.parametrize(
    "act",
    [lambda: Server(lambda request: []), lambda: subprocess.run([sys.executable, "-V"], check=True)],
    ids=["server", "program"],
)
def test_a_unit_test_that_does_more_fails(act: Callable[[], object], pytestconfig: pytest.Config) -> None:
    """A wrong marker is noticed."""
    with pytest.raises(RuntimeError, match="is not a unit test"):
        act()
    assert pytestconfig.stash[GUARD].test is None
