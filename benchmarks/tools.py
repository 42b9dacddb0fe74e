"""Who takes part: environments with pinned versions, commands, and where each tool's rows are to be found."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from benchmarks.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ENVIRONMENTS = ROOT / ".cache" / "bench"
#: What is installed where. Each environment is made once, and anew when its line changes; `tap` is always made anew.
REQUIREMENTS = {
    "tap": (str(ROOT), "requests==2.34.2", "singer-sdk[msgspec]==0.54.9", "msgspec==0.22.0"),
    "bare": ("requests==2.34.2", "msgspec==0.22.0"),
    "plain": ("requests==2.34.2", "singer-sdk==0.54.9"),
    "dlt": ("requests==2.34.2", "dlt==1.31.0"),
    "airbyte": ("requests==2.34.2", "airbyte-cdk==7.39.1"),
    "plot": ("matplotlib==3.10.7",),
}
#: uv keeps what it built of a folder; this has it look again.
FRESH = ("--refresh-package=tap-feedback", "--reinstall-package=tap-feedback")
#: The package of each that the report names.
SHOWN = {"tap": "tap-feedback", "bare": "requests", "plain": "singer-sdk", "dlt": "dlt", "airbyte": "airbyte-cdk"}


@dataclass(frozen=True)
class Job:
    """What a tool is to read.

    Args:
        folder: Where it finds its files, and may write.
        config: The sandbox's APIs, as the tap is configured.
        streams: The streams to read.
    """

    folder: Path
    config: dict[str, dict[str, Any]]
    streams: Sequence[str]

    def write(self, name: str, content: Any) -> str:
        """Write a JSON file into the folder; its path."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return str(path)


class Tool(NamedTuple):
    """A tool: its name in tables, its environment, its command, and stream and id of each row that it wrote.

    `speaks` is what it writes: Singer or Airbyte messages, or files of its own.
    """

    name: str
    environment: str
    speaks: str
    command: Callable[[Job], list[str]]
    ids: Callable[[Job], Iterator[tuple[str, str | int]]]


def install(name: str) -> str:
    """Make an environment; what hindered it, in a line, or empty."""
    folder, requirements = ENVIRONMENTS / name, REQUIREMENTS[name]
    note = folder / "requirements.txt"
    if name != "tap" and note.exists() and note.read_text(encoding="utf-8").split("\n") == list(requirements):
        return ""
    uv = (sys.executable, "-m", "uv")
    commands = (
        (*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)),
        (*uv, "pip", "install", "--quiet", f"--python={folder}", "--compile-bytecode", *FRESH, *requirements),
    )
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"cannot be installed here: {done.stderr.strip().splitlines()[-1]}"
    note.write_text("\n".join(requirements), encoding="utf-8")
    return ""


def version(name: str) -> str:
    """Name and version of what an environment is about."""
    shown = SHOWN[name]
    code = f"from importlib.metadata import version; print(version({shown!r}))"
    done = subprocess.run([executable(name, "python"), "-c", code], capture_output=True, text=True, check=True)
    return f"{shown} {done.stdout.strip()}"


def executable(environment: str, name: str) -> str:
    """A program of an environment."""
    return str(ENVIRONMENTS / environment / "bin" / name)


# Commands


def singer(tap: Sequence[str], change: Callable[[dict[str, Any]], dict[str, Any]], job: Job) -> list[str]:
    """The sync of a Singer tap, with a catalog that selects the job's streams, and some settings changed."""
    config = job.write("config.json", change(job.config))
    command = [*tap, "--config", config]
    discovered = subprocess.run([*command, "--discover"], cwd=ROOT, capture_output=True, check=True)
    catalog = json.loads(discovered.stdout)
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["tap_stream_id"] in job.streams
    return [*command, "--catalog", job.write("catalog.json", catalog)]


def bare_loop(job: Job) -> list[str]:
    """The bare loop."""
    return [*module("bare", "bare_loop"), job.write("config.json", job.config), *job.streams]


def dlt(steps: str, job: Job) -> list[str]:
    """dlt, as far as these steps."""
    config = job.write("config.json", job.config)
    return [*module("dlt", "dlt_rest_api"), config, str(job.folder / "pipelines"), steps, *job.streams]


def airbyte(job: Job) -> list[str]:
    """The Airbyte source."""
    streams = [
        {
            "stream": {"name": stream, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "overwrite",
        }
        for stream in job.streams
    ]
    config, catalog = job.write("config.json", job.config), job.write("catalog.json", {"streams": streams})
    return [*module("airbyte", "airbyte_low_code"), "read", "--config", config, "--catalog", catalog]


def module(environment: str, peer: str) -> list[str]:
    """Python, running a peer."""
    return [executable(environment, "python"), "-m", f"benchmarks.peers.{peer}"]


# Rows


class Row(msgspec.Struct):
    """The part of a row that is looked at."""

    id: str | int


class SingerMessage(msgspec.Struct):
    """A RECORD message, or another."""

    stream: str = ""
    record: Row | None = None


class AirbyteRecord(msgspec.Struct):
    """A record with the stream that it belongs to."""

    stream: str
    data: Row


class AirbyteMessage(msgspec.Struct):
    """A RECORD message, or another."""

    record: AirbyteRecord | None = None


def singer_ids(job: Job) -> Iterator[tuple[str, str | int]]:
    """Stream and id of each RECORD in the output."""
    decoder = msgspec.json.Decoder(SingerMessage)
    with (job.folder / "stdout").open("rb") as lines:
        for message in map(decoder.decode, lines):
            if message.record is not None:
                yield message.stream, message.record.id


def airbyte_ids(job: Job) -> Iterator[tuple[str, str | int]]:
    """Stream and id of each RECORD in the output."""
    decoder = msgspec.json.Decoder(AirbyteMessage)
    with (job.folder / "stdout").open("rb") as lines:
        for message in map(decoder.decode, lines):
            if message.record is not None:
                yield message.record.stream, message.record.data.id


def dlt_ids(job: Job) -> Iterator[tuple[str, str | int]]:
    """Table and id of each row in dlt's files: lists of rows where they were extracted, rows once normalized."""
    decoder = msgspec.json.Decoder(list[Row] | Row)
    for stream in job.streams:
        for file in (job.folder / "pipelines").glob(f"**/new_jobs/{stream}.*jsonl"):
            with file.open("rb") as lines:
                for rows in map(decoder.decode, lines):
                    yield from ((stream, row.id) for row in (rows if isinstance(rows, list) else [rows]))


def unchanged(config: dict[str, Any]) -> dict[str, Any]:
    """The settings as they are."""
    return config


def connections(count: int, config: dict[str, Any]) -> dict[str, Any]:
    """So many connections to each API."""
    return {name: {**api, "max_connections": count} for name, api in config.items()}


def windows(config: dict[str, Any]) -> dict[str, Any]:
    """Half years of the analytics API read at once; no row was updated where two meet, so that none comes twice."""
    config = connections(16, config)
    analytics = {**config["analytics"], "incremental": {"window": 180}}
    return {**config, "analytics": analytics, "start_date": "2019-12-31T23:30:00Z"}


TAP = Tool(
    "tap-feedback", "tap", "Singer", partial(singer, (executable("tap", "tap-feedback"),), unchanged), singer_ids
)
ONE_AT_A_TIME, EIGHT_AT_A_TIME, WINDOWS = (
    TAP._replace(name=f"tap-feedback, {name}", command=partial(singer, (executable("tap", "tap-feedback"),), change))
    for name, change in (
        ("`max_connections: 1`", partial(connections, 1)),
        ("`max_connections: 8`", partial(connections, 8)),
        ("`max_connections: 16`, `window: 180`", windows),
    )
)
BARE_LOOP = Tool("bare loop", "bare", "limit", bare_loop, singer_ids)
AIRBYTE = Tool("Airbyte CDK low-code", "airbyte", "Airbyte", airbyte, airbyte_ids)
PEERS = (
    Tool("plain SDK tap", "plain", "Singer", partial(singer, module("plain", "plain_tap"), unchanged), singer_ids),
    AIRBYTE,
    Tool("dlt, extract", "dlt", "files", partial(dlt, "extract"), dlt_ids),
    Tool("dlt, extract and normalize", "dlt", "files", partial(dlt, "extract, normalize"), dlt_ids),
)
