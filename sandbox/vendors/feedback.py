"""APIs of vendors for customer feedback, as data."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Fields, Order
from sandbox.vendors.paging import LastRow, Links, Numbered, Size

# Zonka Feedback: numbered pages with nothing beside the rows, which are in different places.


def zonka(name: str, selector: str) -> Collection:
    """A list of Zonka Feedback."""
    return Collection(f"/{name}", selector, Numbered(Size("limit", 25, 100)), times={None: "iso_ms"})


ZONKA_FEEDBACK = Vendor(
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


# Retently: numbered pages with their number, newest first by default.


def retently(name: str, selector: str, total: str = "data.pages") -> Collection:
    """A list of Retently."""
    return Collection(
        f"/api/v2/{name}",
        selector,
        Numbered(Size("limit", 20, 1000), total=total),
        filters=(Bound("startDate", by="created"),),
        order=Order(("sort",), {("createdDate",): ("created", False)}, ("created", True)),
        times={None: "iso_ms"},
    )


RETENTLY = Vendor(
    HeaderKey("X-Api-Key", ""),
    {
        "retently_feedback": retently("feedback", "data.responses"),
        "retently_customers": retently("customers", "data.subscribers", "pages"),
        "retently_companies": retently("companies", "data.companies"),
        "retently_campaigns": Collection("/api/v2/campaigns", "campaigns", times={None: "iso_ms"}),
    },
)


# Trustpilot: the business unit is part of the path; numbered pages with nothing beside the rows.

UNIT = "46d6a890000064000500e0c3"


def trustpilot(path: str, selector: str, **more: Any) -> Collection:
    """A list of Trustpilot."""
    return Collection(f"/v1{path}", selector, Numbered(Size("perPage", 20, 100)), times={None: "iso"}, **more)


TRUSTPILOT = Vendor(
    HeaderKey("apikey", ""),
    {
        "trustpilot_service_reviews": trustpilot(
            f"/business-units/{UNIT}/reviews",
            "reviews",
            order=Order(("orderBy",), {("createdat.asc",): ("created", False)}, ("created", True)),
        ),
        "trustpilot_product_reviews": trustpilot(f"/product-reviews/business-units/{UNIT}/reviews", "productReviews"),
        "trustpilot_business_unit": Collection(f"/v1/business-units/{UNIT}", "$", is_object=True),
    },
    settings={"variables": {"business_unit_id": UNIT}},
    rows={"trustpilot_business_unit": 1},
)


# Typeform: forms with responses; the last row is the cursor, beside which no order may be named.

RESPONSES = LastRow(Size("page_size", 25, 1000), "after", "before", alone=("sort",))
SUBMITTED = Order(("sort",), {("submitted_at,asc",): ("created", False)}, ("created", True))


def responses(**more: Any) -> Collection:
    """Responses to the forms of Typeform."""
    return Collection(
        "/forms/{}/responses",
        "items",
        RESPONSES,
        parent="typeform_forms",
        left_out=("form_id",),
        order=SUBMITTED,
        **more,
    )


TYPEFORM = Vendor(
    HeaderKey(),
    {
        "typeform_forms": Collection(
            "/forms",
            "items",
            Numbered(Size("page_size", 10, 200), total="page_count"),
            order=Order(("sort_by", "order_by"), {("created_at", "asc"): ("created", False)}, ("changed", True)),
        ),
        "typeform_partial_responses": responses(when={"response_type": "partial,started"}),
        "typeform_responses": responses(
            filters=(Bound("since", by="created"),),
        ),
        "typeform_form_details": Collection("/forms/{}", "$", is_object=True, parent="typeform_forms", gone=True),
    },
)


# SurveyMonkey: surveys with responses, URLs of next pages, a total; times of a request have no zone.


def surveys(path: str, **more: Any) -> Collection:
    """A list of SurveyMonkey."""
    shape = Links(Size("per_page", 50, 100), "links.next", total="total")
    return Collection(f"/v3{path}", **{"selector": "data", "shape": shape, "times": {None: "offset"}, **more})


SURVEYMONKEY = Vendor(
    HeaderKey(),
    {
        "surveymonkey_surveys": surveys(
            "/surveys",
            fields=(Fields("include", ("response_count", "question_count", "date_created", "date_modified")),),
            order=Order(("sort_by", "sort_order"), {("title", "ASC"): ("created", False)}, ("changed", True)),
        ),
        "surveymonkey_responses": surveys(
            "/surveys/{}/responses/bulk",
            parent="surveymonkey_surveys",
            filters=(Bound("start_modified_at", pattern="%Y-%m-%dT%H:%M:%S"),),
            order=Order(
                ("sort_by", "sort_order"),
                {("date_modified", "DESC"): ("changed", True), ("date_modified", "ASC"): ("changed", False)},
                ("changed", False),
            ),
            left_out=("survey_id",),
            gone=True,
        ),
        "surveymonkey_survey_details": surveys(
            "/surveys/{}/details", selector="$", is_object=True, parent="surveymonkey_surveys"
        ),
        "surveymonkey_collectors": surveys(
            "/surveys/{}/collectors",
            parent="surveymonkey_surveys",
            left_out=("survey_id",),
            fields=(Fields("include", ("type", "status", "response_count", "date_created", "date_modified", "url")),),
        ),
    },
)


# Survicate: surveys with responses, newest first, whose older bound is called `end`; relative URLs of next pages.


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


SURVICATE = Vendor(
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

FEEDBACK = {
    "zonka_feedback": ZONKA_FEEDBACK,
    "retently": RETENTLY,
    "trustpilot": TRUSTPILOT,
    "typeform": TYPEFORM,
    "surveymonkey": SURVEYMONKEY,
    "survicate": SURVICATE,
}
