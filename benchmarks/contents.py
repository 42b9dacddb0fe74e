"""Comparison of tables in PostgreSQL with the rows at the sandbox, column by column."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg2
from psycopg2.sql import SQL, Composable, Identifier, Literal

from benchmarks.apis import ALL, STREAM_OF, follow
from benchmarks.measure import ROOT
from sandbox.streams import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A value as text, by the kind of its column: numbers as doubles, and times as instants in seconds.
FORMS = {
    "boolean": SQL("({}::boolean)::text"),
    "date-time": SQL("extract(epoch FROM {}::timestamptz)::text"),
    "integer": SQL("({}::bigint)::text"),
    "number": SQL("({}::double precision)::text"),
    "string": SQL("({}::text)"),
}
#: A sum for a column. It does not depend on the order of the rows, but on the id that each value belongs to.
SUM = SQL("sum(hashtextextended(concat(id, ' ', {0} IS NULL, {0}), 0)::numeric)")
#: A document per line, as it is: these characters are in none.
COPY = "COPY received FROM STDIN (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"
#: The documents, with their ids.
RECEIVED = SQL("(SELECT row ->> 'id' AS id, row FROM received) AS rows")
#: Number of differences that are named.
SHOWN = 3

Sums = dict[str, Any]


def columns(stream: str) -> dict[str, str]:
    """Return the kinds of a stream's columns by name: those which the sandbox fills and the tap's schema knows."""
    schema = json.loads((ROOT / "tap_feedback" / "schemas" / f"{stream}.json").read_text(encoding="utf-8"))
    sent = {"id", "timestamp", "updated_at", *" ".join(FIELDS[stream].values()).split()}
    return {
        name: kind for name, described in schema["properties"].items() if name in sent and (kind := kind_of(described))
    }


def kind_of(described: dict[str, Any]) -> str:
    """Return the kind of a column; an empty text for objects and lists, which every tool stores in another way."""
    types = described["type"]
    kind: str = described.get("format") or (types if isinstance(types, str) else types[0])
    return kind if kind in FORMS else ""


def at_the_sandbox(config: dict[str, Any], uri: str) -> dict[str, Sums]:
    """Return the sums of all streams at the sandbox, which a database computes from its responses."""
    sums = {}
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        for stream in ALL:
            cursor.execute("CREATE TEMPORARY TABLE received (row jsonb) ON COMMIT DROP")
            cursor.copy_expert(COPY, io.BytesIO(b"\n".join(documents(config, stream))))
            values: dict[str, Composable] = {
                name: SQL("(row ->> {})").format(Literal(name)) for name in columns(stream)
            }
            cursor.execute(query(stream, values, RECEIVED))
            sums[stream] = dict(zip(("rows", "ids", *values), cursor.fetchall()[0], strict=True))
            connection.commit()
    return sums


def documents(config: dict[str, Any], stream: str) -> Iterator[bytes]:
    """Yield the rows of a stream as JSON, as the sandbox sends them."""
    page = msgspec.json.Decoder(dict[str, msgspec.Raw])
    rows = msgspec.json.Decoder(list[msgspec.Raw])
    for body in follow(config, stream):
        yield from map(bytes, rows.decode(page.decode(body)[STREAM_OF[stream].selector]))


def difference(uri: str, schema: str, expected: dict[str, Sums]) -> str:
    """Return in words how the tables of a schema differ from the rows at the sandbox; empty if they do not."""
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        wrong = [words for stream in ALL for words in different(cursor, stream, schema, expected[stream])]
    others = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return f"the contents differ: {'; '.join(wrong[:SHOWN])}{others}" if wrong else ""


def different(cursor: Any, stream: str, schema: str, expected: Sums) -> Iterator[str]:
    """Yield in words how one table differs."""
    names = {name: name.replace(".", "_") if schema == "bench" else name for name in columns(stream)}
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
        (schema, stream),
    )
    there = {name for (name,) in cursor}
    values: dict[str, Composable] = {
        name: Identifier(column) if column in there else SQL("NULL") for name, column in names.items()
    }
    if not there:
        yield f"`{stream}` is missing"
        return
    cursor.execute(query(stream, values, Identifier(schema, stream)))
    found = dict(zip(("rows", "ids", *values), cursor.fetchall()[0], strict=True))
    if (found["rows"], found["ids"]) != (expected["rows"], expected["ids"]):
        yield f"`{stream}` has {found['rows']:,} rows with {found['ids']:,} ids instead of {expected['ids']:,}"
    elif changed := [name for name in values if found[name] != expected[name]]:
        yield f"`{stream}` has other values in {', '.join(changed)}"


def query(stream: str, values: dict[str, Composable], table: Composable) -> Composable:
    """Return a query for the number of rows and ids in a table, and the sum of each column."""
    kinds = columns(stream)
    sums = [SUM.format(FORMS[kinds[name]].format(value)) for name, value in values.items()]
    return SQL("SELECT count(*), count(DISTINCT id), {} FROM {}").format(SQL(", ").join(sums), table)
