"""Meltano runs the tap, as `meltano.yml` says, into JSONL and into PostgreSQL."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections import Counter
from contextlib import closing
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml
from psycopg2.extras import RealDictCursor
from psycopg2.sql import SQL, Identifier

from demo import meltano
from tap_feedback.records.timestamps import parse_instant
from tests.configs import STREAMS
from tools.meltano import PLUGIN_YML

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

pytestmark = pytest.mark.meltano


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Wait for tests in other processes: all run Meltano in one project, where it keeps the catalog of a run."""
    with (meltano.ROOT / ".meltano" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


NAMES = [stream for streams in STREAMS.values() for stream in streams]


def test_jsonl(sandbox: Sandbox, tmp_path: Path) -> None:
    """A first run loads every row once; a second one reads incremental streams from their bookmark on.

    Settings may have fractions, which not every kind of setting takes from the environment.
    """
    config = {name: {**api, "timeout": 59.5} for name, api in sandbox.config.items()}

    def load(folder: str) -> dict[str, list[dict[str, Any]]]:
        code = meltano.run(
            "run",
            "tap-feedback-to-jsonl",
            config=config,
            database=tmp_path / "meltano.db",
            TARGET_JSONL_DESTINATION_PATH=str(tmp_path / folder),
        )
        assert code == 0
        return {name: read_jsonl(tmp_path / folder / f"{name}.jsonl") for name in NAMES}

    first, second = load("first"), load("second")
    for name in NAMES:
        assert Counter(row["id"] for row in first[name]) == Counter(row["id"] for row in sandbox.rows(name)), name
    for name in STREAMS["analytics"]:
        last = max(updated_at(row) for row in first[name])
        assert second[name] == [row for row in first[name] if updated_at(row) == last], name


@pytest.fixture
def far_postgres(postgres: str) -> Iterator[str]:
    """The URI of a database whose sessions are in another time zone than UTC, unless they name theirs."""

    def alter(change: str) -> None:
        with closing(psycopg2.connect(postgres)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE postgres {change}")

    alter("SET timezone TO 'America/New_York'")
    yield postgres
    alter("RESET timezone")
    with closing(psycopg2.connect(postgres)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS tap_feedback CASCADE")


@pytest.mark.parametrize("job", ["tap-feedback-to-postgres", "tap-feedback-to-postgres-batch"])
def test_postgres(sandbox: Sandbox, far_postgres: str, tmp_path: Path, job: str) -> None:
    """PostgreSQL has the API's rows, value by value, and a second run adds none, with or without batch files.

    The time zone of the server does not shift the times: its columns for them have none.
    """

    def load() -> dict[str, list[dict[str, Any]]]:
        code = meltano.run(
            "run",
            job,
            config=sandbox.config,
            database=tmp_path / "meltano.db",
            TAP_FEEDBACK_BATCH_BATCH_CONFIG_STORAGE_ROOT=str(tmp_path / "batches"),
            TARGET_POSTGRES_SQLALCHEMY_URL=far_postgres.replace("://", "+psycopg://", 1),
        )
        assert code == 0
        with closing(psycopg2.connect(far_postgres)) as connection:
            return {name: read_table(connection, name) for name in NAMES}

    first = load()
    for name in NAMES:
        expected = sorted(sandbox.rows(name), key=lambda row: row["id"])
        assert len(first[name]) == len(expected), name
        for landed, sent in zip(first[name], expected, strict=True):
            columns = {key: value for key, value in landed.items() if not key.startswith("_")}
            assert columns == {key: as_landed(sent.get(key), value) for key, value in columns.items()}, name
            assert landed["_extra"] == ({key: sent[key] for key in sent.keys() - columns.keys()} or None), name

    second = load()
    assert {name: len(rows) for name, rows in second.items()} == {name: len(rows) for name, rows in first.items()}
    assert (tmp_path / "batches").exists() == job.endswith("batch")


def test_plugin_definition(sandbox: Sandbox, tmp_path: Path) -> None:
    """A project elsewhere adds the tap by its definition alone, selects a stream, and gives a field a column."""
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    file = tmp_path / "project" / "meltano.yml"
    file.write_text("project_id: 7a0d2bd6-2a0f-4b3b-8f35-5f0f1d0f7f5e\nsend_anonymous_usage_stats: false\n", "utf-8")
    environment = {
        "UV_CACHE_DIR": str(meltano.ROOT / ".cache" / "uv"),  # that of `make`, unless it is set
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "TAP_FEEDBACK_SUPPORT_API_KEY": sandbox.config["support"]["api_key"],
    }

    def run(*arguments: str) -> str:
        command = [str(meltano.MELTANO), *arguments]
        done = subprocess.run(
            command, cwd=file.parent, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    run("add", "tap-feedback", "--from-ref", str(PLUGIN_YML), "--no-install")
    project = yaml.safe_load(file.read_text("utf-8"))
    project["plugins"]["extractors"][0] |= {
        "pip_url": f"-e {meltano.ROOT}",
        "config": {"support": {"base_url": sandbox.url}, "start_date": "2024-01-01"},
        "select": ["customer_support_data.*"],
        "schema": {"customer_support_data": {"subject": {"type": ["string", "null"]}}},
    }
    file.write_text(yaml.safe_dump(project), "utf-8")
    run("install")
    assert "Plugin configuration is valid" in run("config", "test", "tap-feedback")
    messages = [json.loads(line) for line in run("invoke", "tap-feedback").splitlines()]
    subjects = [message["record"].get("subject") for message in messages if message["type"] == "RECORD"]
    assert subjects == [row.get("subject") for row in sandbox.rows("customer_support_data")]
    assert any(subjects)
    assert not run("invoke", "tap-feedback", "--test")


def updated_at(row: dict[str, Any]) -> datetime:
    """The instant of a row's last update."""
    instant = parse_instant(row["updated_at"])
    assert instant is not None
    return instant


def read_jsonl(file: Path) -> list[dict[str, Any]]:
    """The rows in a file."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def read_table(connection: psycopg2.extensions.connection, name: str) -> list[dict[str, Any]]:
    """The rows in a table, in the order of their ids."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(SQL("SELECT * FROM {} ORDER BY id").format(Identifier("tap_feedback", name)))
        return [dict(row) for row in cursor]


def as_landed(sent: Any, landed: Any) -> Any:
    """What was sent, as the type that PostgreSQL gives back; times there are in UTC."""
    if isinstance(landed, datetime):
        instant = parse_instant(sent)
        return instant and instant.astimezone(timezone.utc).replace(tzinfo=None)
    return Decimal(str(sent)) if isinstance(landed, Decimal) else sent
