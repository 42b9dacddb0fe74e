"""The commands of the pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import pipelines
from benchmarks.measure import Usage
from benchmarks.tools import Job

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("pipeline", [pipelines.SHIPPED, pipelines.SHIPPED_BATCH], ids=["shipped", "batch"])
def test_meltano_never_installs(pipeline: pipelines.Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run must not replace plugins: several worktrees may share them, and an installation would count as time."""
    commands: list[list[str]] = []

    def run(command: list[str], *_: Any, **__: Any) -> Usage:
        commands.append(command)
        return Usage(1, 1, 1)

    monkeypatch.setattr(pipelines, "run", run)
    pipeline.run(Job(tmp_path, {}, ()), "postgresql://postgres@/bench?host=/tmp")
    assert commands[0][1:3] == ["run", "--no-install"]
