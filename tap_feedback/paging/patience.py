"""Bounds that end a sync which would never end."""

from __future__ import annotations

from singer_sdk.exceptions import FatalAPIError

#: Responses in a row that may bring nothing new.
MOST_IDLE = 60
#: Rows in all that may be received: so many times those of the stream, and so many more.
MOST_READINGS, SPARE_ROWS = 10, 2_000
#: Times that a list may be read again from its beginning, because no known row is left there.
MOST_RESTARTS = 5

NO_STABLE_ORDER = (
    "the rows have no stable order, so pages cannot be joined; request one in `params`, such as a sort by the key"
)
NEVER_SETTLES = (
    f"{MOST_IDLE} responses in a row brought no new row, but no end either; request a stable order in `params`, "
    "such as the oldest row first"
)


class Patience:
    """Counts what brings a sync no further, and fails it when that is too much."""

    def __init__(self) -> None:
        self._idle = 0
        self._received = 0
        self._restarts = 0

    def respond(self, rows: int, *, distinct: int) -> None:
        """Count a response and its rows.

        Raises:
            FatalAPIError: There were too many.
        """
        self._received += rows
        self._idle += 1
        if self._received > MOST_READINGS * (distinct + rows) + SPARE_ROWS:
            raise FatalAPIError(NO_STABLE_ORDER)
        if self._idle > MOST_IDLE:
            raise FatalAPIError(NEVER_SETTLES)

    def advance(self) -> None:
        """Count idle responses from zero again, as there was progress."""
        self._idle = 0

    def restart(self) -> None:
        """Count that the list is read again from its beginning.

        Raises:
            FatalAPIError: It happened too often.
        """
        self._restarts += 1
        if self._restarts > MOST_RESTARTS:
            raise FatalAPIError(NO_STABLE_ORDER)
