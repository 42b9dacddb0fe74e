"""APIs of vendors for customer support, as data."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.vendors.access import Basic, Credentials, HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Fields, Jql, Kinds, Order, Required, Search
from sandbox.vendors.paging import Cursors, Links, Numbered, Offsets, Size, Whole

DAYS = timedelta(days=3)


# Help Scout: HAL, pages of fixed sizes, nothing embedded in an empty list.

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
    shape = Links(Size(None, size, size), "_links.next.href", total="page.totalElements")
    return Collection(f"/v2{path}", f"_embedded.{name}", shape, **{**HAL, **more})


HELP_SCOUT = Vendor(
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
            lag=DAYS,
        ),
        "help_scout_customers": hal(
            "/customers", "customers", filters=(Bound("modifiedSince"),), order=BY_CREATION, lag=DAYS
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


# Zendesk: cursors that the last page has, too; exports refuse a start beside a cursor.

BY_CURSOR = Cursors(Size("page[size]", 100, 100), "page[after]", "meta.after_cursor", more="meta.has_more", stays=True)
EXPORT = Cursors(Size("per_page", 1000, 1000), "cursor", "after_cursor", last="end_of_stream", stays=True)
SINCE_EPOCH = Bound("start_time", pattern="epoch", is_required=True, cursor="cursor")
CHANGED = Order(default=("changed", False))

ZENDESK = Vendor(
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
            "/api/v2/incremental/users/cursor.json", "users", EXPORT, filters=(SINCE_EPOCH,), order=CHANGED, lag=DAYS
        ),
        "zendesk_satisfaction_ratings": Collection(
            "/api/v2/satisfaction_ratings",
            "satisfaction_ratings",
            BY_CURSOR,
            filters=(Bound("start_time", pattern="epoch"),),
            lag=DAYS,
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


# Intercom: searches by POST, cursors in the body, a header with the version.


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


INTERCOM = Vendor(
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


# Freshdesk: numbered pages without a total, the last 30 days by default, deleted tickets and spam apart.


def fresh(path: str, **more: Any) -> Collection:
    """A list of Freshdesk."""
    return Collection(f"/api/v2{path}", "$", **{"shape": Numbered(Size("per_page", 30, 100)), **more})


FRESHDESK = Vendor(
    Basic(),
    {
        "freshdesk_tickets": fresh(
            "/tickets",
            shape=Numbered(Size("per_page", 30, 100), cap=300),
            filters=(
                Kinds("filter", {None: ("open",), "deleted": ("deleted",), "spam": ("spam",)}),
                Bound("updated_since", days=30),
            ),
            kinds=("open", "deleted", "spam"),
            order=Order(
                ("order_by", "order_type"),
                {("updated_at", "asc"): ("changed", False), ("created_at", "asc"): ("created", False)},
                ("created", True),
            ),
            fields=(Fields("include", ("description", "requester", "stats")),),
        ),
        "freshdesk_satisfaction_ratings": fresh(
            "/surveys/satisfaction_ratings", filters=(Bound("created_since", by="created", days=30),)
        ),
        "freshdesk_contacts": fresh("/contacts", filters=(Bound("_updated_since"),)),
        "freshdesk_conversations": fresh(
            "/tickets/{}/conversations", parent="freshdesk_tickets", left_out=("ticket_id",), gone=True
        ),
        **{f"freshdesk_{name}": fresh(f"/{name}") for name in ("companies", "agents", "groups")},
    },
)


# Front: URLs of next pages, epochs with a fraction, lists that take no parameters.


def front(path: str, *, sort: str | None = None, size: str | None = "limit", **more: Any) -> Collection:
    """A list of Front."""
    order = Order(("sort_by", "sort_order"), {(sort, "asc"): ("created", False)}, ("created", True))
    return Collection(
        path,
        "_results",
        Links(Size(size, 50, 100 if size else 50), "_pagination.next", param="page_token"),
        order=order if sort else Order(),
        times={None: "epoch_fraction"},
        **more,
    )


FRONT = Vendor(
    HeaderKey(),
    {
        "front_conversations": front("/conversations", sort="date"),
        "front_contacts": front("/contacts", sort="created_at"),
        "front_accounts": front("/accounts", sort="created_at"),
        "front_inboxes": front("/inboxes", size=None),
        "front_tags": front("/tags", sort="id"),
        "front_teammates": front("/teammates", size=None),
        "front_messages": front(
            "/conversations/{}/messages",
            sort="created_at",
            parent="front_conversations",
            left_out=("conversation_id",),
            gone=True,
        ),
        "front_comments": front(
            "/conversations/{}/comments", size=None, parent="front_conversations", left_out=("conversation_id",)
        ),
    },
)


# Gorgias: cursors, newest first by default, times without a zone.


def gorgias(path: str) -> Collection:
    """A list of Gorgias."""
    return Collection(
        f"/api{path}",
        "data",
        Cursors(Size("limit", 30, 100), "cursor", "meta.next_cursor"),
        order=Order(("order_by",), {("created_datetime:asc",): ("created", False)}, ("changed", True)),
        times={None: "no_zone"},
    )


GORGIAS = Vendor(
    Basic("ada@example.com"),
    {
        f"gorgias_{name}": gorgias(f"/{name.replace('_', '-')}")
        for name in ("tickets", "messages", "satisfaction_surveys", "customers", "tags", "users")
    },
)


# HubSpot: few properties by default, archived records apart.


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


HUBSPOT = Vendor(
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


# Jira Service Management: one's own requests by default; issues by a query that must be bounded.


def desk(path: str, **more: Any) -> Collection:
    """A list of the service desk."""
    shape = Offsets(Size("limit", 50, 100), "start", last="isLastPage")
    return Collection(f"/rest/servicedeskapi{path}", "values", shape, **more)


JIRA = Vendor(
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

SUPPORT = {
    "help_scout": HELP_SCOUT,
    "zendesk": ZENDESK,
    "intercom": INTERCOM,
    "freshdesk": FRESHDESK,
    "front": FRONT,
    "gorgias": GORGIAS,
    "hubspot": HUBSPOT,
    "jira_service_management": JIRA,
}
