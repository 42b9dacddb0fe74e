"""Canny: everything in the body of a POST, the key, too; errors with the status 200."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import BodyKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Order
from sandbox.vendors.paging import Cursors, Offsets, Size


def canny(name: str, selector: str, **more: Any) -> Collection:
    """A list of Canny's first version."""
    shape = Offsets(Size("limit", 10, 100), "skip", more="hasMore")
    return Collection(
        f"/api/v1/{name}/list",
        selector,
        **{"shape": shape, "method": "POST", "times": {None: "iso_ms"}, **more},
    )


def canny2(name: str, selector: str) -> Collection:
    """A list of Canny's second version."""
    shape = Cursors(Size("limit", 10, 100), "cursor", "cursor", more="hasNextPage")
    return Collection(f"/api/v2/{name}/list", selector, shape, method="POST", times={None: "iso_ms"})


VENDOR = Vendor(
    BodyKey("apiKey"),
    {
        "canny_posts": canny(
            "posts", "posts", order=Order(("sort",), {("oldest",): ("created", False)}, ("created", True))
        ),
        "canny_comments": canny2("comments", "items"),
        "canny_votes": canny("votes", "votes"),
        "canny_users": canny2("users", "items"),
        "canny_companies": canny2("companies", "companies"),
        "canny_boards": Collection("/api/v1/boards/list", "boards", method="POST", times={None: "iso_ms"}),
        "canny_categories": canny("categories", "categories"),
        "canny_tags": canny("tags", "tags"),
        "canny_status_changes": canny("status_changes", "statusChanges"),
        "canny_changelog_entries": canny("entries", "entries"),
    },
)
