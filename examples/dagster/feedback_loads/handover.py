"""Handover of a backfill to the regular sync: the place at which each stream continues.

A range of the backfill ends before its `end_date`, and the regular sync starts with the rows of that very moment. So
with the end of the last range as bookmark, no row is missed, and none is read twice. A row that changes during the
backfill moves to the time of its change, which the regular sync reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feedback_loads.ranges import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feedback_loads.ranges import Range
    from feedback_loads.states import StateStore


class BackfillIncompleteError(Exception):
    """Some ranges of a tenant have not been loaded."""


def receipt_name(tenant: str, each: Range) -> str:
    """Return the name of the receipt of a range that is complete."""
    return f"{tenant}/backfill/{each.name}.complete"


def receipt(each: Range, streams: dict[str, str], **figures: Any) -> dict[str, Any]:
    """Return the receipt of a range that is complete.

    Args:
        each: The range.
        streams: The replication key of each stream that was loaded.
        figures: What else is worth knowing.
    """
    return {"start": moment(each.start), "end": moment(each.end), "streams": streams, **figures}


def missing(store: StateStore, tenant: str, ranges: Sequence[Range]) -> list[str]:
    """Return the names of the ranges of a tenant that are not complete."""
    return [each.name for each in ranges if _receipt(store, tenant, each) is None]


def handover(store: StateStore, tenant: str, ranges: Sequence[Range]) -> dict[str, Any]:
    """Return the state with which the regular sync of a tenant begins; empty if there is no backfill.

    A stream has a bookmark if every range has loaded it. The regular sync reads all others from their start.

    Raises:
        BackfillIncompleteError: A range is not complete.
    """
    if not ranges:
        return {}
    receipts = [found for each in ranges if (found := _receipt(store, tenant, each))]
    if len(receipts) < len(ranges):
        names = ", ".join(missing(store, tenant, ranges))
        raise BackfillIncompleteError(f"{tenant}: the backfill lacks {names}; run these partitions first")
    streams: dict[str, str] = dict(receipts[0]["streams"])
    for each in receipts[1:]:
        streams = {name: key for name, key in streams.items() if each["streams"].get(name) == key}
    value = moment(ranges[-1].end)
    return {
        "bookmarks": {
            name: {"replication_key": key, "replication_key_value": value} for name, key in sorted(streams.items())
        }
    }


def _receipt(store: StateStore, tenant: str, each: Range) -> dict[str, Any] | None:
    """Return the receipt of a range; None if it is not complete, or was loaded with another end."""
    found = store.read(receipt_name(tenant, each))
    if found and (found["start"], found["end"]) == (moment(each.start), moment(each.end)):
        return found
    return None
