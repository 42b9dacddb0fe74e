"""The sandbox's command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox.__main__ import main
from tests.sandbox.client import BEARER

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command line as a process, and the address that it prints."""
    line = [sys.executable, "-m", "sandbox", *arguments]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().removeprefix("sandbox: ").strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    """It serves what its options say, prints one line, and ends with exit code 0 and no further word."""
    config = tmp_path / "config.json"
    options = ("--rows=7", "--rows-of=forums=3", "--key=support=sesame", "--paging=support=page_number_from_0")
    with command(*options, "--oauth2=feedback=60", "--for=60", f"--write-config={config}") as (process, url):
        settings = json.loads(config.read_text())
        assert settings["analytics"] == {"base_url": url, "api_key": "analytics-key"}
        assert settings["support"]["paginator"]["base_page"] == 0
        assert settings["feedback"]["auth"]["type"] == "oauth2_client_credentials"
        assert len(requests.get(f"{url}/v1/forums", headers=BEARER, timeout=10).json()["forums"]) == 3
        rows = requests.get(f"{url}/v1/resource", params={"api_key": "sesame"}, timeout=10).json()
        assert (rows["page"], rows["total_pages"]) == (0, 1)
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.communicate() == ("", "")


def test_it_stops_by_itself() -> None:
    """It ends with exit code 0 when its time is over."""
    with command("--for", "0.1") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert process.wait(10) == 0


@pytest.mark.unit
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "-1"], "number of rows"),
        (["--rows-of", "nonsense=1"], "nonsense"),
        (["--rows-of", "forums"], "NAME=VALUE"),
        (["--paging", "support=nonsense"], "page_number"),
        (["--oauth2", "nonsense=1"], "nonsense"),
    ],
)
def test_it_refuses_wrong_options(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option ends it with exit code 2 and a message that names it."""
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
