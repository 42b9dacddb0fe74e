"""Streams that a vendor's preset does not select by default."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tap_feedback
from tests.runs import api, written_by
from tests.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

PRESET = {
    "api": "feedback",
    "title": "Acme",
    "verified": {"by": "code", "on": "2026-01-01", "source": "https://example.com"},
    "paginator": {"type": "single_page"},
    "streams": {
        "acme_posts": {"path": "/posts"},
        "acme_comments": {"path": "/posts/{parent.id}/comments", "parent": "acme_posts"},
    },
    "off": ["acme_comments"],
}


@pytest.fixture
def tap(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs the tap with another preset among those that it ships."""
    package = tmp_path / "tap_feedback"
    shutil.copytree(Path(tap_feedback.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "vendors" / "acme.json").write_text(json.dumps(PRESET), "utf-8")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tap_feedback", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            check=True,
        )

    return run


def test_a_stream_that_is_off_is_read_only_if_a_catalog_selects_it(
    tap: Callable[..., subprocess.CompletedProcess[str]], write: Callable[[str, Any], str]
) -> None:
    """It is not read without a catalog, nor with the catalog as it was discovered."""
    with Server(lambda request: {"data": [{"id": request.path.rpartition("/")[2]}]}) as server:
        config = write("config.json", {"feedback": api(server.url, vendor="acme")})
        catalog = json.loads(tap("--config", config, "--discover").stdout)
        entries = {entry["tap_stream_id"]: entry for entry in catalog["streams"]}
        roots = {
            name: next(item["metadata"] for item in entry["metadata"] if not item["breadcrumb"])
            for name, entry in entries.items()
        }
        plain = written_by(tap("--config", config))
        discovered = written_by(tap("--config", config, "--catalog", write("catalog.json", catalog)))
        roots["acme_comments"]["selected"] = True
        chosen = written_by(tap("--config", config, "--catalog", write("catalog.json", catalog)))
    assert roots["acme_comments"]["selected-by-default"] is False
    assert roots["acme_posts"]["selected-by-default"] is True
    for run in (plain, discovered):
        assert (run.ids("acme_posts"), run.ids("acme_comments")) == (["posts"], [])
    assert (chosen.ids("acme_posts"), chosen.ids("acme_comments")) == (["posts"], ["comments"])
