"""Peer: the same streams with dlt's REST API source into PostgreSQL, merged on the key, with `pipeline.run()`."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

import dlt
from dlt.destinations import postgres
from dlt.sources.rest_api import rest_api_resources

from benchmarks.peers.dlt_rest_api import api_config

#: Before the first row. The streams of the analytics API have a cursor, as those of the tap do.
START = "2019-01-01T00:00:00Z"


def in_utc(text: str) -> str:
    """Return a time as the API takes it. Rows have times in several zones."""
    return datetime.fromisoformat(text).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def main(config_file: str, folder: str, uri: str, *how: str) -> None:
    """Load all streams. A pipeline that has its files in the folder continues where it was.

    By default, dlt extracts one stream after the other, and normalizes in this process; with `parallel`, it does both
    several times concurrently. It always loads with several threads.
    """
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    resources = []
    for name in ("feedback", "analytics", "support"):
        its = {stream: described for stream, described in config["streams"].items() if described["api"] == name}
        declared = api_config(config[name], its, offsets=name != "analytics")
        for resource in declared["resources"]:
            resource["write_disposition"] = "merge"
            if name == "analytics":
                resource["endpoint"]["incremental"] = {
                    "start_param": "updated_after",
                    "cursor_path": "updated_at",
                    "initial_value": START,
                    "convert": in_utc,
                }
        resources += rest_api_resources(declared)
    if "parallel" in how:
        dlt.config["extract.workers"] = len(resources)
        dlt.config["normalize.workers"] = os.cpu_count()
        resources = [resource.parallelize() for resource in resources]
    # dlt requires a host and a password; the host among the parameters of the address is the one that counts.
    destination = postgres(uri.replace("postgres@/", "postgres:none@localhost/"))
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name="bench")
    pipeline.run(resources).raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
