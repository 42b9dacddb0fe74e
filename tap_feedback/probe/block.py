"""Block of settings: what the probe found, written so that it holds over whatever settings it is merged with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_feedback.columns import INTEGER_BOUNDS, infer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_feedback.paging import Paging
    from tap_feedback.probe.times import Clock
    from tap_feedback.settings import Api, Stream

    Row = dict[str, Any]

#: Settings of a paginator that are written even if they are the defaults, as they are the finding.
SHOWN = {
    "type",
    "limit_param",
    "offset_param",
    "page_param",
    "base_page",
    "cursor_param",
    "cursor_path",
    "next_url_path",
}


def stream_block(
    stream: Stream,
    *,
    clock: Clock | None,
    paging: Paging,
    incremental: Mapping[str, Any] | None,
    columns: Mapping[str, Any],
    over: tuple[Stream, Api],
) -> dict[str, Any]:
    """Return the settings of a stream.

    Args:
        stream: The stream, with its primary key and where its rows are.
        clock: The time that moves.
        paging: The paginator.
        incremental: The settings of the time range; None if the API does not filter.
        columns: The columns.
        over: The settings over which the block is merged: of the stream, and of its API.
    """
    block: dict[str, Any] = {"data_selector": stream.data_selector}
    for flag in ("data_selector_empty_ok", "single_object"):
        if getattr(stream, flag) or getattr(over[0], flag):
            block[flag] = getattr(stream, flag)
    block["primary_key"] = stream.primary_key if isinstance(stream.primary_key, str) else list(stream.primary_key)
    block["replication_key"] = clock.name if clock else None
    block["paginator"] = paginator_block(paging, [settings.paginator for settings in over])
    block["incremental"] = incremental or {"start_param": None, "end_param": None}
    if over[0].incremental.window is not None:
        block["incremental"]["window"] = None  # it needs both parameters
    return {**block, "schema": columns}


def paginator_block(paging: Paging, over: Iterable[Paging]) -> dict[str, Any]:
    """Return the settings of a paginator.

    Args:
        paging: What was found.
        over: The paginators over which it is merged: what those of the same type have otherwise is written, too.
    """
    found, default = msgspec.to_builtins(paging), msgspec.to_builtins(type(paging)())
    others = [msgspec.to_builtins(other) for other in over if type(other) is type(paging)]
    shown = SHOWN if found["type"] != "single_page" else {"type"}
    if found.get("limit_param") is not None:
        shown = shown | {"limit"}
    return {
        name: value
        for name, value in found.items()
        if name in shown or value != default[name] or any(other.get(name, value) != value for other in others)
    }


def columns(rows: Sequence[Row], keys: Iterable[str], clock: Clock | None) -> dict[str, Any]:
    """Return the columns of the rows: nullable, but for the keys. The replication key is a date-time."""
    found = {
        name: {k: v for k, v in column.items() if k not in INTEGER_BOUNDS} for name, column in infer(rows, ()).items()
    }
    for name in keys:
        if name in found:
            found[name]["type"] = found[name]["type"][0]
    if clock is not None:
        found[clock.name] = {"type": ["string", "null"], "format": "date-time"}
    return found
