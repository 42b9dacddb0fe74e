"""Front: URLs of next pages, epochs with a fraction, lists that take no parameters."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Order
from sandbox.vendors.paging import Links, Size


def front(path: str, *, sort: str | None = None, size: str | None = "limit", **more: Any) -> Collection:
    """A list of Front."""
    order = Order(("sort_by", "sort_order"), {(sort, "asc"): ("created", False)}, ("created", True))
    return Collection(
        path,
        "_results",
        Links(Size(size, 50, 100 if size else 50), "_pagination.next", param="page_token"),
        order=order if sort else Order(),
        times={None: "epoch_fraction"},
        **more,
    )


VENDOR = Vendor(
    HeaderKey(),
    {
        "front_conversations": front("/conversations", sort="date"),
        "front_contacts": front("/contacts", sort="created_at"),
        "front_accounts": front("/accounts", sort="created_at"),
        "front_inboxes": front("/inboxes", size=None),
        "front_tags": front("/tags", sort="id"),
        "front_teammates": front("/teammates", size=None),
        "front_messages": front(
            "/conversations/{}/messages",
            sort="created_at",
            parent="front_conversations",
            left_out=("conversation_id",),
            gone=True,
        ),
        "front_comments": front(
            "/conversations/{}/comments", size=None, parent="front_conversations", left_out=("conversation_id",)
        ),
    },
)
