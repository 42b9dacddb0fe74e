"""Productboard: URLs of next pages, archived notes apart, all kinds of entities at one address."""

from __future__ import annotations

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Kinds, Order, Required
from sandbox.vendors.paging import Links, Size

PRODUCTBOARD_PAGES = Links(Size(None, 100, 100), "links.next", param="pageCursor")


def entities(kind: str) -> Collection:
    """A list of entities of one kind."""
    return Collection(
        "/v2/entities",
        "data",
        PRODUCTBOARD_PAGES,
        when={"type[]": kind},
        times={None: "iso_us"},
        filters=(Required({"type[]": kind}),),
    )


VENDOR = Vendor(
    HeaderKey(),
    {
        "productboard_notes": Collection(
            "/v2/notes",
            "data",
            PRODUCTBOARD_PAGES,
            filters=(
                Kinds("archived", {None: ("current",), "false": ("current",), "true": ("archived",)}),
                Bound("updatedFrom"),
                Bound("updatedTo", is_end=True),
            ),
            kinds=("current", "archived"),
            order=Order(default=("created", True)),
            times={None: "iso_us"},
        ),
        "productboard_features": entities("feature"),
        "productboard_subfeatures": entities("subfeature"),
        "productboard_components": entities("component"),
        "productboard_products": entities("product"),
        "productboard_companies": entities("company"),
        "productboard_users": entities("user"),
        "productboard_objectives": entities("objective"),
        "productboard_initiatives": entities("initiative"),
        "productboard_releases": entities("release"),
    },
)
