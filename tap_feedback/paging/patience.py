"""Limits that end a sync which would never end by itself."""

from __future__ import annotations

from singer_sdk.exceptions import FatalAPIError

#: Maximum number of responses in a row without new rows.
MOST_IDLE = 60
#: Maximum number of rows to receive: a multiple of the rows of the stream, plus a number.
MOST_READINGS, SPARE_ROWS = 10, 2_000
#: Maximum number of times that a list is read again from its beginning, because no known row is left there.
MOST_RESTARTS = 5

NO_STABLE_ORDER = (
    "the rows have no stable order, so pages cannot be joined; request one in `params`, such as a sort by the key"
)
NEVER_SETTLES = (
    f"{MOST_IDLE} responses in a row had no new rows, but the end was not reached; request a stable order in `params`, "
    "such as the oldest row first"
)


class Patience:
    """Counts responses without progress, and fails the sync if there are too many."""

    def __init__(self) -> None:
        self._idle = 0
        self._received = 0
        self._restarts = 0

    def respond(self, rows: int, *, distinct: int) -> None:
        """Count a response and its rows.

        Raises:
            FatalAPIError: There were too many rows, or too many responses without new rows.
        """
        self._received += rows
        self._idle += 1
        if self._received > MOST_READINGS * (distinct + rows) + SPARE_ROWS:
            raise FatalAPIError(NO_STABLE_ORDER)
        if self._idle > MOST_IDLE:
            raise FatalAPIError(NEVER_SETTLES)

    def advance(self) -> None:
        """Note progress: count idle responses from zero again."""
        self._idle = 0

    def restart(self) -> None:
        """Count a restart from the beginning of the list.

        Raises:
            FatalAPIError: There were too many restarts.
        """
        self._restarts += 1
        if self._restarts > MOST_RESTARTS:
            raise FatalAPIError(NO_STABLE_ORDER)
