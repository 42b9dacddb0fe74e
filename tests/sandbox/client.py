"""A client of the sandbox that pages as the styles say."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests

from sandbox.streams import STREAMS, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Sandbox

ROWS = 250
BEARER = {"Authorization": "Bearer analytics-key"}
ANALYTICS = [stream for stream in STREAMS if stream.api == "analytics"]
OTHERS = [stream for stream in STREAMS if stream.api != "analytics"]


def get(sandbox: Sandbox, path: str, **query: object) -> requests.Response:
    """One request, with the key that its path needs."""
    api = {"feedback": "feedback", "resource": "support"}.get(path.rpartition("/")[2], "analytics")
    headers = {"Authorization": f"Bearer {sandbox.keys[api]}"}
    return requests.get(sandbox.url + path, params=urlencode(query), headers=headers, timeout=10)


def walk(sandbox: Sandbox, stream: Stream, **query: object) -> list[list[dict[str, Any]]]:
    """All pages of a stream, paged in the usual way of its API."""
    pages: list[list[dict[str, Any]]] = []
    while True:
        body = get(sandbox, f"/v1/{stream.resource}", **query).json()
        rows = body[stream.selector]
        if stream.api != "analytics":
            if not rows:
                return pages
            pages.append(rows)
            query["offset"] = sum(map(len, pages))
        else:
            pages.append(rows)
            if "cursor" not in body["pagination"]:
                return pages
            query["cursor"] = body["pagination"]["cursor"]


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    """The ids of rows."""
    return [row["id"] for row in rows]


def instant(row: Mapping[str, Any]) -> datetime:
    """The time of a row's last update."""
    text = row["updated_at"] if "updated_at" in row else row["timestamp"]
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
