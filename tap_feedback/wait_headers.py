"""Headers by which an API asks to wait, such as `Retry-After`: seconds, an HTTP date or a Unix epoch."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_feedback.records.timestamps import WAIT_EPOCH_FROM, parse_http_date, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def requested_wait(headers: Mapping[str, str], names: Iterable[str]) -> float | None:
    """Seconds that a response asks to wait.

    Args:
        headers: Its headers, found in any case.
        names: The headers that may say so, in order of preference.

    Returns:
        The wait by the first of them that can be read, 0 or more; None if none can.
    """
    now = datetime.now(timezone.utc)
    waits = (retry_after(headers.get(name), now) for name in names)
    return next((wait for wait in waits if wait is not None), None)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that the value of a header asks to wait, from seconds, an HTTP date or a Unix epoch.

    Returns:
        0 or more; None if there is no header, or it cannot be read.
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
