"""HubSpot: few properties by default, archived records apart."""

from __future__ import annotations

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Fields, Kinds
from sandbox.vendors.paging import Cursors, Size


def hubspot(name: str, *properties: str) -> Collection:
    """A list of HubSpot."""
    values = {name: f"{name}, größer" for name in properties}
    return Collection(
        f"/crm/v3/objects/{name}",
        "results",
        Cursors(Size("limit", 10, 100), "after", "paging.next.after"),
        filters=(Kinds("archived", {None: ("current",), "false": ("current",), "true": ("archived",)}),),
        kinds=("current", "archived"),
        fields=(Fields("properties", properties, within="properties"),),
        times={None: "iso_ms"},
        objects={"properties": {**values, "hs_object_id": "1"}},
    )


VENDOR = Vendor(
    HeaderKey(),
    {
        "hubspot_tickets": hubspot("tickets", "subject", "content", "hs_ticket_priority", "hs_pipeline_stage"),
        "hubspot_feedback_submissions": hubspot(
            "feedback_submissions", "hs_survey_name", "hs_value", "hs_content", "hs_response_group", "hs_sentiment"
        ),
        "hubspot_contacts": hubspot("contacts", "email", "firstname", "lastname", "company", "lifecyclestage"),
        "hubspot_companies": hubspot("companies", "name", "domain", "industry", "country"),
    },
)
