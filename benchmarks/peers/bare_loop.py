"""Lower limit: what any tap on requests has to do, and nothing else.

One request at a time, each page decoded and written as RECORD lines. No retry, no check, no schema, no state.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 100
BUFFER_SIZE = 512 * 1024


def offset_pages(session: requests.Session, url: str, key: str, selector: str) -> Iterator[list[Any]]:
    """Yield the pages of a stream of the feedback or support API."""
    offset = 0
    while True:
        params: dict[str, str | int] = {"api_key": key, "limit": LIMIT, "offset": offset}
        rows = msgspec.json.decode(session.get(url, params=params).content)[selector]
        yield rows
        if len(rows) < LIMIT:
            return
        offset += LIMIT


def cursor_pages(session: requests.Session, url: str, key: str, selector: str) -> Iterator[list[Any]]:
    """Yield the pages of a stream of the analytics API."""
    session.headers["Authorization"] = f"Bearer {key}"
    params: dict[str, str] = {}
    while True:
        body = msgspec.json.decode(session.get(url, params=params).content)
        yield body[selector]
        if "cursor" not in body["pagination"]:
            return
        params = {"cursor": body["pagination"]["cursor"]}


def main(config_file: str, streams: list[str]) -> None:
    """Write the rows of the streams to stdout."""
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    encoder = msgspec.json.Encoder()
    buffer = bytearray()
    for stream in streams:
        described = config["streams"][stream]
        api = config[described["api"]]
        pages = cursor_pages if described["api"] == "analytics" else offset_pages
        url = f"{api['base_url']}/v1{described['path']}"
        with requests.Session() as session:
            session.trust_env = False  # else requests looks for proxies and passwords at every request
            for rows in pages(session, url, api["api_key"], described["selector"]):
                buffer += encoder.encode_lines([{"type": "RECORD", "stream": stream, "record": row} for row in rows])
                if len(buffer) >= BUFFER_SIZE:
                    sys.stdout.buffer.write(buffer)
                    buffer.clear()
    sys.stdout.buffer.write(buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
