"""Aha!: numbered pages with their number, few fields by default, an exclusive filter."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Fields
from sandbox.vendors.paging import Numbered, Size


def aha(path: str, selector: str, *named: str, is_filtered: bool = True, **more: Any) -> Collection:
    """A list of Aha!."""
    return Collection(
        f"/api/v1{path}",
        selector,
        Numbered(Size("per_page", 30, 200), total="pagination.total_pages"),
        filters=(Bound("updated_since", is_exclusive=True),) if is_filtered else (),
        fields=(Fields("fields", named),) if named else (),
        times={None: "iso_ms"},
        **more,
    )


VENDOR = Vendor(
    HeaderKey(),
    {
        "aha_ideas": aha("/ideas", "ideas", "updated_at", "votes", "tags", "categories", "custom_fields", "score"),
        "aha_idea_votes": aha("/ideas/endorsements", "idea_endorsements"),
        "aha_features": aha("/features", "features", "updated_at", "workflow_status", "description", "tags"),
        "aha_products": aha("/products", "products", "updated_at"),
        "aha_users": aha("/users", "users", is_filtered=False),
        "aha_idea_comments": aha(
            "/ideas/{}/idea_comments",
            "idea_comments",
            is_filtered=False,
            parent="aha_ideas",
            left_out=("idea_id",),
            gone=True,
        ),
    },
)
