"""Environments with pinned versions, one for each tool."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENTS = ROOT / ".cache" / "bench"
#: Packages of each environment. An environment is recreated when its line changes, and `tap` for every run.
REQUIREMENTS = {
    "tap": (str(ROOT), "requests==2.34.2", "singer-sdk[msgspec]==0.54.9", "msgspec==0.22.0"),
    "bare": ("requests==2.34.2", "msgspec==0.22.0"),
    "plain": ("requests==2.34.2", "singer-sdk==0.54.9"),
    "dlt": ("requests==2.34.2", "dlt[postgres]==1.31.0"),
    "airbyte": ("requests==2.34.2", "airbyte-cdk==7.39.1"),
    "plot": ("matplotlib==3.10.7",),
}
#: uv caches what it built from a folder. These options make it build again.
FRESH = ("--refresh-package=tap-feedback", "--reinstall-package=tap-feedback")
#: The package of each that the report names.
SHOWN = {"tap": "tap-feedback", "bare": "requests", "plain": "singer-sdk", "dlt": "dlt", "airbyte": "airbyte-cdk"}


def install(name: str) -> str:
    """Create an environment, and return the error in one line, or an empty text."""
    folder, requirements = ENVIRONMENTS / name, REQUIREMENTS[name]
    note = folder / "requirements.txt"
    if name != "tap" and note.exists() and note.read_text(encoding="utf-8").split("\n") == list(requirements):
        return ""
    uv = (sys.executable, "-m", "uv")
    commands = (
        (*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)),
        (*uv, "pip", "install", "--quiet", f"--python={folder}", "--compile-bytecode", *FRESH, *requirements),
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"cannot be installed here: {done.stderr.strip().splitlines()[-1]}"
    note.write_text("\n".join(requirements), encoding="utf-8")
    return ""


def version(python: str, package: str) -> str:
    """Return the name and version of a package, as an interpreter has it."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return f"{package} {done.stdout.strip() or 'is missing'}"


def executable(environment: str, name: str) -> str:
    """Return a program of an environment."""
    return str(ENVIRONMENTS / environment / "bin" / name)


@contextmanager
def scratch() -> Iterator[Path]:
    """Create a temporary folder for a run."""
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ENVIRONMENTS, prefix="run-") as folder:
        yield Path(folder)
