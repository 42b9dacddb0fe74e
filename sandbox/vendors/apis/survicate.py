"""Survicate: surveys with responses, newest first, whose older bound is called `end`; relative URLs of next pages."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Order
from sandbox.vendors.paging import Links, Size


def survicate(path: str, **more: Any) -> Collection:
    """A list of Survicate."""
    shape = Links(
        Size("items_per_page", 20, 100),
        "pagination_data.next_url",
        relative_to="/v2",
        more="pagination_data.has_more",
        param="page_cursor",
    )
    return Collection(f"/v2{path}", "data", shape, times={None: "iso_us"}, **more)


VENDOR = Vendor(
    HeaderKey(prefix="Basic "),
    {
        "survicate_surveys": survicate("/surveys"),
        "survicate_responses": survicate(
            "/surveys/{}/responses",
            parent="survicate_surveys",
            left_out=("survey_id",),
            gone=True,
            filters=(
                Bound("end", by="created", pattern="%Y-%m-%dT%H:%M:%S.%fZ"),
                Bound("start", by="created", pattern="%Y-%m-%dT%H:%M:%S.%fZ", is_end=True),
            ),
            order=Order(default=("created", True)),
        ),
        "survicate_questions": survicate("/surveys/{}/questions", parent="survicate_surveys", left_out=("survey_id",)),
    },
)
