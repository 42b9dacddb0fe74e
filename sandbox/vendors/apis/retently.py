"""Retently: numbered pages with their number, newest first by default."""

from __future__ import annotations

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Order
from sandbox.vendors.paging import Numbered, Size


def retently(name: str, selector: str, total: str = "data.pages") -> Collection:
    """A list of Retently."""
    return Collection(
        f"/api/v2/{name}",
        selector,
        Numbered(Size("limit", 20, 1000), total=total),
        filters=(Bound("startDate", by="created"),),
        order=Order(("sort",), {("createdDate",): ("created", False)}, ("created", True)),
        times={None: "iso_ms"},
    )


VENDOR = Vendor(
    HeaderKey("X-Api-Key", ""),
    {
        "retently_feedback": retently("feedback", "data.responses"),
        "retently_customers": retently("customers", "data.subscribers", "pages"),
        "retently_companies": retently("companies", "data.companies"),
        "retently_campaigns": Collection("/api/v2/campaigns", "campaigns", times={None: "iso_ms"}),
    },
)
