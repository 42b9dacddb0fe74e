"""A server that nobody here wrote: Datasette, read by settings alone."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "datasette", "serve", str(database), "--metadata", str(metadata)]
    with subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            yield wait_for(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()


def wait_for(url: str) -> str:
    """The address, once something answers there."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(connect=20, backoff_factor=0.05)))
    with session:
        session.get(url, timeout=5)
    return url


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
    """A wrong token is told as such."""
    config = {"analytics": {"base_url": datasette, "path_prefix": "/portal", "api_key": "wrong"}}
    run = sync(config, catalog=catalog_of(config, "forums"))
    assert "answered 403 Forbidden" in run.failures["forums"]
