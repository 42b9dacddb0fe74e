"""target-postgres that keeps every digit of a number in COPY, and stores its rows and the state every minute.

With `use_copy`, target-postgres converts values by SQLAlchemy's generic types, which make a float of a number. INSERT
uses the types of the PostgreSQL driver, which leave a number as it is. This target uses those for COPY, too.

It takes a fifth less CPU time, too: Python's garbage collector would visit all collected rows again and again, although
rows form no reference cycles.

Targets of the SDK store what they have collected, and pass on the state, every five minutes. If such a load is killed,
the next one reads up to five minutes again.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from target_postgres.sinks import PostgresSink
from target_postgres.target import TargetPostgres

if TYPE_CHECKING:
    from sqlalchemy import Column


#: Number of new objects after which Python collects garbage; 700 by default.
OBJECTS_BETWEEN_COLLECTIONS = 100_000


class ExactSink(PostgresSink):
    """The sink of target-postgres, with the types of the driver."""

    def column_representation(self, schema: dict[str, Any]) -> list[Column[Any]]:
        """Return the columns of a table."""
        columns: list[Column[Any]] = super().column_representation(schema)
        for column in columns:
            column.type = column.type.dialect_impl(self.connector._engine.dialect)  # noqa: SLF001 - there is no other way
        return columns


class ExactTarget(TargetPostgres):
    """The target of target-postgres, with that sink."""

    default_sink_class = ExactSink
    _MAX_RECORD_AGE_IN_MINUTES = 1


def main() -> None:
    """Run the command, with few garbage collections."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 50, 100)
    ExactTarget.cli()
