"""What a test costs, as a marker: found in the code that the test reaches, so that no test is marked by hand.

A test is `unit` unless its code, or that of its fixtures and helpers, names something that opens a socket (`http`) or
starts a program (`process`). A marker in the test file wins over what is found.
"""

from __future__ import annotations

import inspect
import socket
import socketserver
import subprocess
import sys
import threading
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from sandbox import Sandbox
from sandbox.vendors import Player
from tests.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest

#: From the cheapest on; `slow` and `meltano` are always given by hand.
COSTS = ("unit", "slow", "http", "process", "meltano")
#: What makes a test cost more.
CAUSES: tuple[tuple[object, str], ...] = (
    (Server, "http"),
    (Sandbox, "http"),
    (Player, "http"),
    (socket, "http"),
    (socketserver, "http"),
    (subprocess, "process"),
)
#: Audit events of a test that needs a server or a program.
EVENTS = frozenset({"socket.bind", "subprocess.Popen", "os.posix_spawn"})


def cost_of(item: pytest.Function, fixtures: Mapping[str, Any]) -> str:
    """The marker of a test.

    Args:
        item: The test.
        fixtures: Names that every test file can use, with their values: those of conftest.
    """
    given = [cost for cost in COSTS if item.get_closest_marker(cost)]
    if given:
        return given[-1]
    here = {**fixtures, **vars(item.module)}
    roots = [item.function, *(here[name] for name in item.fixturenames if name in here)]
    found = {"unit", *(cost for value in _reached(roots) for cause, cost in CAUSES if value is cause)}
    return max(found, key=COSTS.index)


def _reached(roots: list[object]) -> Iterator[object]:
    """Everything that the code of some values names, directly or through helpers in tests, tools and demo."""
    seen: set[int] = set()
    waiting = roots
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        yield value
        value = inspect.unwrap(value) if callable(value) else value
        value = getattr(getattr(value, "hypothesis", None), "inner_test", value)
        if not str(getattr(value, "__module__", "")).startswith(("tests", "demo", "tools")):
            continue
        if isinstance(value, type):
            waiting += value.__bases__
            waiting += [inspect.unwrap(member) if callable(member) else member for member in vars(value).values()]
        elif isinstance(value, FunctionType):
            waiting += [value.__globals__[name] for name in _names(value.__code__) if name in value.__globals__]


def _names(code: CodeType) -> Iterator[str]:
    """The names in a code object and in the functions within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


class Guard:
    """A check that a `unit` test opens no port and starts no program, so that `make check` stays fast."""

    def __init__(self) -> None:
        self.test: str | None = None
        sys.addaudithook(self._check)

    def _check(self, event: str, _: tuple[object, ...]) -> None:
        """Refuse what a unit test must not do; threads that an earlier test left behind may do as they like."""
        if event in EVENTS and self.test and threading.current_thread() is threading.main_thread():
            test, self.test = self.test, None
            raise RuntimeError(f"{test} is not a unit test ({event}); mark it `http` or `process`")
