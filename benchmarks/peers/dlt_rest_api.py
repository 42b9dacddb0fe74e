"""Peer: the same streams with dlt's REST API source, extracted to dlt's files and, if requested, normalized."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import dlt
from dlt.sources.rest_api import rest_api_resources


def api_config(api: dict[str, Any], streams: dict[str, dict[str, str]], *, offsets: bool) -> Any:
    """Return the declaration of one API with some of its streams."""
    client: dict[str, Any] = {
        "base_url": f"{api['base_url']}/v1/",
        "auth": {"type": "bearer", "token": api["api_key"]},
        "paginator": {"type": "cursor", "cursor_path": "pagination.cursor", "cursor_param": "cursor"},
    }
    if offsets:
        client["auth"] = {"type": "api_key", "name": "api_key", "api_key": api["api_key"], "location": "query"}
        client["paginator"] = {"type": "offset", "limit": 100, "total_path": "total"}
    resources = [
        {
            "name": name,
            "primary_key": "id",
            "write_disposition": "replace",
            "endpoint": {"path": stream["path"].lstrip("/"), "data_selector": stream["selector"]},
        }
        for name, stream in streams.items()
    ]
    return {"client": client, "resources": resources}


def main(config_file: str, folder: str, steps: str, streams: list[str]) -> None:
    """Extract the streams into the folder, and normalize them if that is one of the steps."""
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    resources = []
    for name in ("feedback", "analytics", "support"):
        its = {stream: config["streams"][stream] for stream in streams if config["streams"][stream]["api"] == name}
        if its:
            resources += rest_api_resources(api_config(config[name], its, offsets=name != "analytics"))
    dlt.config["extract.workers"] = 8  # as many as there are streams; the Airbyte manifest says the same
    dlt.config["data_writer.disable_compression"] = True  # no other tool compresses what it writes
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination="dummy")
    # Threads help if several streams wait concurrently, and cost time if there is only one.
    pipeline.extract([resource.parallelize() for resource in resources] if len(resources) > 1 else resources)
    if "normalize" in steps:
        pipeline.normalize()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
