"""Sandbox as a process, and a client that only reads its streams."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.measure import ROOT, TIMEOUT
from sandbox.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The streams by name, with the APIs and paths for all tools.
STREAM_OF = {stream.name: stream for stream in STREAMS}
ALL = tuple(STREAM_OF)
PAGE = 100
LATENCY = 0.05


@contextmanager
def sandbox(rows: int, latency: float) -> Iterator[dict[str, dict[str, Any]]]:
    """Run a sandbox as a process, and yield the tap's settings for it."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        arguments = (f"--rows={rows}", f"--latency={latency}", f"--write-config={config}", f"--for={4 * TIMEOUT}")
        process = subprocess.Popen([sys.executable, "-m", "sandbox", *arguments], cwd=ROOT, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was requested
            process.stdout.readline()
            yield json.loads(config.read_text(encoding="utf-8"))
        finally:
            process.terminate()
            process.communicate()


def follow(config: dict[str, Any], stream: str) -> Iterator[bytes]:
    """Yield the responses of a stream, one request at a time. The client only looks for the next cursor or offset."""
    _, api, resource = STREAM_OF[stream]
    connection = http.client.HTTPConnection(urlsplit(config[api]["base_url"]).netloc)
    try:
        place, offset = "", 0
        while True:
            connection.request(
                "GET",
                f"/v1/{resource}?limit={PAGE}{place}",
                headers={"Authorization": f"Bearer {config[api]['api_key']}"},
            )
            body = connection.getresponse().read()
            yield body
            cursor = re.search(rb'"cursor":"([^"]+)"', body[body.rfind(b'"pagination"') :])
            offset += PAGE
            if cursor:
                place = f"&cursor={cursor[1].decode()}"
            elif api != "analytics" and b'"id"' in body:
                place = f"&offset={offset}"
            else:
                return
    finally:
        connection.close()


def change(config: dict[str, Any], numbers: Iterable[int]) -> None:
    """Update the rows with these numbers in each stream of a sandbox, and add as many."""
    connection = http.client.HTTPConnection(urlsplit(config["feedback"]["base_url"]).netloc)
    try:
        for stream in ALL:
            for number in numbers:
                connection.request("POST", f"/_sandbox/rows/{stream}?add=1&update={number}")
                connection.getresponse().read()
    finally:
        connection.close()


def longest_chain(rows: int) -> float:
    """Return the seconds for the longest of the eight streams: its requests in sequence, and nothing else."""
    with sandbox(rows, LATENCY) as config:
        return min(_chain(config) for _ in range(2))


def _chain(config: dict[str, Any]) -> float:
    started = time.perf_counter()
    for _ in follow(config, "suggestions"):
        pass
    return time.perf_counter() - started
