"""Runs of Meltano in this project."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[1]
MELTANO = ROOT / ".venv-meltano" / "bin" / "meltano"

#: Settings with an object as their value. All other objects hold settings.
OBJECTS = {"headers", "params", "streams"}


def run(*arguments: str, config: Mapping[str, Any], database: Path, **variables: str) -> int:
    """Run Meltano, with all processes that it starts, to the end.

    Args:
        arguments: The arguments of `meltano`.
        config: The settings of the tap.
        database: The file in which Meltano keeps its state.
        variables: Further environment variables.

    Returns:
        The exit code.
    """
    process = subprocess.Popen(
        [MELTANO, *arguments],
        cwd=ROOT,
        env={
            "XDG_STATE_HOME": str(ROOT / ".cache" / "state"),  # Meltano's logs
            **os.environ,
            "MELTANO_DATABASE_URI": f"sqlite:///{database}",
            **dict(as_environment(config)),
            **variables,
        },
        start_new_session=True,  # so that one signal ends the tap and the target too
    )
    try:
        return process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def as_environment(config: Mapping[str, Any], prefix: str = "TAP_FEEDBACK") -> Iterator[tuple[str, str]]:
    """Yield the settings as Meltano names them in the environment, such as `TAP_FEEDBACK_FEEDBACK_BASE_URL`."""
    for key, value in config.items():
        name = f"{prefix}_{key.upper()}"
        if isinstance(value, dict) and key not in OBJECTS:
            yield from as_environment(value, name)
        else:
            yield name, value if isinstance(value, str) else json.dumps(value)
