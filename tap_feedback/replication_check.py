"""Check of a stream's replication method and keys, as the settings and the catalog have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from tap_feedback.records.replication import is_date, is_instant, is_number
from tap_feedback.records.timestamps import EPOCH_UNITS
from tap_feedback.request import START

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_feedback.ranged_stream import RangedStream
    from tap_feedback.records.replication import Replication
    from tap_feedback.settings import Stream


def check_replication(stream: RangedStream) -> None:
    """Check that a stream can be replicated with its method and key.

    Raises:
        ConfigurationError: It cannot. The message says what to change.
    """
    name, method, key = stream.name, stream.replication_method, stream.replication_key
    if method not in {REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL}:
        raise ConfigurationError(f"catalog: {name} cannot be synced {method}, only FULL_TABLE or INCREMENTAL")
    if method == REPLICATION_FULL_TABLE:
        return
    if key is None:
        raise ConfigurationError(f"catalog: {name} needs a `replication-key` to be synced INCREMENTAL")
    column = stream.effective_schema["properties"].get(key)
    if column is None:
        raise ConfigurationError(f"catalog: {name} has no property {key!r} that could be its replication key")
    if not has_timestamps(stream) and not is_number(column):
        raise ConfigurationError(
            f"{name}: the replication key {key!r} is neither a point in time nor a number, so the tap cannot know "
            f"which rows are new: check `{stream.api}.streams.{name}.replication_key`, or the key and its "
            "`format` in the catalog"
        )


def has_timestamps(stream: RangedStream) -> bool:
    """Return whether values of the replication key are compared as points in time.

    The tap's own schema is enough for that, as a catalog may have lost the `format`. A number is an epoch if the API
    wants epochs for the start of a range.
    """
    own = stream.schema["properties"].get(stream.replication_key, {})
    used = stream.effective_schema["properties"].get(stream.replication_key, {})
    if is_number(used) and not is_instant(used):
        return requests_epochs(stream.declaration)
    return is_instant(used) or is_instant(own)


def requests_epochs(declaration: Stream) -> bool:
    """Return whether the start of a range is requested as an epoch."""
    incremental = declaration.incremental
    texts = [declaration.params, declaration.json, declaration.passes]
    return incremental.format in EPOCH_UNITS and (incremental.start_param is not None or START in str(texts))


def has_dates(stream: RangedStream) -> bool:
    """Return whether values of the replication key are dates without a time."""
    return is_date(stream.effective_schema["properties"].get(stream.replication_key, {}))


def warn_of_older_catalog(stream: RangedStream) -> None:
    """Log which keys of the settings have no effect because the catalog has others."""
    own = stream.declaration
    for setting, given, used in (
        ("primary_key", own.primary_keys, stream.primary_keys),
        ("replication_key", own.replication_key, stream.replication_key),
    ):
        if setting in own.given and _names(given) != _names(used):
            stream.stream_log.warning(
                "`%s.streams.%s.%s` is %s, but the catalog says %s, and the catalog wins: "
                "run `--discover` again, or change it there",
                *(stream.api, stream.name, setting, _names(given), _names(used)),
            )


def warn_of_rows_without_key(stream: RangedStream, replication: Replication) -> None:
    """Warn that syncs cannot be incremental, if no row has a usable replication key."""
    if replication.has_values is False:
        stream.stream_log.warning(
            "no row has `%s`, so %s; check `%s.streams.%s.replication_key`",
            replication.key,
            "there is no bookmark and every sync reads everything"
            if replication.bookmark is None
            else "the bookmark does not move and every sync starts from it",
            stream.api,
            stream.name,
        )


def _names(key: str | Sequence[str] | None) -> str:
    """Return the names of a key, in words."""
    names = [key] if isinstance(key, str) else key or ()
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"
