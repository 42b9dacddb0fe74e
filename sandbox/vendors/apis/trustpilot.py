"""Trustpilot: the business unit is part of the path; numbered pages with nothing beside the rows."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Order
from sandbox.vendors.paging import Numbered, Size

UNIT = "46d6a890000064000500e0c3"


def trustpilot(path: str, selector: str, **more: Any) -> Collection:
    """A list of Trustpilot."""
    return Collection(f"/v1{path}", selector, Numbered(Size("perPage", 20, 100)), times={None: "iso"}, **more)


VENDOR = Vendor(
    HeaderKey("apikey", ""),
    {
        "trustpilot_service_reviews": trustpilot(
            f"/business-units/{UNIT}/reviews",
            "reviews",
            order=Order(("orderBy",), {("createdat.asc",): ("created", False)}, ("created", True)),
        ),
        "trustpilot_product_reviews": trustpilot(f"/product-reviews/business-units/{UNIT}/reviews", "productReviews"),
        "trustpilot_business_unit": Collection(f"/v1/business-units/{UNIT}", "$", is_object=True),
    },
    settings={"variables": {"business_unit_id": UNIT}},
    rows={"trustpilot_business_unit": 1},
)
