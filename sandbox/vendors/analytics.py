"""APIs of vendors for product feedback, as data."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import BodyKey, HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Fields, Kinds, Order, Required
from sandbox.vendors.paging import Cursors, Links, Numbered, Offsets, Size

# UserVoice: a cursor, and a filter by the last update.

USERVOICE_STREAMS = (
    "forums external_accounts external_users features feedback_records suggestions comments notes supporters "
    "nps_ratings users status_updates labels statuses"
)


def uservoice(name: str) -> Collection:
    """A list of UserVoice."""
    return Collection(
        f"/api/v2/admin/{name}",
        name,
        Cursors(Size("per_page", 20, 100), "cursor", "pagination.cursor"),
        filters=(Bound("updated_after"), Bound("updated_before", is_end=True, is_exclusive=True)),
    )


USERVOICE = Vendor(HeaderKey(), {name: uservoice(name) for name in USERVOICE_STREAMS.split()})


# Productboard: URLs of next pages, archived notes apart, all kinds of entities at one address.

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


PRODUCTBOARD = Vendor(
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


# Aha!: numbered pages with their number, few fields by default, an exclusive filter.


def aha(path: str, selector: str, *named: str, is_filtered: bool = True, **more: Any) -> Collection:
    """A list of Aha!."""
    return Collection(
        f"/api/v1{path}",
        selector,
        Numbered(Size("per_page", 30, 200), total="pagination.total_pages"),
        filters=(Bound("updated_since", is_exclusive=True),) if is_filtered else (),
        fields=(Fields("fields", named),) if named else (),
        times={None: "iso_ms"},
        **more,
    )


AHA = Vendor(
    HeaderKey(),
    {
        "aha_ideas": aha("/ideas", "ideas", "updated_at", "votes", "tags", "categories", "custom_fields", "score"),
        "aha_idea_votes": aha("/ideas/endorsements", "idea_endorsements"),
        "aha_features": aha("/features", "features", "updated_at", "workflow_status", "description", "tags"),
        "aha_products": aha("/products", "products", "updated_at"),
        "aha_users": aha("/users", "users", is_filtered=False),
        "aha_idea_comments": aha(
            "/ideas/{}/idea_comments",
            "idea_comments",
            is_filtered=False,
            parent="aha_ideas",
            left_out=("idea_id",),
            gone=True,
        ),
    },
)


# Canny: everything in the body of a POST, the key, too; errors with the status 200.


def canny(name: str, selector: str, **more: Any) -> Collection:
    """A list of Canny's first version."""
    shape = Offsets(Size("limit", 10, 100), "skip", more="hasMore")
    return Collection(
        f"/api/v1/{name}/list",
        selector,
        **{"shape": shape, "method": "POST", "times": {None: "iso_ms"}, **more},
    )


def canny2(name: str, selector: str) -> Collection:
    """A list of Canny's second version."""
    shape = Cursors(Size("limit", 10, 100), "cursor", "cursor", more="hasNextPage")
    return Collection(f"/api/v2/{name}/list", selector, shape, method="POST", times={None: "iso_ms"})


CANNY = Vendor(
    BodyKey("apiKey"),
    {
        "canny_posts": canny(
            "posts", "posts", order=Order(("sort",), {("oldest",): ("created", False)}, ("created", True))
        ),
        "canny_comments": canny2("comments", "items"),
        "canny_votes": canny("votes", "votes"),
        "canny_users": canny2("users", "items"),
        "canny_companies": canny2("companies", "companies"),
        "canny_boards": Collection("/api/v1/boards/list", "boards", method="POST", times={None: "iso_ms"}),
        "canny_categories": canny("categories", "categories"),
        "canny_tags": canny("tags", "tags"),
        "canny_status_changes": canny("status_changes", "statusChanges"),
        "canny_changelog_entries": canny("entries", "entries"),
    },
)


# Featurebase: cursors, a header with the version, 403 for a wrong key; private comments and leads are hidden.


def featurebase(path: str, sort: tuple[str, ...] = (), **more: Any) -> Collection:
    """A list of Featurebase."""
    names = ("sortBy", "sortOrder")[: len(sort)]
    return Collection(
        f"/v2{path}",
        "data",
        Cursors(Size("limit", 10, 100), "cursor", "nextCursor"),
        order=Order(names, {sort: ("created", False)}, ("created", True)) if sort else Order(),
        times={None: "iso_ms"},
        **more,
    )


FEATUREBASE = Vendor(
    HeaderKey(status=403),
    {
        "featurebase_posts": featurebase("/posts", ("createdAt", "asc")),
        "featurebase_comments": featurebase(
            "/comments",
            ("old",),
            kinds=("public", "private"),
            filters=(Kinds("privacy", {None: ("public",), "all": ("public", "private")}),),
        ),
        "featurebase_changelogs": featurebase("/changelogs", ("date", "asc")),
        "featurebase_boards": Collection("/v2/boards", "$", times={None: "iso_ms"}),
        "featurebase_post_statuses": Collection("/v2/post_statuses", "$", times={None: "iso_ms"}),
        "featurebase_companies": featurebase("/companies"),
        "featurebase_contacts": featurebase(
            "/contacts",
            kinds=("customer", "lead"),
            filters=(Kinds("contactType", {None: ("customer",), "all": ("customer", "lead")}),),
        ),
        "featurebase_conversations": featurebase("/conversations"),
        "featurebase_tickets": featurebase("/tickets", ("ticketNumber", "asc")),
        "featurebase_post_voters": featurebase(
            "/posts/{}/voters", parent="featurebase_posts", left_out=("post_id",), gone=True
        ),
    },
    headers={"Featurebase-Version": "2026-01-01.nova"},
)


# Frill: cursors that the last page has, too; comments of one idea at a time.


def frill(name: str, **more: Any) -> Collection:
    """A list of Frill."""
    shape = Cursors(Size("limit", 20, 100), "after", "pagination.endCursor", more="pagination.hasNextPage", stays=True)
    return Collection(f"/v1/{name}", "data", shape, times={None: "iso_us"}, **more)


FRILL = Vendor(
    HeaderKey(),
    {
        "frill_comments": frill(
            "comments",
            parent="frill_ideas",
            parent_param="idea_idx",
            left_out=("idea_idx",),
            filters=(
                Required({"idea_idx": ""}),
                Kinds("included_types", {None: ("comment",), "comments,notes": ("comment", "note")}),
            ),
            kinds=("comment", "note"),
        ),
        **{
            f"frill_{name}": frill(name)
            for name in ("ideas", "votes", "followers", "statuses", "topics", "announcements")
        },
    },
)

ANALYTICS = {
    "uservoice": USERVOICE,
    "productboard": PRODUCTBOARD,
    "aha": AHA,
    "canny": CANNY,
    "featurebase": FEATUREBASE,
    "frill": FRILL,
}
