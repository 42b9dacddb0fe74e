"""The SDK's own tests for taps, and the checker of the Singer project, with the tap reading a sandbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_tap_test_class

from sandbox import Sandbox
from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS
from tests.runs import find_uv, run_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The class is created before there is a server: it needs the streams, but sends no request.
CONFIG: dict[str, Any] = {
    name: {"base_url": "http://127.0.0.1:9", "api_key": "sandbox-key-to-come"} for name in STREAMS
}


@pytest.fixture(scope="module", autouse=True)
def serve() -> Iterator[None]:
    """Serve what the tests read."""
    with Sandbox(rows=250) as sandbox:
        CONFIG.update(sandbox.config)
        yield


TestTapFeedback = get_tap_test_class(TapFeedback, config=CONFIG, parse_env_config=False)


@pytest.fixture(scope="session")
def check_tap() -> Path:
    """The command `singer-check-tap`, in a separate environment, as it needs a jsonschema of 2017."""
    folder = Path(__file__).parent.parent / ".cache" / f"singer-tools-{sys.version_info.major}.{sys.version_info.minor}"
    command = folder / "bin" / "singer-check-tap"
    if not command.exists():
        uv = find_uv()
        for arguments in (
            ["venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            ["pip", "install", "--quiet", "--python", str(folder), "singer-tools==0.4.1"],
        ):
            subprocess.run([uv, *arguments], check=True, timeout=100)
    return command


def test_singer_check_tap(check_tap: Path, write: Callable[..., str], shared: Sandbox) -> None:
    """The checker of the Singer project finds what the tap writes valid, every row of it."""
    run = run_tap("--config", write("config.json", shared.config))
    assert run.returncode == 0
    checked = subprocess.run(
        [str(check_tap)], input=run.stdout, capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "The output is valid." in checked.stdout
    assert checked.stdout.count("| 120 ") == sum(map(len, STREAMS.values()))
