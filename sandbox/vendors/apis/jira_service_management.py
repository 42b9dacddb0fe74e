"""Jira Service Management: one's own requests by default; issues by a query that must be bounded."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import Basic
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Fields, Jql, Kinds, Order, Required
from sandbox.vendors.paging import Cursors, Offsets, Size, Whole


def desk(path: str, **more: Any) -> Collection:
    """A list of the service desk."""
    shape = Offsets(Size("limit", 50, 100), "start", last="isLastPage")
    return Collection(f"/rest/servicedeskapi{path}", "values", shape, **more)


VENDOR = Vendor(
    Basic("ada@example.com"),
    {
        "jira_service_management_requests": desk(
            "/request",
            filters=(
                Kinds("requestOwnership", {None: ("own",), "ALL_REQUESTS": ("own", "others")}),
                Required({"expand": ""}),
            ),
            kinds=("own", "others"),
            order=Order(default=("changed", True)),
        ),
        "jira_service_management_issues": Collection(
            "/rest/api/3/search/jql",
            "issues",
            Cursors(Size("maxResults", 50, 100), "nextPageToken", "nextPageToken", last="isLast"),
            filters=(Jql(),),
            fields=(Fields("fields", ("key", "self", "expand", "fields"), every="*all"),),
        ),
        "jira_service_management_service_desks": desk("/servicedesk"),
        "jira_service_management_request_comments": desk(
            "/request/{}/comment",
            parent="jira_service_management_requests",
            left_out=("request_id",),
            gone=True,
        ),
        "jira_service_management_request_feedback": Collection(
            "/rest/servicedeskapi/request/{}/feedback",
            "$",
            Whole(),
            is_object=True,
            parent="jira_service_management_requests",
            left_out=("request_id",),
            gone=True,
        ),
    },
)
