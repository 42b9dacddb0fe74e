"""A third-party server, Datasette, read by settings alone."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.runs import catalog_of, sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "datasette-token"
ROWS = [
    (number, f"Forum {number} – Übersicht 🗳", f"2024-01-01T{number // 60:02}:{number % 60:02}:00Z")
    for number in range(350)
]


@pytest.fixture
def datasette(tmp_path: Path) -> Iterator[str]:
    """A Datasette that wants a bearer token, with a table of forums; its address."""
    database = tmp_path / "portal.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE forums (id INTEGER PRIMARY KEY, name TEXT, updated_at TEXT, cf_tier TEXT)")
        connection.executemany("INSERT INTO forums VALUES (?, ?, ?, 'gold')", ROWS)
    metadata = tmp_path / "metadata.json"
    tokens = {"tokens": [{"token": TOKEN, "actor": {"id": "tap"}}]}
    metadata.write_text(json.dumps({"allow": {"id": "tap"}, "plugins": {"datasette-auth-tokens": tokens}}))
    command = [sys.executable, "-m", "datasette", "serve", str(database), "--metadata", str(metadata), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield address(server)
        finally:
            server.terminate()


def address(server: subprocess.Popen[str]) -> str:
    """The address that a server logs when it is ready."""
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
            return found[1]
    raise AssertionError("Datasette has ended")


def test_datasette_is_read_by_settings_alone(datasette: str) -> None:
    """Bearer token, cursor `_next`, rows under `rows`, a column unknown to the schema; then only what is new."""
    config = {
        "analytics": {
            "base_url": datasette,
            "path_prefix": "/portal",
            "api_key": TOKEN,
            "paginator": {"limit_param": "_size", "cursor_param": "_next", "cursor_path": "next"},
            "incremental": {"start_param": "updated_at__gte", "end_param": None},
            "streams": {"forums": {"path": "/forums.json", "data_selector": "rows", "params": {"_shape": "objects"}}},
        }
    }
    catalog = catalog_of(config, "forums")
    first = sync(config, catalog=catalog)
    assert first.error is None
    assert [(row["id"], row["name"], row["updated_at"]) for row in first.records("forums")] == ROWS
    assert {json.dumps(row["_extra"]) for row in first.records("forums")} == {'{"cf_tier": "gold"}'}

    second = sync(config, catalog=catalog, state=first.state)
    assert second.error is None
    assert second.ids("forums") == [ROWS[-1][0]]


def test_datasette_refuses_a_wrong_token(datasette: str) -> None:
    """The message about a wrong token says so."""
    config = {"analytics": {"base_url": datasette, "path_prefix": "/portal", "api_key": "wrong"}}
    run = sync(config, catalog=catalog_of(config, "forums"))
    assert "returned 403 Forbidden" in run.failures["forums"]
