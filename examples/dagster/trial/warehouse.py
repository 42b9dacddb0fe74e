"""Comparison of the warehouse with the vendor."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg2
from psycopg2.sql import SQL, Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trial.vendor import Vendor

SNAPSHOT = "feedback_data"
STREAMS = ("external_accounts", "external_users", "features", "feedback_records", "forums", "suggestions", SNAPSHOT)


class Comparison(NamedTuple):
    """Numbers of rows: at the vendor, in the warehouse, and those that only one of them has or has more often."""

    at_the_vendor: int
    loaded: int
    missing: int
    surplus: int


def compare(database: str, apis: Vendor, schema: str) -> Comparison:
    """Compare all rows of all tenants, by key and time of the last change."""
    expected: Counter[Any] = Counter()
    found: Counter[Any] = Counter()
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        for tenant, sandbox in apis.items():
            for stream in STREAMS:
                column = "timestamp" if stream == SNAPSHOT else "updated_at"
                expected.update((tenant, stream, row["id"], _instant(row[column])) for row in sandbox.rows(stream))
                table = Identifier(f"{schema}_{tenant}", stream)
                cursor.execute(SQL("SELECT id, {} FROM {}").format(Identifier(column), table))
                found.update((tenant, stream, key, at.replace(tzinfo=timezone.utc)) for key, at in cursor)
    return Comparison(expected.total(), found.total(), _count(expected - found), _count(found - expected))


def _count(rows: Counter[Any]) -> int:
    return rows.total()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def rows_of(receipts: Iterable[dict[str, Any]]) -> int:
    """Return how many rows the last attempts have read."""
    return sum(each["rows"] for each in receipts)
