"""Syncs of the forums, whose replication key is `updated_at`."""

from __future__ import annotations

from typing import Any

from tests.runs import Run, api, catalog_of, sync
from tests.server import Server


def rows(*updated: Any) -> list[dict[str, Any]]:
    """Forums, numbered from 1, each with its `updated_at`."""
    return [{"id": number, "updated_at": value} for number, value in enumerate(updated, 1)]


def forums_server(table: list[dict[str, Any]]) -> Server:
    """A server that returns all forums in one page, for any range."""
    return Server(lambda asked: {"forums": table})


def bookmark(value: Any, key: str = "updated_at") -> dict[str, Any]:
    """A state with a bookmark of the forums."""
    return {"bookmarks": {"forums": {"replication_key": key, "replication_key_value": value}}}


def forums(
    server: Server, *, state: dict[str, Any] | None = None, top: dict[str, Any] | None = None, **more: Any
) -> Run:
    """Sync the forums of a server."""
    config = {"analytics": api(server.url, **more), **(top or {})}
    return sync(config, catalog=catalog_of(config, "forums"), state=state)


def reached(run: Run) -> Any:
    """The bookmark of the forums at the end."""
    return run.state["bookmarks"]["forums"].get("replication_key_value")


def switched(config: dict[str, Any], stream: str, key: str) -> dict[str, Any]:
    """A catalog with one stream, switched to this replication key."""
    catalog = catalog_of(config, stream)
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == stream:
            root = next(item["metadata"] for item in entry["metadata"] if not item["breadcrumb"])
            root.update({"replication-method": "INCREMENTAL", "replication-key": key})
    return catalog
