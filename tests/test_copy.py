"""target-postgres as meltano.yml sets it up: hostile rows land by COPY as by INSERT, and as the tap wrote them."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml
from psycopg2.sql import SQL, Identifier

from demo.meltano import ROOT
from tap_feedback.records.timestamps import parse_instant
from tests.hostile_columns import COLUMNS, UNTYPED, Columns, rows_of
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server
from tests.test_records import EXTRA, same

if TYPE_CHECKING:
    from pathlib import Path

PLUGINS = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]["loaders"]
(PLUGIN,) = (plugin for plugin in PLUGINS if plugin["name"] == "target-postgres")
#: The settings that decide how rows are written, and the environment.
SHIPPED: dict[str, Any] = {name: value for name, value in PLUGIN["config"].items() if name != "default_target_schema"}
ENVIRONMENT: dict[str, str] = PLUGIN["env"]


def read(columns: Columns, **settings: Any) -> Run:
    """A sync of rows in which these columns are hostile, with more settings."""
    body = f'{{"data": [{", ".join(rows_of(columns))}]}}'
    schema = {
        "id": {"type": "integer"},
        "key": {"type": "string"},
        **{name: kind for name, (kind, _) in columns.items()},
    }
    stream = {
        "path": "/hostile",
        "data_selector": "data",
        "paginator": {"type": "single_page"},
        "primary_key": ["id", "key"],
        "schema": schema,
    }

    def respond(_: RecordedRequest) -> Reply:
        return Reply(body.encode())

    with Server(respond) as server:
        config = {"feedback": api(server.url, streams={"hostile": stream}), **settings}
        run = sync(config, catalog=catalog_of(config, "hostile"))
    assert (run.error, run.failures) == (None, {})
    return run


class Warehouse:
    """A PostgreSQL server, with the target that loads into it."""

    def __init__(self, uri: str, target: Path, folder: Path) -> None:
        self.uri = uri
        self.target = target
        self.config = folder / "config.json"

    def load(self, run: Run, schema: str, settings: dict[str, Any], **environment: str) -> None:
        """Load what a sync wrote into a schema of its own name."""
        url = self.uri.replace("://", "+psycopg://", 1)
        self.config.write_text(json.dumps({"sqlalchemy_url": url, "default_target_schema": schema, **settings}))
        loaded = subprocess.run(
            [self.target, "--config", self.config],
            input="".join(f"{line}\n" for line in run.lines),
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={**os.environ, **environment},
        )
        assert loaded.returncode == 0, loaded.stderr[-2000:]

    def columns(self, schema: str) -> dict[str, str]:
        """The columns of the table, with their types."""
        with closing(psycopg2.connect(self.uri)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT column_name, udt_name FROM information_schema.columns WHERE table_schema = %s ORDER BY 1",
                (schema,),
            )
            return dict(cursor)

    def column(self, schema: str, name: str) -> list[str | None]:
        """The values of a column as PostgreSQL prints them."""
        query = SQL("SELECT {}::text FROM {} ORDER BY id").format(Identifier(name), Identifier(schema, "hostile"))
        with closing(psycopg2.connect(self.uri)) as connection, connection.cursor() as cursor:
            cursor.execute(query.as_string(connection))
            return [row[0] for row in cursor]

    def microseconds_between(self, schema: str, other: str) -> int:
        """The longest time between the values of `at` in two tables."""
        query = SQL(
            "SELECT max(abs(extract(epoch FROM one.at - two.at))) FROM {} AS one JOIN {} AS two USING (id)"
        ).format(Identifier(schema, "hostile"), Identifier(other, "hostile"))
        with closing(psycopg2.connect(self.uri)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return int(cursor.fetchall()[0][0] * 10**6)

    def rows(self, schema: str) -> list[dict[str, Any]]:
        """The rows as JSON, with every digit of their numbers."""
        query = SQL("SELECT to_jsonb(row)::text FROM {} AS row ORDER BY id").format(Identifier(schema, "hostile"))
        with closing(psycopg2.connect(self.uri)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return [json.loads(text, parse_float=Decimal) for (text,) in cursor]


@pytest.fixture(scope="module")
def warehouse(postgres: str, target_postgres: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The server of the tests, with the installed target."""
    return Warehouse(postgres, target_postgres, tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module")
def run(warehouse: Warehouse) -> Run:
    """A sync of all columns, loaded by INSERT, and by COPY in sessions with two time zones."""
    run = read(COLUMNS)
    warehouse.load(run, "by_insert", {}, PGTZ="UTC")
    warehouse.load(run, "by_copy", SHIPPED, **ENVIRONMENT)
    warehouse.load(run, "by_copy_in_india", SHIPPED, PGTZ="Asia/Kolkata")
    return run


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("schema", ["by_copy", "by_copy_in_india"])
def test_copy_lands_the_same_as_insert(schema: str, warehouse: Warehouse) -> None:
    """Column by column, whatever the time zone of the session is."""
    columns = warehouse.columns("by_insert")
    assert columns.keys() > COLUMNS.keys() | {"id", "key", EXTRA, "_sdc_extracted_at"}
    assert warehouse.columns(schema) == columns
    for name in columns.keys() - {"_sdc_received_at", "_sdc_batched_at", "_sdc_sequence", "_sdc_sync_started_at"}:
        assert warehouse.column(schema, name) == warehouse.column("by_insert", name), name


def test_what_landed_is_what_the_tap_wrote(run: Run, warehouse: Warehouse) -> None:
    """No field, no digit and no character is lost on the way; of times, PostgreSQL keeps microseconds."""
    messages = [json.loads(line, parse_float=Decimal) for line in run.lines]
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    assert len(records) == len(rows_of(COLUMNS))
    for record, row in zip(records, warehouse.rows("by_copy"), strict=True):
        assert record.keys() <= row.keys()
        for name, value in record.items():
            landed = row[name]
            if isinstance(landed, str) and not isinstance(value, str):  # a column of text, as several types fit
                landed = json.loads(landed, parse_float=Decimal)
            if name in {"at", "either_at"} and value is not None:
                assert parse_instant(landed) == parse_instant(value), name
            else:
                assert same(value, landed), name


@pytest.mark.usefixtures("run")
def test_batch_files_land_as_records(warehouse: Warehouse, tmp_path: Path) -> None:
    """Column by column, too; PostgreSQL itself rounds what the target cuts off behind the microseconds."""
    storage = {"root": f"file://{tmp_path}"}
    encoding = {"format": "jsonl", "compression": "none"}
    warehouse.load(read(COLUMNS, batch_config={"encoding": encoding, "storage": storage}), "by_batch", SHIPPED)
    columns = warehouse.columns("by_copy")
    assert warehouse.columns("by_batch") == columns
    for name in [name for name in columns if not name.startswith("_sdc_") and name != "at"]:
        assert warehouse.column("by_batch", name) == warehouse.column("by_copy", name), name
    assert warehouse.microseconds_between("by_batch", "by_copy") == 1


def test_what_copy_changes(warehouse: Warehouse) -> None:
    """Only this: true and false are `t` and `f` if a column has no type."""
    run = read(UNTYPED)
    warehouse.load(run, "changed_by_insert", {}, PGTZ="UTC")
    warehouse.load(run, "changed_by_copy", SHIPPED, **ENVIRONMENT)
    assert warehouse.column("changed_by_insert", "anything") == ["true", "false"]
    assert warehouse.column("changed_by_copy", "anything") == ["t", "f"]
