"""Help Scout: HAL, pages of fixed sizes, nothing embedded in an empty list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.vendors.access import Credentials
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Fields, Kinds, Order
from sandbox.vendors.paging import Links, Numbered, Size

#: By how much the change that a row shows lies before the one that the API filters by.
LAG = timedelta(days=3)

HAL = {"times": {None: "iso"}, "absent": "_embedded"}
BY_CREATION = Order(
    ("sortField", "sortOrder"),
    {
        (name, direction): (by, direction == "desc")  # type: ignore[misc]  # each is one of the two
        for name, by in (("createdAt", "created"), ("modifiedAt", "changed"))
        for direction in ("asc", "desc")
    },
    default=("created", True),
)


def hal(path: str, name: str, *, size: int = 50, **more: Any) -> Collection:
    """A list of Help Scout."""
    shape = Links(Size(None, size, size), "_links.next.href", total="page.totalElements", pages="page.totalPages")
    return Collection(f"/v2{path}", f"_embedded.{name}", shape, **{**HAL, **more})


VENDOR = Vendor(
    Credentials("/v2/oauth2/token", requests=20),
    {
        "help_scout_conversations": hal(
            "/conversations",
            "conversations",
            size=25,
            filters=(
                Kinds("status", {None: ("active",), "active": ("active",), "all": ("active", "closed")}),
                Bound("modifiedSince"),
            ),
            kinds=("active", "closed"),
            order=BY_CREATION,
            fields=(Fields("embed", ("_embedded",), every="threads"),),
            lag=LAG,
        ),
        "help_scout_customers": hal(
            "/customers", "customers", filters=(Bound("modifiedSince"),), order=BY_CREATION, lag=LAG
        ),
        "help_scout_ratings": Collection(
            "/v2/reports/happiness/ratings",
            "results",
            Numbered(Size(None, 50, 50), total="pages"),
            filters=(
                Bound("start", by="created", is_required=True),
                Bound("end", by="created", is_required=True, is_end=True),
                Kinds("rating", {None: ("great",), "all": ("great", "okay", "not-good"), "great": ("great",)}),
            ),
            kinds=("great", "okay", "not-good"),
            order=Order(("sortField", "sortOrder"), {("number", "ASC"): ("created", False)}, ("changed", True)),
        ),
        "help_scout_threads": hal(
            "/conversations/{}/threads",
            "threads",
            parent="help_scout_conversations",
            left_out=("conversation_id",),
            gone=True,
        ),
        **{
            f"help_scout_{name}": hal(f"/{name}", name) for name in ("mailboxes", "users", "tags", "teams", "workflows")
        },
    },
)
