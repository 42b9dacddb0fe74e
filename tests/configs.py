"""Configs as the tests load them: with the streams that the tap ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigValidationError

from tap_feedback import settings_schema, validation
from tap_feedback.streams import shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_feedback.settings import Settings

SHIPPED = shipped()
#: The names of the streams of each API.
STREAMS: dict[str, tuple[str, ...]] = {api: tuple(streams) for api, streams in SHIPPED.items()}


def config_jsonschema() -> dict[str, Any]:
    """The schema of the config."""
    return settings_schema.config_jsonschema(SHIPPED)


def parse(config: Mapping[str, Any]) -> Settings:
    """The settings of a config, which may lack what a sync requires."""
    return validation.load(config, SHIPPED, complete=False)


def problems(config: object, *, schema: Mapping[str, Any] | None = None, complete: bool = True) -> list[str]:
    """The faults of a config."""
    try:
        validation.load(config, SHIPPED, schema=schema, complete=complete)
    except ConfigValidationError as error:
        return error.errors
    return []
