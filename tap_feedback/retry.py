"""Retries: whether to send a request again after a failure, and how long to wait before that."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tap_feedback.settings import Retry

#: The longest wait, in seconds: even with a hundred retries, a tap must not wait for days.
LONGEST_BACKOFF = 3600.0
#: If a request is refused this often while others succeed, it has used up one of its retries: the API seems to refuse
#: its path, not the number of requests.
REFUSALS_PER_RETRY = 5


class TransientError(Exception):
    """A failure after which a retry may succeed.

    Attributes:
        hint: What to do about it, as the end of a message.
        retry_after: Seconds that the API asked to wait; None if it did not ask.
        refused: Whether the API refuses all requests for now, because there are too many.
        first_retries: Maximum retries of a stream's first page, if wrong settings are the likelier cause; None for no
            such limit.
        strikes: Number of refusals by the host in a row, including this one. The gate sets it.
        pause: Seconds for which the gate then holds all requests to the host. The gate sets it.
        held_until: When the request was sent, by the monotonic clock, if it had to wait for its turn, else 0.
        is_of_token: Whether the request was for an access token, not for a page.
    """

    strikes = 0
    pause = 0.0
    held_until = 0.0
    is_of_token = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retry_after: float | None = None,
        refused: bool = False,
        first_retries: int | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.retry_after = retry_after
        self.refused = refused or bool(retry_after)
        self.first_retries = first_retries


class Wait(NamedTuple):
    """The decision to retry after some seconds."""

    seconds: float


class GiveUp(NamedTuple):
    """The decision to fail; `too_long` if the API asked for a longer wait than `retry.max_wait`."""

    too_long: bool = False


def decide(failure: TransientError, tries: int, policy: Retry, *, jitter: float, proven: bool = True) -> Wait | GiveUp:
    """Decide whether to retry a request, and after what wait. The gate and the fetcher follow this decision.

    Args:
        failure: Why the last try failed.
        tries: Number of tries that count, including the last one; see `Tries`.
        policy: The API's settings.
        jitter: A random number from 0 to 1, so that clients that failed together do not retry together.
        proven: Whether the stream's settings are known to work, as it has received a page.
    """
    if failure.retry_after is not None and failure.retry_after > policy.max_wait:
        return GiveUp(too_long=True)
    if tries > policy.max_retries or (
        not proven and failure.first_retries is not None and tries > failure.first_retries
    ):
        return GiveUp()
    # If the API asks to wait until a moment in the past, its clock differs from ours: the usual wait is safer.
    return Wait(failure.pause or failure.retry_after or backoff(tries, policy.backoff_factor, jitter))


class Tries:
    """The failed tries of one request."""

    def __init__(self) -> None:
        self._failures: list[TransientError] = []

    def add(self, failure: TransientError) -> int:
        """Add a failure.

        Returns:
            The number of tries that count so far. A refusal counts only if no request to the host has succeeded since
            the refusal before.
        """
        self._failures.append(failure)
        alike = sum(other.refused == failure.refused for other in self._failures)
        return max(failure.strikes, alike // REFUSALS_PER_RETRY) if failure.refused else alike

    def __str__(self) -> str:
        """Return what happened, and how often."""
        reasons = Counter(map(str, self._failures))
        if len(reasons) > 1:
            each = "; ".join(reason + _times(number) for reason, number in reasons.items())
            return f"{len(self._failures)} tries failed ({each})"
        last = self._failures[-1]
        number = max(len(self._failures), last.strikes)
        return f"{last}{_times(number)} in a row" if number > 1 else str(last)

    @property
    def any(self) -> bool:
        """Whether a try has failed."""
        return bool(self._failures)

    @property
    def hint(self) -> str:
        """What to do about it, as the end of a message."""
        return "".join(dict.fromkeys(failure.hint for failure in self._failures))


def _times(number: int) -> str:
    """Return how often it happened, as the end of a message."""
    return f", {number} times" if number > 1 else ", once"


def backoff(attempt: int, factor: float, jitter: float) -> float:
    """Return the seconds to wait after the failed try number `attempt` (from 1): factor^attempt, plus up to a tenth.

    With a factor of 0, there is no wait. `jitter` is a random number from 0 to 1.
    """
    return 0.0 if factor == 0 else min(float(factor) ** attempt, LONGEST_BACKOFF) * (1 + jitter / 10)
