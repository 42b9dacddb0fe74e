"""Tools to measure: their commands, and the rows that each wrote."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from benchmarks.apis import STREAM_OF
from benchmarks.environments import executable
from benchmarks.measure import ROOT, RunFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

#: What the peers need to know of each stream.
STREAMS = {
    name: {"api": stream.api, "path": f"/{stream.resource}", "selector": stream.selector}
    for name, stream in STREAM_OF.items()
}


@dataclass(frozen=True)
class Job:
    """The task of a tool.

    Args:
        folder: The folder with its files, in which it may write.
        config: The sandbox's APIs, as the tap is configured.
        streams: The streams to read.
    """

    folder: Path
    config: dict[str, dict[str, Any]]
    streams: Sequence[str]

    @property
    def config_of_peers(self) -> dict[str, Any]:
        """The config, with the API, path and selector of every stream, which the peers do not know."""
        return {**self.config, "streams": STREAMS}

    def write(self, name: str, content: Any) -> str:
        """Write a JSON file into the folder, and return its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


class Tool(NamedTuple):
    """A tool: its name in tables, its environment, its command, and stream and id of each row that it wrote.

    `speaks` is what it writes: Singer or Airbyte messages, or files in its own format.
    """

    name: str
    environment: str
    speaks: str
    command: Callable[[Job], list[str]]
    ids: Callable[[Job], Iterator[tuple[str, str | int]]]


# Commands


def singer(tap: Sequence[str], change: Callable[[Job], dict[str, Any]], job: Job) -> list[str]:
    """Return the command of a Singer tap, with a catalog that selects the job's streams, and changed settings.

    Raises:
        RunFailedError: There is no catalog.
    """
    config = job.write("config.json", change(job))
    command = [*tap, "--config", config]
    discovered = subprocess.run([*command, "--discover"], cwd=ROOT, capture_output=True, check=False)
    if discovered.returncode:
        raise RunFailedError(f"discovery failed with exit code {discovered.returncode}")
    catalog = json.loads(discovered.stdout)
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["tap_stream_id"] in job.streams
    return [*command, "--catalog", job.write("catalog.json", catalog)]


def bare_loop(job: Job) -> list[str]:
    """Return the command of the bare loop."""
    return [*module("bare", "bare_loop"), job.write("config.json", job.config_of_peers), *job.streams]


def dlt(steps: str, job: Job) -> list[str]:
    """Return the command of dlt, with these steps."""
    config = job.write("config.json", job.config_of_peers)
    return [*module("dlt", "dlt_rest_api"), config, str(job.folder / "pipelines"), steps, *job.streams]


def airbyte(job: Job) -> list[str]:
    """Return the command of the Airbyte source."""
    streams = [
        {
            "stream": {"name": stream, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
        }
        for stream in job.streams
    ]
    config, catalog = job.write("config.json", job.config_of_peers), job.write("catalog.json", {"streams": streams})
    return [*module("airbyte", "airbyte_low_code"), "read", "--config", config, "--catalog", catalog]


def module(environment: str, peer: str) -> list[str]:
    """Return the command that runs a peer's module."""
    return [executable(environment, "python"), "-m", f"benchmarks.peers.{peer}"]


# Rows


class Row(msgspec.Struct):
    """The part of a row that is read."""

    id: str | int


class SingerMessage(msgspec.Struct):
    """A RECORD message, or another."""

    stream: str = ""
    record: Row | None = None


class AirbyteRecord(msgspec.Struct):
    """A record with the name of its stream."""

    stream: str
    data: Row


class AirbyteMessage(msgspec.Struct):
    """A RECORD message, or another."""

    record: AirbyteRecord | None = None


def singer_ids(job: Job) -> Iterator[tuple[str, str | int]]:
    """Yield stream and id of each RECORD in the output."""
    decoder = msgspec.json.Decoder(SingerMessage)
    with (job.folder / "stdout").open("rb") as lines:
        for message in map(decoder.decode, lines):
            if message.record is not None:
                yield message.stream, message.record.id


def airbyte_ids(job: Job) -> Iterator[tuple[str, str | int]]:
    """Yield stream and id of each RECORD in the output."""
    decoder = msgspec.json.Decoder(AirbyteMessage)
    with (job.folder / "stdout").open("rb") as lines:
        for message in map(decoder.decode, lines):
            if message.record is not None:
                yield message.record.stream, message.record.data.id


def dlt_ids(job: Job) -> Iterator[tuple[str, str | int]]:
    """Yield table and id of each row in dlt's files: lists of rows if they were only extracted, rows if normalized."""
    decoder = msgspec.json.Decoder(list[Row] | Row)
    for stream in job.streams:
        for file in (job.folder / "pipelines").glob(f"**/new_jobs/{stream}.*jsonl"):
            with file.open("rb") as lines:
                for rows in map(decoder.decode, lines):
                    yield from ((stream, row.id) for row in (rows if isinstance(rows, list) else [rows]))


def usual(job: Job) -> dict[str, Any]:
    """Return the settings of the sandbox unchanged."""
    return job.config


def for_peers(job: Job) -> dict[str, Any]:
    """Return the settings of a peer."""
    return job.config_of_peers


def connections(count: int, job: Job) -> dict[str, Any]:
    """Return settings with a number of connections to each API."""
    return {name: {**api, "max_connections": count} for name, api in job.config.items()}


def windows(job: Job) -> dict[str, Any]:
    """Return settings that read half years of the analytics API concurrently. No row is at the edge of two."""
    config = connections(16, job)
    analytics = {**config["analytics"], "incremental": {"window": 180}}
    return {**config, "analytics": analytics, "start_date": "2019-12-31T23:30:00Z"}


TAP_COMMAND = (executable("tap", "tap-feedback"),)
TAP = Tool("tap-feedback", "tap", "Singer", partial(singer, TAP_COMMAND, usual), singer_ids)
ONE_AT_A_TIME, EIGHT_AT_A_TIME, WINDOWS = (
    TAP._replace(name=f"tap-feedback, {name}", command=partial(singer, TAP_COMMAND, change))
    for name, change in (
        ("`max_connections: 1`", partial(connections, 1)),
        ("`max_connections: 8`", partial(connections, 8)),
        ("`max_connections: 16`, `window: 180`", windows),
    )
)
BARE_LOOP = Tool("bare loop", "bare", "limit", bare_loop, singer_ids)
AIRBYTE = Tool("Airbyte CDK low-code", "airbyte", "Airbyte", airbyte, airbyte_ids)
PEERS = (
    Tool("plain SDK tap", "plain", "Singer", partial(singer, module("plain", "plain_tap"), for_peers), singer_ids),
    AIRBYTE,
    Tool("dlt, extract", "dlt", "files", partial(dlt, "extract"), dlt_ids),
    Tool("dlt, extract and normalize", "dlt", "files", partial(dlt, "extract, normalize"), dlt_ids),
)
