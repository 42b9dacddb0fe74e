"""Syncs of a preset against the local player of its vendor."""

from __future__ import annotations

import io
import json
import logging
import time
from contextlib import contextmanager, redirect_stdout
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.vendors import Player, players
from sandbox.vendors import vendor as vendor_of
from sandbox.vendors.rows import UNKNOWN
from tap_feedback.declarations import merge, preset
from tap_feedback.records.conform import EXTRA
from tap_feedback.tap import TapFeedback
from tools.presets import changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_feedback.declarations import Block

#: Rows of a stream whose children are read: a request for each.
PARENTS = 7
#: Settings with which no sync waits.
NO_WAIT: Block = {"retry": {"backoff_factor": 0}, "requests_per_minute": None}


@dataclass
class Played:
    """What a sync wrote, and how it ended."""

    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    warnings: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0

    def names(self, stream: str) -> list[str]:
        """The names of the rows that a stream's records were made from, sorted; a row may come twice."""
        return sorted((record.get(EXTRA) or {}).get(UNKNOWN, "") for record in self.records.get(stream, []))


class Stage:
    """A preset and what is needed to play its vendor.

    Args:
        vendor: The vendor's name.
        change: Values of settings in the preset, by dotted path; None takes the setting away.
    """

    def __init__(self, vendor: str, change: Mapping[str, Any] | None = None) -> None:
        found = preset(vendor)
        if found is None or vendor not in players():
            raise ValueError(f"there is no {'preset' if found is None else 'player'} of {vendor}")
        self.vendor, self.preset, self.api = vendor, found, str(found["api"])
        self._block: Block = {"vendor": vendor} if change is None else changed(found, change)
        idle = TapFeedback(config=self.config("http://127.0.0.1:9", complete_settings(vendor)))
        self._catalog = idle.catalog_dict
        self.streams = [name for entry in self._catalog["streams"] if (name := entry["stream"]) in found["streams"]]
        self.keys = {name: list(idle.streams[name].primary_keys) for name in self.streams}
        self.columns = {
            name: {column: kind for column, kind in idle.streams[name].schema["properties"].items() if column != EXTRA}
            for name in self.streams
        }

    @property
    def parents(self) -> dict[str, str]:
        """The parent of each child."""
        return {
            name: str(self.preset["streams"][name]["parent"])
            for name in self.streams
            if "parent" in self.preset["streams"][name]
        }

    def player(self, *, few: bool = False, **more: Any) -> Player:
        """A player of the vendor; with few rows that have children if asked."""
        if few:
            more["rows"] = {**dict.fromkeys(self.parents.values(), PARENTS), **more.get("rows", {})}
        return Player(vendor_of(self.vendor), self.columns, self.keys, **more)

    def config(self, url: str, settings: Block, over: Block | None = None) -> dict[str, Any]:
        """The settings with which the tap reads a player."""
        streams = {name: {"requests_per_minute": None} for name in self.preset["streams"]}
        block = merge(merge(self._block, {**settings, **NO_WAIT, "base_url": url, "streams": streams}), over or {})
        return {self.api: block}

    def play(
        self,
        player: Player,
        *streams: str,
        state: Mapping[str, Any] | None = None,
        over: Block | None = None,
        **top: Any,
    ) -> Played:
        """Sync streams from a player.

        Args:
            player: The player, which runs.
            streams: Names of the streams; none for all without a parent.
            state: What an earlier sync ended with.
            over: Settings of the API that are not as the player wants them.
            top: Settings beside those of the API.
        """
        wanted = streams or tuple(name for name in self.streams if name not in self.parents)
        config = {**self.config(player.url, player.settings, over), **top}
        played, sent, began = Played(), len(player.requests), time.perf_counter()
        with captured(played), redirect_stdout(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) as out:
            try:
                catalog = deepcopy(self._catalog)
                for entry in catalog["streams"]:
                    root = next(item for item in entry["metadata"] if not item["breadcrumb"])
                    root["metadata"]["selected"] = entry["tap_stream_id"] in wanted
                tap = TapFeedback(config=config, catalog=catalog, state=deepcopy(dict(state or {})))
                try:
                    tap.sync_all()
                finally:
                    played.failures = {name: str(error) for name, error in tap.failures.items()}
            except Exception as error:  # noqa: BLE001 - it is part of the result
                played.error = str(error)
            out.flush()
            lines = out.buffer.getvalue().decode().splitlines()
        played.seconds, played.requests = time.perf_counter() - began, len(player.requests) - sent
        for message in map(json.loads, lines):
            if message["type"] == "RECORD":
                played.records.setdefault(message["stream"], []).append(message["record"])
            elif message["type"] == "SCHEMA":
                played.schemas[message["stream"]] = message["schema"]
            elif message["type"] == "STATE":
                played.state = message["value"]
        return played


def complete_settings(vendor: str) -> Block:
    """What a user must set at least, with values that lead nowhere."""
    described = vendor_of(vendor)
    return {"api_key": "no-key-is-checked", **described.access.settings, **described.settings}


@contextmanager
def captured(played: Played) -> Iterator[None]:
    """Keep the warnings that are logged in the block."""

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            played.warnings.append(record.getMessage())

    handler = Keeper(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
