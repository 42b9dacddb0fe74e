"""target-postgres that keeps every digit of a number in COPY.

With `use_copy`, target-postgres converts values by SQLAlchemy's generic types, which make a float of a number. INSERT
uses the types of the PostgreSQL driver, which leave a number as it is. This target uses those for COPY, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_postgres.sinks import PostgresSink
from target_postgres.target import TargetPostgres

if TYPE_CHECKING:
    from sqlalchemy import Column


class ExactSink(PostgresSink):
    """The sink of target-postgres, with the types of the driver."""

    def column_representation(self, schema: dict[str, Any]) -> list[Column[Any]]:
        """Return the columns of a table."""
        columns: list[Column[Any]] = super().column_representation(schema)
        for column in columns:
            column.type = column.type.dialect_impl(self.connector._engine.dialect)  # noqa: SLF001 - there is no other way
        return columns


class ExactTarget(TargetPostgres):
    """The target of target-postgres, with another sink."""

    default_sink_class = ExactSink
