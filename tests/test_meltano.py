"""Meltano runs the tap, as `meltano.yml` says, into JSONL and into PostgreSQL."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor
from psycopg2.sql import SQL, Identifier

from demo import meltano
from tap_feedback.instants import parse_instant
from tap_feedback.settings import STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

pytestmark = pytest.mark.meltano

NAMES = [stream for streams in STREAMS.values() for stream in streams]


def test_jsonl(sandbox: Sandbox, tmp_path: Path) -> None:
    """A first run loads every row once; a second one reads incremental streams from their bookmark on."""

    def load(folder: str) -> dict[str, list[dict[str, Any]]]:
        code = meltano.run(
            "run",
            "tap-feedback-to-jsonl",
            config=sandbox.config,
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


def test_postgres(sandbox: Sandbox, postgres: str, tmp_path: Path) -> None:
    """PostgreSQL has the API's rows, value by value, and a second run adds none."""

    def load() -> dict[str, list[dict[str, Any]]]:
        code = meltano.run(
            "run",
            "tap-feedback-to-postgres",
            config=sandbox.config,
            database=tmp_path / "meltano.db",
            TARGET_POSTGRES_SQLALCHEMY_URL=postgres.replace("://", "+psycopg://", 1),
        )
        assert code == 0
        with closing(psycopg2.connect(postgres)) as connection:
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
