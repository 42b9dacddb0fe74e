"""The comparison of tables with the rows at the sandbox."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg2
import pytest

from benchmarks import contents
from benchmarks.apis import ALL
from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 40
Loaded = tuple[str, dict[str, contents.Sums]]


@pytest.fixture(scope="module")
def loaded(postgres: str) -> Iterator[Loaded]:
    """A database with the sandbox's rows as text in the schema `copy`, and the sums of the sandbox."""
    with (
        Sandbox(rows=ROWS) as sandbox,
        closing(psycopg2.connect(postgres)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("CREATE SCHEMA copy")
        for stream in ALL:
            names = list(contents.columns(stream))
            columns = ", ".join(f'"{name}" text' for name in names)
            cursor.execute(f"CREATE TABLE copy.{stream} ({columns})")
            values = ", ".join(f"%(row)s::jsonb ->> '{name}'" for name in names)
            for document in contents.documents(sandbox.config, stream):
                cursor.execute(f"INSERT INTO copy.{stream} SELECT {values}", {"row": document.decode()})
        connection.commit()
        yield postgres, contents.at_the_sandbox(sandbox.config, postgres)
        cursor.execute("DROP SCHEMA copy CASCADE")
        connection.commit()


@contextmanager
def changed(uri: str, stream: str, change: str) -> Iterator[None]:
    """Change one row of a table, and put it back at the end."""
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE backup AS TABLE copy.{stream}")
        cursor.execute(change.format(table=f"copy.{stream}"))
        assert cursor.rowcount == 1
        connection.commit()
        yield
        cursor.execute(f"TRUNCATE copy.{stream}")
        cursor.execute(f"INSERT INTO copy.{stream} TABLE backup")
        connection.commit()


def test_equal_contents_have_no_difference(loaded: Loaded) -> None:
    """Numbers as text equal numbers, and times with an offset equal the same instants."""
    uri, sums = loaded
    assert contents.difference(uri, "copy", sums) == ""
    same = "UPDATE {table} SET updated_at = '2020-01-01T01:30:00+01:30' WHERE id = '1000001'"
    with changed(uri, "forums", same):
        assert contents.difference(uri, "copy", sums) == ""


@pytest.mark.parametrize(
    ("stream", "change", "words"),
    [
        (
            "forums",
            "UPDATE {table} SET updated_at = '2020-01-01T00:00:00.000001Z' WHERE id = '1000001'",
            "`forums` has other values in updated_at",
        ),
        (
            "suggestions",
            "UPDATE {table} SET title = '' WHERE id = (SELECT min(id) FROM {table} WHERE title IS NULL)",
            "`suggestions` has other values in title",
        ),
        (
            "feedback_data",
            "UPDATE {table} SET id = 'row-1000001' WHERE id = 'row-1000002'",
            "`feedback_data` has 40 rows with 39 ids instead of 40",
        ),
        ("features", "DELETE FROM {table} WHERE id = '1000007'", "`features` has 39 rows with 39 ids instead of 40"),
    ],
    ids=["a microsecond", "an empty text", "a row twice", "a missing row"],
)
def test_each_difference_is_named(loaded: Loaded, stream: str, change: str, words: str) -> None:
    """The message has the stream, and the columns if only values differ."""
    uri, sums = loaded
    with changed(uri, stream, change):
        assert contents.difference(uri, "copy", sums) == f"the contents differ: {words}"


def test_missing_tables_are_named(loaded: Loaded) -> None:
    """Only the first few differences are named, and the others are counted."""
    uri, sums = loaded
    assert contents.difference(uri, "nothing", sums) == (
        "the contents differ: `feedback_data` is missing; `forums` is missing; `external_accounts` is missing; "
        "and 5 more"
    )
