"""The limit: what any tap on requests has to do, and nothing else.

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


def offset_pages(session: requests.Session, api: dict[str, Any], stream: str) -> Iterator[list[Any]]:
    """The pages of a stream of the feedback or support API."""
    url = f"{api['base_url']}/v1/{'feedback' if stream == 'feedback_data' else 'resource'}"
    offset = 0
    while True:
        params = {"api_key": api["api_key"], "limit": LIMIT, "offset": offset}
        rows = msgspec.json.decode(session.get(url, params=params).content)["data"]
        yield rows
        if len(rows) < LIMIT:
            return
        offset += LIMIT


def cursor_pages(session: requests.Session, api: dict[str, Any], stream: str) -> Iterator[list[Any]]:
    """The pages of a stream of the analytics API."""
    session.headers["Authorization"] = f"Bearer {api['api_key']}"
    params: dict[str, str] = {}
    while True:
        answer = msgspec.json.decode(session.get(f"{api['base_url']}/v1/{stream}", params=params).content)
        yield answer[stream]
        if "cursor" not in answer["pagination"]:
            return
        params = {"cursor": answer["pagination"]["cursor"]}


def main(config_file: str, streams: list[str]) -> None:
    """Write the rows of the streams to stdout."""
    config = json.loads(Path(config_file).read_text(encoding="utf-8"))
    encoder = msgspec.json.Encoder()
    buffer = bytearray()
    for stream in streams:
        if stream in {"feedback_data", "customer_support_data"}:
            api = config["feedback" if stream == "feedback_data" else "support"]
            pages = offset_pages
        else:
            api = config["analytics"]
            pages = cursor_pages
        with requests.Session() as session:
            session.trust_env = False  # or requests looks for proxies and passwords at every request
            for rows in pages(session, api, stream):
                buffer += encoder.encode_lines([{"type": "RECORD", "stream": stream, "record": row} for row in rows])
                if len(buffer) >= BUFFER_SIZE:
                    sys.stdout.buffer.write(buffer)
                    buffer.clear()
    sys.stdout.buffer.write(buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
