"""What a stream has done so far: as numbers, as a line, and as a row of the summary."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

HEADINGS = ("stream", "rows", "pages", "retries", "waited", "rows with extras", "bookmark", "result")

#: Field names that a line lists.
NAMES_SHOWN = 20


@dataclass
class Progress:
    """The counts of one stream; `waited` in seconds, `totals` if the API reports how many rows it has."""

    stream: str
    rows: int = 0
    pages: int = 0
    retries: int = 0
    waited: float = 0.0
    rows_with_extras: int = 0
    totals: dict[int, int] = field(default_factory=dict)
    bookmark: str = ""
    result: str = "waiting"
    started: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """Rows that the API says it has, 0 where it says nothing; of all time ranges that are asked for apart."""
        return sum(self.totals.values())

    @property
    def line(self) -> str:
        """The counts while it runs, as a person reads them."""
        rate = self.rows / max(time.monotonic() - self.started, 0.001)
        percent = f", {min(100, 100 * self.rows // self.total)} % of {self.total:,}" if self.total else ""
        return f"{one_line(self.stream)}: {self.rows:,} rows in {self.pages:,} pages{percent}, {rate:,.0f} rows/s"

    @property
    def cells(self) -> tuple[str, ...]:
        """The counts at the end, under HEADINGS."""
        waited = f"{self.waited:.1f} s"
        counts = (f"{self.rows:,}", f"{self.pages:,}", f"{self.retries:,}", waited, f"{self.rows_with_extras:,}")
        return (one_line(self.stream), *counts, one_line(self.bookmark), self.result)


def extras(rows: int, unknown: Collection[str], unfitting: Collection[str], replaced: int) -> str:
    """What the records of a stream had that its schema does not say, in a line; empty where there was nothing."""
    parts = [
        f"{rows:,} rows had {len(names):,} {kind}: {_first(names)}"
        for names, kind in ((unknown, "unknown fields"), (unfitting, "fields that did not fit"))
        if names
    ]
    if replaced:
        parts.append(f"{replaced:,} texts had characters that cannot be stored")
    return "; ".join(parts)


def _first(names: Collection[str]) -> str:
    """The names, or the first of them and how many more there are."""
    shown = ", ".join(map(one_line, list(names)[:NAMES_SHOWN]))
    return f"{shown} and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else shown


def summary(streams: Iterable[Progress]) -> str:
    """A table of all streams, a line each under a line of headings; numbers to the right."""
    rows = [HEADINGS, *(progress.cells for progress in streams)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = range(1, 6)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
