"""Block of settings: what the probe found, written so that it holds over whatever settings it is merged with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_feedback.columns import INTEGER_BOUNDS, infer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_feedback.paging import Paging
    from tap_feedback.probe.times import Clock

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


def paginator_block(paging: Paging, of_api: Paging) -> dict[str, Any]:
    """The settings of a paginator.

    Args:
        paging: What was found.
        of_api: The paginator of the API: if it has the same type, what differs from the defaults there is written, too.
    """
    found, default = msgspec.to_builtins(paging), msgspec.to_builtins(type(paging)())
    inherited = msgspec.to_builtins(of_api) if type(of_api) is type(paging) else {}
    shown = SHOWN if found["type"] != "single_page" else {"type"}
    if found.get("limit_param") is not None:
        shown = shown | {"limit"}
    return {
        name: value
        for name, value in found.items()
        if name in shown or value != default[name] or inherited.get(name, value) != value
    }


def columns(rows: Sequence[Row], keys: Iterable[str], clock: Clock | None) -> dict[str, Any]:
    """The columns of the rows: nullable, but for the keys. The replication key is a date-time."""
    found = {
        name: {k: v for k, v in column.items() if k not in INTEGER_BOUNDS} for name, column in infer(rows, ()).items()
    }
    for name in keys:
        if name in found:
            found[name]["type"] = found[name]["type"][0]
    if clock is not None:
        found[clock.name] = {"type": ["string", "null"], "format": "date-time"}
    return found
