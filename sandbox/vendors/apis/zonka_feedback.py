"""Zonka Feedback: numbered pages with nothing beside the rows, which are in different places."""

from __future__ import annotations

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.paging import Numbered, Size


def zonka(name: str, selector: str) -> Collection:
    """A list of Zonka Feedback."""
    return Collection(f"/{name}", selector, Numbered(Size("limit", 25, 100)), times={None: "iso_ms"})


VENDOR = Vendor(
    HeaderKey("Z-API-TOKEN", ""),
    {
        "zonka_feedback_responses": zonka("responses", "$"),
        "zonka_feedback_surveys": zonka("surveys", "result"),
        "zonka_feedback_contacts": zonka("contacts", "data.list"),
        "zonka_feedback_tasks": zonka("tasks", "tasks"),
        "zonka_feedback_users": zonka("users", "$"),
        "zonka_feedback_locations": zonka("locations", "result"),
    },
)
