"""Comparison of the warehouse with the vendor."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg2
from psycopg2.sql import SQL, Identifier

if TYPE_CHECKING:
    from trial.vendor import Vendor

#: The streams with ranges, and one without.
STREAMS = ("external_accounts", "external_users", "features", "feedback_records", "forums", "suggestions")
SNAPSHOT = "feedback_data"


class Comparison(NamedTuple):
    """Numbers of rows: at the vendor, in the warehouse, and those that only one of them has or has more often."""

    at_the_vendor: int
    loaded: int
    missing: int
    surplus: int


def compare(database: str, apis: Vendor, schema: str, *, before: datetime | None = None) -> Comparison:
    """Compare the rows of all tenants, by key and time of the last change.

    Args:
        database: URI of the warehouse.
        apis: The vendor.
        schema: Beginning of the names of the schemas.
        before: Compare only rows of streams with ranges that were last changed before this; None for all rows.
    """
    expected: Counter[Any] = Counter()
    found: Counter[Any] = Counter()
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        for tenant, sandbox in apis.items():
            for stream in STREAMS if before else (*STREAMS, SNAPSHOT):
                column = "timestamp" if stream == SNAPSHOT else "updated_at"
                expected.update(
                    (tenant, stream, row["id"], at)
                    for row in sandbox.rows(stream)
                    if (at := _instant(row[column])) and (not before or at < before)
                )
                table = Identifier(f"{schema}_{tenant}", stream)
                cursor.execute(SQL("SELECT id, {} FROM {}").format(Identifier(column), table))
                found.update((tenant, stream, key, at.replace(tzinfo=timezone.utc)) for key, at in cursor)
    return Comparison(expected.total(), found.total(), (expected - found).total(), (found - expected).total())


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
