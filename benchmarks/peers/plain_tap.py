"""Peer: the eight streams as a plain Singer SDK tap, written as the SDK's template and documentation suggest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator, BearerTokenAuthenticator
from singer_sdk.pagination import BaseOffsetPaginator, JSONPathPaginator

if TYPE_CHECKING:
    import requests
    from singer_sdk.authenticators import APIAuthenticatorBase

SCHEMAS = Path(__file__).parents[2] / "tap_feedback" / "schemas"
LIMIT = 100
AVERAGE = "importance_score_average"


class OffsetPaginator(BaseOffsetPaginator):
    """Continues until a page is not full."""

    def has_more(self, response: requests.Response) -> bool:
        """Return whether there may be another page."""
        return len(response.json()["data"]) == LIMIT


class PlainStream(RESTStream[Any]):
    """The base of all streams."""

    primary_keys = ("id",)

    def __init__(self, tap: Tap, name: str, described: dict[str, str]) -> None:
        self.api = described["api"]
        self.selector = described["selector"]
        schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
        super().__init__(tap, name=name, path=described["path"], schema=schema)

    @property
    def records_jsonpath(self) -> str:
        """Yield the rows of a response."""
        return f"$.{self.selector}[*]"

    @property
    def url_base(self) -> str:
        """Scheme, host and prefix of the API."""
        return f"{self.config[self.api]['base_url']}/v1"


class OffsetStream(PlainStream):
    """A stream with the key in the query, and offsets."""

    @property
    def authenticator(self) -> APIAuthenticatorBase:
        """The key in the query."""
        return APIKeyAuthenticator(key="api_key", value=self.config[self.api]["api_key"], location="params")

    def get_new_paginator(self) -> OffsetPaginator:
        """Return a paginator that starts at the first row."""
        return OffsetPaginator(start_value=0, page_size=LIMIT)

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return the page size and the offset."""
        return {"limit": LIMIT, "offset": next_page_token or 0}


class CursorStream(PlainStream):
    """A stream with a bearer token, and cursors."""

    replication_key = "updated_at"

    @property
    def authenticator(self) -> APIAuthenticatorBase:
        """The key as a bearer token."""
        return BearerTokenAuthenticator(token=self.config[self.api]["api_key"])

    def get_new_paginator(self) -> JSONPathPaginator:
        """Return a paginator that follows the cursor."""
        return JSONPathPaginator("$.pagination.cursor")

    def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Return a row with a number where some accounts send a text, as a target refuses the text."""
        if isinstance(row.get(AVERAGE), str):
            row[AVERAGE] = float(row[AVERAGE])
        return row

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        """Return the cursor, and the bookmark."""
        params = {}
        if next_page_token:
            params["cursor"] = next_page_token
        start = self.get_starting_timestamp(context)
        if start:
            params["updated_after"] = start.strftime("%Y-%m-%dT%H:%M:%SZ")
        return params


class PlainTap(Tap):
    """The plain tap."""

    name = "tap-plain"
    config_jsonschema = th.PropertiesList(
        th.Property("streams", th.ObjectType(), required=True),
        *(
            th.Property(
                api,
                th.ObjectType(
                    th.Property("base_url", th.StringType), th.Property("api_key", th.StringType, secret=True)
                ),
            )
            for api in ("feedback", "analytics", "support")
        ),
    ).to_dict()

    def discover_streams(self) -> list[PlainStream]:
        """Return all eight streams."""
        return [
            (CursorStream if described["api"] == "analytics" else OffsetStream)(self, name, described)
            for name, described in self.config["streams"].items()
        ]


if __name__ == "__main__":
    PlainTap.cli()
