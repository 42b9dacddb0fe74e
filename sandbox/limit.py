"""Limit on the requests to one or several sandboxes."""

from __future__ import annotations

import math
import threading
from collections import deque

from sandbox.exchange import Refused


class Limit:
    """Allows so many requests in any period of so many seconds, and refuses the others with 429 and `Retry-After`.

    Args:
        requests: Maximum number of requests in a period.
        seconds: Length of a period.
    """

    def __init__(self, requests: int, seconds: float) -> None:
        self._seconds = seconds
        self._allowed: deque[float] = deque(maxlen=requests)
        self._lock = threading.Lock()
        self.refused = 0

    def take(self, now: float) -> None:
        """Count a request.

        Raises:
            Refused: There were too many requests.
        """
        with self._lock:
            if len(self._allowed) == self._allowed.maxlen and (wait := self._allowed[0] + self._seconds - now) > 0:
                self.refused += 1
                raise Refused(429, "too many requests", headers={"Retry-After": str(math.ceil(wait))})
            self._allowed.append(now)
