"""The regular sync begins at the end of the backfill."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from feedback_loads.handover import BackfillIncompleteError, handover, missing, receipt, receipt_name
from feedback_loads.ranges import Range, ranges
from feedback_loads.states import FolderStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RANGES = tuple(ranges(date(2023, 1, 1), date(2023, 10, 1), 3))


def store_with(folder: Path, complete: Sequence[Range], *streams: str) -> FolderStore:
    """A storage with receipts of ranges with these streams."""
    store = FolderStore(folder)
    for each in complete:
        store.write(receipt_name("acme", each), receipt(each, dict.fromkeys(streams, "updated_at"), rows=1))
    return store


def test_a_complete_backfill(tmp_path: Path) -> None:
    """The end of the last range, at which no range has rows, is the bookmark of each stream."""
    bookmark = {"replication_key": "updated_at", "replication_key_value": "2023-10-01T00:00:00Z"}
    store = store_with(tmp_path, RANGES, "forums", "features")
    assert handover(store, "acme", RANGES) == {"bookmarks": {"features": bookmark, "forums": bookmark}}


def test_a_range_that_is_left(tmp_path: Path) -> None:
    """While a range is left, there is no state; the message names the range. Other tenants do not count."""
    store = store_with(tmp_path, [RANGES[0], RANGES[2]], "forums")
    with pytest.raises(BackfillIncompleteError, match="acme: the backfill lacks 2023-04;"):
        handover(store, "acme", RANGES)
    assert missing(store, "globex", RANGES) == ["2023-01", "2023-04", "2023-07"]


def test_a_stream_that_a_range_lacks(tmp_path: Path) -> None:
    """A stream that was added between two ranges is read from its start."""
    store = store_with(tmp_path, RANGES, "forums", "features")
    store_with(tmp_path, RANGES[:1], "forums")
    assert handover(store, "acme", RANGES)["bookmarks"].keys() == {"forums"}


def test_ranges_that_have_changed(tmp_path: Path) -> None:
    """A receipt counts for the very range that was loaded, not for one that now has its name."""
    store = store_with(tmp_path, RANGES, "forums")
    longer = tuple(ranges(date(2023, 1, 1), date(2024, 1, 1), 6))
    assert missing(store, "acme", longer) == ["2023-01", "2023-07"]


def test_no_backfill(tmp_path: Path) -> None:
    """Without a backfill the regular sync reads everything."""
    assert handover(FolderStore(tmp_path), "acme", ()) == {}
