"""METRIC points of single requests, in the SDK's format, at the debug level."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from singer_sdk.metrics import Metric, Point, Status, Tag, get_metrics_logger

_logger = get_metrics_logger()


def are_logged() -> bool:
    """Return whether METRIC points of single requests are logged."""
    return _logger.isEnabledFor(logging.DEBUG)


def log_duration(stream: str, endpoint: str, status: int, seconds: float) -> None:
    """Log how long a request took.

    Args:
        stream: The name of the stream.
        endpoint: The path of the request, without prefix and query.
        status: The status of the response.
        seconds: The time until its headers arrived.
    """
    tags: dict[str, Any] = {
        Tag.STREAM: stream,
        Tag.ENDPOINT: endpoint,
        Tag.HTTP_STATUS_CODE: status,
        Tag.STATUS: Status.SUCCEEDED if status < HTTPStatus.BAD_REQUEST else Status.FAILED,
    }
    _logger.debug("METRIC: %s", Point("timer", Metric.HTTP_REQUEST_DURATION, seconds, tags))
