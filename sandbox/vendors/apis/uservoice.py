"""UserVoice: a cursor, and a filter by the last update."""

from __future__ import annotations

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound
from sandbox.vendors.paging import Cursors, Size

USERVOICE_STREAMS = (
    "forums external_accounts external_users features feedback_records suggestions comments notes supporters "
    "nps_ratings users status_updates labels statuses"
)


def uservoice(name: str) -> Collection:
    """A list of UserVoice."""
    return Collection(
        f"/api/v2/admin/{name}",
        name,
        Cursors(Size("per_page", 20, 100), "cursor", "pagination.cursor"),
        filters=(Bound("updated_after"), Bound("updated_before", is_end=True, is_exclusive=True)),
    )


VENDOR = Vendor(HeaderKey(), {name: uservoice(name) for name in USERVOICE_STREAMS.split()})
