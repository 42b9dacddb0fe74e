"""Intercom: searches by POST, cursors in the body, a header with the version."""

from __future__ import annotations

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Order, Search
from sandbox.vendors.paging import Cursors, Size


def search(name: str, selector: str, *, by_day: bool = False) -> Collection:
    """A search of Intercom."""
    return Collection(
        f"/{name}/search",
        selector,
        Cursors(Size("pagination.per_page", 20, 150), "pagination.starting_after", "pages.next.starting_after"),
        method="POST",
        filters=(Search(by_day=by_day),),
        order=Order(("sort.field", "sort.order"), {("updated_at", "ascending"): ("changed", False)}, ("changed", True)),
        times={None: "epoch"},
    )


VENDOR = Vendor(
    HeaderKey(),
    {
        "intercom_conversations": search("conversations", "conversations"),
        "intercom_contacts": search("contacts", "data", by_day=True),
        "intercom_tickets": search("tickets", "tickets"),
        "intercom_admins": Collection("/admins", "admins", times={None: "epoch"}),
        "intercom_teams": Collection("/teams", "teams", times={None: "epoch"}),
        "intercom_tags": Collection("/tags", "data", times={None: "epoch"}),
        "intercom_conversation_parts": Collection(
            "/conversations/{}",
            "conversation_parts.conversation_parts",
            parent="intercom_conversations",
            left_out=("conversation_id",),
            gone=True,
            times={None: "epoch"},
        ),
    },
    headers={"Intercom-Version": "2.13"},
)
