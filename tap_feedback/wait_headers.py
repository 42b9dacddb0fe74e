"""Headers by which an API asks the tap to wait, such as `Retry-After`: seconds, an HTTP date or a Unix epoch."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_feedback.records.timestamps import WAIT_EPOCH_FROM, parse_http_date, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def requested_wait(headers: Mapping[str, str], names: Iterable[str]) -> float | None:
    """Return the seconds that a response asks to wait.

    Args:
        headers: Its headers, whose names may be in any case.
        names: The headers that may have the wait, in order of preference.

    Returns:
        The wait in the first of these headers that can be read, 0 or more; None if no header can be read.
    """
    now = datetime.now(timezone.utc)
    waits = (retry_after(headers.get(name), now) for name in names)
    return next((wait for wait in waits if wait is not None), None)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds to wait for the value of a header: seconds, an HTTP date or a Unix epoch.

    Returns:
        0 or more; None if the header is missing or cannot be read.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = parse_http_date(value)
        if moment is None:
            return None
    else:
        if not math.isfinite(seconds):
            return None
        moment = parse_instant(seconds) if seconds >= WAIT_EPOCH_FROM else None
    return max(0.0, seconds if moment is None else (moment - now).total_seconds())
