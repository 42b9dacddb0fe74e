"""Connection test of a stream: what its first pages prove, as `--test` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_feedback.output import Output
from tap_feedback.progress import count
from tap_feedback.samples import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_feedback.client import FeedbackStream
    from tap_feedback.paging import Paging

#: Number of pages with rows that prove the paging.
PAGES = 2
#: Number of time windows in which to look for rows.
WINDOWS = 3


def prove(stream: FeedbackStream) -> str:
    """Read the first two pages with rows, without writing them, and return what they prove.

    If the range is read in windows, both pages are of one window, the latest with rows: a page of another window would
    not prove the paging.
    """
    output, replication = Output(stream), stream.replication
    windows = [window for group in stream.time_range.windows() for window in group]
    if replication is None:
        windows = windows[:1]  # what comes behind it has only what changes during a sync
    ranges = [stream.time_range.bounds(window) for window in reversed(windows)]
    test = ConnectionTest(stream.declaration.paginator, stream.primary_keys, replication.key if replication else None)
    for pages in samples(stream, ranges[:WINDOWS], stream.passes[:1]):
        for page in pages:
            records = output.conform(stream.post_processed(page) if stream.post_processes else page)
            if replication is not None:
                replication.filter(records)
            test.add(records)
            output.try_maps(records)
            if test.is_enough:
                break
        if test.pages:
            break
    return test.line(stream.progress.total)


class ConnectionTest:
    """The rows seen of one stream.

    Args:
        paging: The settings of the paginator.
        primary_keys: Properties that identify a record.
        replication_key: Property that says when a record changed; None in a full-table sync.
    """

    def __init__(self, paging: Paging, primary_keys: Sequence[str], replication_key: str | None) -> None:
        self.pages = 0
        self._paging = paging
        self._primary_keys = primary_keys
        self._replication_key = replication_key
        self._rows = 0
        self._dated = 0
        self._identities: set[str] = set()

    def add(self, records: Iterable[dict[str, Any]]) -> None:
        """Add the records of a page. An empty page proves nothing."""
        before = self._rows
        for record in records:
            self._rows += 1
            self._dated += record.get(self._replication_key or "") is not None
            self._identities.add(repr([record[key] for key in self._primary_keys]))
        self.pages += self._rows > before

    @property
    def is_enough(self) -> bool:
        """Whether the pages prove the paging."""
        return self.pages >= PAGES

    def line(self, total: int) -> str:
        """Return what is proven. `total` is the number of rows that the API reports, or 0."""
        if not self._rows:
            return "no rows, so neither the key nor the paging is proven"
        facts = [
            f"{count(self._rows, 'row')} in {count(self.pages, 'page')}",
            self._key,
            self._change,
            self._next,
            f"{total:,} in total" if total > 0 else self._no_total,
        ]
        return ", ".join(filter(None, facts))

    @property
    def _key(self) -> str:
        names = ", ".join(f"`{key}`" for key in self._primary_keys)
        shared = "" if len(self._identities) == self._rows else " (but several rows share it)"
        return f"key {names}{shared}"

    @property
    def _change(self) -> str:
        if self._replication_key is None:
            return ""
        if self._dated == self._rows:
            return f"replication key `{self._replication_key}`"
        return f"replication key `{self._replication_key}` in {self._dated:,} of them"

    @property
    def _next(self) -> str:
        found, missing = self._paging.proof
        return found if self.is_enough else missing

    @property
    def _no_total(self) -> str:
        path = None if self._paging.counts_pages else self._paging.total_path
        return f"but no total at `{path}` (`paginator.total_path`)" if path else ""
