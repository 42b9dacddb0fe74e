"""Typeform: forms with responses; the last row is the cursor, beside which no order may be named."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Order
from sandbox.vendors.paging import LastRow, Numbered, Size

RESPONSES = LastRow(Size("page_size", 25, 1000), "after", "before", alone=("sort",))
SUBMITTED = Order(("sort",), {("submitted_at,asc",): ("created", False)}, ("created", True))


def responses(**more: Any) -> Collection:
    """Responses to the forms of Typeform."""
    return Collection(
        "/forms/{}/responses",
        "items",
        RESPONSES,
        parent="typeform_forms",
        left_out=("form_id",),
        order=SUBMITTED,
        **more,
    )


VENDOR = Vendor(
    HeaderKey(),
    {
        "typeform_forms": Collection(
            "/forms",
            "items",
            Numbered(Size("page_size", 10, 200), total="page_count"),
            order=Order(("sort_by", "order_by"), {("created_at", "asc"): ("created", False)}, ("changed", True)),
        ),
        "typeform_partial_responses": responses(when={"response_type": "partial,started"}),
        "typeform_responses": responses(
            filters=(Bound("since", by="created"),),
        ),
        "typeform_form_details": Collection("/forms/{}", "$", is_object=True, parent="typeform_forms", gone=True),
    },
)
