"""Zendesk: cursors that the last page has, too; exports refuse a start beside a cursor."""

from __future__ import annotations

from datetime import timedelta

from sandbox.vendors.access import Basic
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Order
from sandbox.vendors.paging import Cursors, Size

#: By how much the change that a row shows lies before the one that the API filters by.
LAG = timedelta(days=3)

BY_CURSOR = Cursors(Size("page[size]", 100, 100), "page[after]", "meta.after_cursor", more="meta.has_more", stays=True)
EXPORT = Cursors(Size("per_page", 1000, 1000), "cursor", "after_cursor", last="end_of_stream", stays=True)
SINCE_EPOCH = Bound("start_time", pattern="epoch", is_required=True, cursor="cursor")
CHANGED = Order(default=("changed", False))

VENDOR = Vendor(
    Basic("ada@example.com/token"),
    {
        "zendesk_tickets": Collection(
            "/api/v2/incremental/tickets/cursor.json",
            "tickets",
            EXPORT,
            filters=(SINCE_EPOCH,),
            order=CHANGED,
            times={None: "iso", "generated_timestamp": "epoch"},
        ),
        "zendesk_users": Collection(
            "/api/v2/incremental/users/cursor.json", "users", EXPORT, filters=(SINCE_EPOCH,), order=CHANGED, lag=LAG
        ),
        "zendesk_satisfaction_ratings": Collection(
            "/api/v2/satisfaction_ratings",
            "satisfaction_ratings",
            BY_CURSOR,
            filters=(Bound("start_time", pattern="epoch"),),
            lag=LAG,
        ),
        "zendesk_survey_responses": Collection("/api/v2/guide/survey_responses", "survey_responses", BY_CURSOR),
        "zendesk_ticket_comments": Collection(
            "/api/v2/tickets/{}/comments",
            "comments",
            BY_CURSOR,
            parent="zendesk_tickets",
            left_out=("ticket_id",),
            gone=True,
        ),
        **{
            f"zendesk_{name}": Collection(f"/api/v2/{name}", name, BY_CURSOR)
            for name in ("organizations", "groups", "ticket_fields")
        },
    },
)
