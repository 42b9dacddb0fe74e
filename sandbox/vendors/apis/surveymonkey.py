"""SurveyMonkey: surveys with responses, URLs of next pages, a total; times of a request have no zone."""

from __future__ import annotations

from typing import Any

from sandbox.vendors.access import HeaderKey
from sandbox.vendors.collection import Collection, Vendor
from sandbox.vendors.filters import Bound, Fields, Order
from sandbox.vendors.paging import Links, Size


def surveys(path: str, **more: Any) -> Collection:
    """A list of SurveyMonkey."""
    shape = Links(Size("per_page", 50, 100), "links.next", total="total")
    return Collection(f"/v3{path}", **{"selector": "data", "shape": shape, "times": {None: "offset"}, **more})


VENDOR = Vendor(
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
