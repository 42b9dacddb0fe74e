"""Gorgias: cursors, newest first by default, times without a zone."""

from __future__ import annotations

from sandbox.vendors.access import Basic
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Order
from sandbox.vendors.paging import Cursors, Size


def gorgias(path: str) -> Collection:
    """A list of Gorgias."""
    return Collection(
        f"/api{path}",
        "data",
        Cursors(Size("limit", 30, 100), "cursor", "meta.next_cursor"),
        order=Order(("order_by",), {("created_datetime:asc",): ("created", False)}, ("changed", True)),
        times={None: "no_zone"},
    )


VENDOR = Vendor(
    Basic("ada@example.com"),
    {
        f"gorgias_{name}": gorgias(f"/{name.replace('_', '-')}")
        for name in ("tickets", "messages", "satisfaction_surveys", "customers", "tags", "users")
    },
)
