"""Featurebase: cursors, a header with the version, 403 for a wrong key; private comments and leads are hidden."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Kinds, Order
from sandbox.vendors.paging import Cursors, Size


def featurebase(path: str, sort: tuple[str, ...] = (), **more: Any) -> Collection:
    """A list of Featurebase."""
    names = ("sortBy", "sortOrder")[: len(sort)]
    return Collection(
        f"/v2{path}",
        "data",
        Cursors(Size("limit", 10, 100), "cursor", "nextCursor"),
        order=Order(names, {sort: ("created", False)}, ("created", True)) if sort else Order(),
        times={None: "iso_ms"},
        **more,
    )


VENDOR = Vendor(
    HeaderKey(status=403),
    {
        "featurebase_posts": featurebase("/posts", ("createdAt", "asc")),
        "featurebase_comments": featurebase(
            "/comments",
            ("old",),
            kinds=("public", "private"),
            filters=(Kinds("privacy", {None: ("public",), "all": ("public", "private")}),),
        ),
        "featurebase_changelogs": featurebase("/changelogs", ("date", "asc")),
        "featurebase_boards": Collection("/v2/boards", "$", times={None: "iso_ms"}),
        "featurebase_post_statuses": Collection("/v2/post_statuses", "$", times={None: "iso_ms"}),
        "featurebase_companies": featurebase("/companies"),
        "featurebase_contacts": featurebase(
            "/contacts",
            kinds=("customer", "lead"),
            filters=(Kinds("contactType", {None: ("customer",), "all": ("customer", "lead")}),),
        ),
        "featurebase_conversations": featurebase("/conversations"),
        "featurebase_tickets": featurebase("/tickets", ("ticketNumber", "asc")),
        "featurebase_post_voters": featurebase(
            "/posts/{}/voters", parent="featurebase_posts", left_out=("post_id",), gone=True
        ),
    },
    headers={"Featurebase-Version": "2026-01-01.nova"},
)
