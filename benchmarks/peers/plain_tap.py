"""The same eight streams as a plain Singer SDK tap, written as the SDK's template and documentation would have it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator, BearerTokenAuthenticator
from singer_sdk.pagination import BaseOffsetPaginator, JSONPathPaginator

if TYPE_CHECKING:
    import requests
    from singer_sdk.authenticators import APIAuthenticatorBase

SCHEMAS = Path(__file__).parents[2] / "tap_feedback" / "schemas"
LIMIT = 100


class OffsetPaginator(BaseOffsetPaginator):
    """Goes on until a page is not full."""

    def has_more(self, response: requests.Response) -> bool:
        """Whether there may be another page."""
        return len(response.json()["data"]) == LIMIT


class PlainStream(RESTStream[Any]):
    """What the streams have in common."""

    api: ClassVar[str]
    primary_keys = ("id",)

    def __init__(self, tap: Tap) -> None:
        schema = json.loads((SCHEMAS / f"{self.name}.json").read_text(encoding="utf-8"))
        super().__init__(tap, schema=schema)

    @property
    def url_base(self) -> str:
        """Scheme, host and prefix of the API."""
        return f"{self.config[self.api]['base_url']}/v1"


class OffsetStream(PlainStream):
    """A stream with the key in the query, and offsets."""

    records_jsonpath = "$.data[*]"

    @property
    def authenticator(self) -> APIAuthenticatorBase:
        """The key in the query."""
        return APIKeyAuthenticator(key="api_key", value=self.config[self.api]["api_key"], location="params")

    def get_new_paginator(self) -> OffsetPaginator:
        """A paginator that starts at the first row."""
        return OffsetPaginator(start_value=0, page_size=LIMIT)

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:  # noqa: ARG002
        """The page size and the offset."""
        return {"limit": LIMIT, "offset": next_page_token or 0}


class CursorStream(PlainStream):
    """A stream with a bearer token, and cursors."""

    api = "analytics"
    replication_key = "updated_at"

    @property
    def records_jsonpath(self) -> str:
        """The rows stand under the name of the stream."""
        return f"$.{self.name}[*]"

    @property
    def authenticator(self) -> APIAuthenticatorBase:
        """The key as a bearer token."""
        return BearerTokenAuthenticator(token=self.config[self.api]["api_key"])

    def get_new_paginator(self) -> JSONPathPaginator:
        """A paginator that follows the cursor."""
        return JSONPathPaginator("$.pagination.cursor")

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """The cursor, and the bookmark."""
        params = {}
        if next_page_token:
            params["cursor"] = next_page_token
        start = self.get_starting_timestamp(context)
        if start:
            params["updated_after"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
        return params


class FeedbackData(OffsetStream):
    """What customers said."""

    name, api, path = "feedback_data", "feedback", "/feedback"


class CustomerSupportData(OffsetStream):
    """What customers asked the support for."""

    name, api, path = "customer_support_data", "support", "/resource"


class Forums(CursorStream):
    """Places in which suggestions are collected."""

    name, path = "forums", "/forums"


class ExternalAccounts(CursorStream):
    """Companies."""

    name, path = "external_accounts", "/external_accounts"


class ExternalUsers(CursorStream):
    """People."""

    name, path = "external_users", "/external_users"


class Features(CursorStream):
    """Pieces of product work."""

    name, path = "features", "/features"


class FeedbackRecords(CursorStream):
    """Single pieces of feedback."""

    name, path = "feedback_records", "/feedback_records"


class Suggestions(CursorStream):
    """Ideas for the product."""

    name, path = "suggestions", "/suggestions"


class PlainTap(Tap):
    """The plain tap."""

    name = "tap-plain"
    config_jsonschema = th.PropertiesList(
        *(
            th.Property(
                api,
                th.ObjectType(
                    th.Property("base_url", th.StringType), th.Property("api_key", th.StringType, secret=True)
                ),
            )
            for api in ("feedback", "analytics", "support")
        )
    ).to_dict()

    def discover_streams(self) -> list[PlainStream]:
        """All eight."""
        return [
            FeedbackData(self),
            Forums(self),
            ExternalAccounts(self),
            ExternalUsers(self),
            Features(self),
            FeedbackRecords(self),
            Suggestions(self),
            CustomerSupportData(self),
        ]


if __name__ == "__main__":
    PlainTap.cli()
