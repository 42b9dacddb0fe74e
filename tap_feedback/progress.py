"""Progress of a stream: as numbers, as a log line, and as a row of the summary."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

HEADINGS = ("stream", "rows", "total", "pages", "retries", "waited", "rows with extras", "bookmark", "result")
#: The columns that hold numbers.
NUMBERS = range(1, 7)

#: Maximum number of field names in a line.
NAMES_SHOWN = 20
#: Seconds after which a line mentions a wait. Shorter waits for a response are normal.
LONG_WAIT = 5


@dataclass
class Progress:
    """The counts of one stream.

    `rows` and `rows_with_extras` count what was written. `waited` is in seconds. `totals` holds the number of rows that
    the API reports for each chain. `parents` says how many parents of a child are done, and
    `is_resumable` whether the state has the place of a stream that is not complete. `result` is `running` from the
    start of the stream to its end.
    """

    stream: str
    rows: int = 0
    pages: int = 0
    retries: int = 0
    waited: float = 0.0
    rows_with_extras: int = 0
    totals: dict[int, int] = field(default_factory=dict)
    bookmark: str = ""
    parents: str = ""
    is_resumable: bool = False
    result: str = "waiting"
    started: float = field(default_factory=time.monotonic)
    _waits_for: tuple[str, float] | None = field(default=None, init=False)  # and since when

    @contextmanager
    def waiting(self, subject: str) -> Iterator[None]:
        """Show in the line, during the block, what the stream waits for and how long it has waited."""
        self._waits_for = subject, time.monotonic()
        try:
            yield
        finally:
            self._waits_for = None

    @property
    def total(self) -> int:
        """The number of rows that the API reports, for all time ranges together; 0 without a report."""
        return sum(self.totals.values())

    @property
    def line(self) -> str:
        """The counts of a running stream, as a log line."""
        now, waits_for = time.monotonic(), self._waits_for
        rate = self.rows / max(now - self.started, 0.001)
        percent = f", {min(100, 100 * self.rows // self.total)} % of {self.total:,}" if self.total > 0 else ""
        counts = f"{count(self.rows, 'row')} in {count(self.pages, 'page')}{percent}, {rate:,.0f} rows/s"
        if self.parents:
            counts += f", {self.parents}"
        if waits_for and now - waits_for[1] >= LONG_WAIT:
            counts += f", waiting {now - waits_for[1]:,.0f} s for {waits_for[0]}"
        return f"{one_line(self.stream)}: {counts}"

    @property
    def cells(self) -> tuple[str, ...]:
        """The final counts, as a row under HEADINGS."""
        total = f"{self.total:,}" if self.total > 0 else ""
        counts = (f"{self.rows:,}", total, f"{self.pages:,}", f"{self.retries:,}", f"{self.waited:,.1f} s")
        return (one_line(self.stream), *counts, f"{self.rows_with_extras:,}", one_line(self.bookmark), self.result)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 page`, `2 pages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def extras(rows: int, unknown: Collection[str], unfitting: Collection[str], replaced: int) -> str:
    """Return a line about fields beyond the schema of a stream; empty without such fields.

    Args:
        rows: Number of records written with a value in `_extra`.
        unknown: Names of properties that the schema lacks.
        unfitting: Names of properties with a value that did not fit.
        replaced: Number of texts with a replaced character.
    """
    parts = [
        f"{count(rows, 'row')} had {count(len(names), kind)}{rest}: {_first(names)}"
        for names, kind, rest in ((unknown, "unknown field", ""), (unfitting, "field", " that did not fit"))
        if names and rows
    ]
    if replaced:
        parts.append(f"{count(replaced, 'text')} had characters that cannot be stored")
    return "; ".join(parts)


def _first(names: Collection[str]) -> str:
    """Return the names, or the first of them and the number of the others."""
    shown = ", ".join(map(one_line, list(names)[:NAMES_SHOWN]))
    return f"{shown} and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else shown


def summary(streams: Iterable[Progress]) -> str:
    """Return a table with a line of headings and a line for each stream. Numbers are right-aligned."""
    rows = [HEADINGS, *(progress.cells for progress in streams)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place in NUMBERS else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
