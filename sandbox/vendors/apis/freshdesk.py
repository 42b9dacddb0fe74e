"""Freshdesk: numbered pages without a total, the last 30 days by default, deleted tickets and spam apart."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import Basic
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Fields, Kinds, Order
from sandbox.vendors.paging import Numbered, Size


def fresh(path: str, **more: Any) -> Collection:
    """A list of Freshdesk."""
    return Collection(f"/api/v2{path}", "$", **{"shape": Numbered(Size("per_page", 30, 100)), **more})


VENDOR = Vendor(
    Basic(),
    {
        "freshdesk_tickets": fresh(
            "/tickets",
            shape=Numbered(Size("per_page", 30, 100), cap=300),
            filters=(
                Kinds("filter", {None: ("open",), "deleted": ("deleted",), "spam": ("spam",)}),
                Bound("updated_since", days=30),
            ),
            kinds=("open", "deleted", "spam"),
            order=Order(
                ("order_by", "order_type"),
                {("updated_at", "asc"): ("changed", False), ("created_at", "asc"): ("created", False)},
                ("created", True),
            ),
            fields=(Fields("include", ("description", "requester", "stats")),),
        ),
        "freshdesk_satisfaction_ratings": fresh(
            "/surveys/satisfaction_ratings", filters=(Bound("created_since", by="created", days=30),)
        ),
        "freshdesk_contacts": fresh("/contacts", filters=(Bound("_updated_since"),)),
        "freshdesk_conversations": fresh(
            "/tickets/{}/conversations", parent="freshdesk_tickets", left_out=("ticket_id",), gone=True
        ),
        **{f"freshdesk_{name}": fresh(f"/{name}") for name in ("companies", "agents", "groups")},
    },
)
