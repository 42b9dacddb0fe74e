"""Frill: cursors that the last page has, too; comments of one idea at a time."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Kinds, Required
from sandbox.vendors.paging import Cursors, Size


def frill(name: str, **more: Any) -> Collection:
    """A list of Frill."""
    shape = Cursors(Size("limit", 20, 100), "after", "pagination.endCursor", more="pagination.hasNextPage", stays=True)
    return Collection(f"/v1/{name}", "data", shape, times={None: "iso_us"}, **more)


VENDOR = Vendor(
    HeaderKey(),
    {
        "frill_comments": frill(
            "comments",
            parent="frill_ideas",
            parent_param="idea_idx",
            left_out=("idea_idx",),
            filters=(
                Required({"idea_idx": ""}),
                Kinds("included_types", {None: ("comment",), "comments,notes": ("comment", "note")}),
            ),
            kinds=("comment", "note"),
        ),
        **{
            f"frill_{name}": frill(name)
            for name in ("ideas", "votes", "followers", "statuses", "topics", "announcements")
        },
    },
)
