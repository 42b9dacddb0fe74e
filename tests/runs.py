"""Running the tap in tests: in this process, or as another one."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tap_feedback.tap import TapFeedback

#: An address at which no server listens.
NOWHERE = "http://127.0.0.1:9"
TAP = str(Path(sys.executable).with_name("tap-feedback"))


@dataclass
class Run:
    """What one sync wrote, and how it ended."""

    lines: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        """The last state written."""
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        return states[-1] if states else {}

    def records(self, stream: str) -> list[dict[str, Any]]:
        """The records of a stream, in the order in which they were written."""
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    def ids(self, stream: str) -> list[Any]:
        """The ids of a stream's records."""
        return [record["id"] for record in self.records(stream)]

    def schema(self, stream: str) -> dict[str, Any]:
        """The SCHEMA message of a stream."""
        return next(m for m in self.messages if m["type"] == "SCHEMA" and m["stream"] == stream)


def api(url: str, **settings: Any) -> dict[str, Any]:
    """Settings of an API at this address, with which no test waits."""
    return {"base_url": url, "api_key": "test-key", "retry": {"backoff_factor": 0}, **settings}


def catalog_of(config: dict[str, Any], *streams: str) -> dict[str, Any]:
    """The discovered catalog, with only these streams selected."""
    catalog = TapFeedback(config=dict(config)).catalog_dict
    for entry in catalog["streams"]:
        root = next(item for item in entry["metadata"] if not item["breadcrumb"])
        root["metadata"]["selected"] = entry["tap_stream_id"] in streams
    return catalog


def sync(
    config: dict[str, Any],
    *,
    catalog: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
    tap_type: type[TapFeedback] = TapFeedback,
) -> Run:
    """Run a sync in this process; an error that ends it is kept, not raised."""
    run = Run()
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        with redirect_stdout(out):
            tap = tap_type(config=json.loads(json.dumps(config)), catalog=catalog, state=state)
            try:
                tap.sync_all()
            finally:
                run.failures = {name: str(error) for name, error in tap.failures.items()}
    except Exception as error:  # noqa: BLE001 - the test looks at it
        run.error = str(error)
    out.flush()
    run.lines = out.buffer.getvalue().decode().split("\n")[:-1]
    run.messages = [json.loads(line) for line in run.lines]
    return run


def run_tap(
    *arguments: str, env: dict[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the tap's command to its end."""
    return subprocess.run(
        [TAP, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
        check=False,
    )


def find_uv() -> str:
    """The uv beside this Python, or on the PATH."""
    found = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, "uv is needed: pip install uv"
    return found


def errors_of(run: subprocess.CompletedProcess[str]) -> list[str]:
    """The messages at the level ERROR."""
    assert "Traceback" not in run.stderr
    return [line.split("| ", 2)[2] for line in run.stderr.splitlines() if "| ERROR " in line]


def written_by(run: subprocess.CompletedProcess[str]) -> Run:
    """The messages that a process wrote."""
    return Run(messages=[json.loads(line) for line in run.stdout.splitlines()])
