"""Search for the parameter by which an API filters rows by the time of their last change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_feedback.page import lookup
from tap_feedback.probe.exchange import BudgetSpentError
from tap_feedback.probe.names import ENDS, NAMES_A_CHANGE, STARTS
from tap_feedback.probe.times import ISO, creation_time, is_ended, is_filtered, thresholds
from tap_feedback.records.timestamps import EPOCH_UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from datetime import datetime

    from tap_feedback.page import Page
    from tap_feedback.probe.lookout import Lookout
    from tap_feedback.probe.times import Clock

    Say = Callable[[str], None]

#: Most parameters that are tried alone, after all were tried together.
MOST_ALONE = 5
#: Requests that must be left to try another format.
ENOUGH_LEFT = 6


class Filter:
    """The search of one stream.

    Args:
        look: What is known of the stream.
        clock: The time that moves.
        page: The first page of a sync.
        params: The parameters of its request.
    """

    def __init__(self, look: Lookout, clock: Clock, page: Page, params: Mapping[str, Any]) -> None:
        self._look = look
        self._clock = clock
        self._page = page
        self._params = params
        self._starts = thresholds(page.rows, clock)
        self.filtered: Page | None = None

    def find(self, say: Say) -> dict[str, Any] | None:
        """Return the settings of `incremental`; None if the API does not filter, as far as requests showed.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: As `Exchange.request`.
        """
        if not self._starts:
            say("whether the API filters by time is unknown: too few rows have different times")
            return None
        own = self._clock.format
        for pattern in (own, "epoch" if own == ISO else ISO):
            if pattern != own and self._look.exchange.left < ENOUGH_LEFT:
                break
            for name in self._names(self._clock._replace(format=pattern)):
                say(f"`{name}` filters by `{self._clock.name}`: for a later start, the earlier rows were left out")
                end = self._find_end(name, self._clock._replace(format=pattern), say)
                return {"start_param": name, "end_param": end, "format": pattern}
        say("no known parameter filters by time: each sync reads all rows, and writes those that changed")
        return None

    def _names(self, clock: Clock) -> Iterator[str]:
        """Return the parameters that are proven to filter, in the format of the clock."""
        own, count = self._look.stream.incremental.start_param, len(self._starts)
        names = self._look.params(dict.fromkeys([*([own] if own else []), *STARTS]))
        starts = {name: self._starts[place * count // len(names)] for place, name in enumerate(names)}
        page = self._get(clock, starts)
        if page is not None and self._look.keys(page) == self._look.keys(self._page):
            return
        start = self._start
        for name in self._heeded(page, starts)[:MOST_ALONE]:
            alone = self._get(clock, {name: start})
            if alone is not None and self._is_filtered(alone, clock, start, name):
                self.filtered = alone
                yield name
                return

    def _find_end(self, name: str, clock: Clock, say: Say) -> str | None:
        """Return the parameter for the end of a time range, whose name follows from that of the start."""
        start, page = self._start, self.filtered
        ends = [moment for moment in thresholds(page.rows, clock) if moment > start] if page else []
        lower = name.lower()
        names = [_replaced(name, word, other) for word, other in ENDS if word in lower]
        if page is None or not ends:
            return None
        end = ends[len(ends) // 2]
        try:
            for other in names:
                ended = self._get(clock, {name: start, other: end})
                if ended and is_ended(page.rows, ended.rows, clock, end, key=self._key):
                    say(f"`{other}` ends the time range: the later rows were left out")
                    return other
        except BudgetSpentError:
            pass
        return None

    def _get(self, clock: Clock, starts: Mapping[str, datetime]) -> Page | None:
        is_number = clock.format in EPOCH_UNITS and self._look.exchange.in_body
        values = {
            name: int(text) if is_number else text for name, text in ((n, clock.text(s)) for n, s in starts.items())
        }
        return self._look.page({**self._params, **values})

    def _heeded(self, page: Page | None, starts: Mapping[str, datetime]) -> list[str]:
        """Return the parameters that may have had an effect, the likeliest first."""
        moments = [moment for row in (page.rows if page else ()) if (moment := self._clock.of(row)) is not None]
        if not moments:
            return list(starts)
        earliest = min(moments)
        return sorted(starts, key=lambda name: (starts[name] > earliest, abs(starts[name] - earliest)))

    def _is_filtered(self, page: Page, clock: Clock, start: datetime, name: str) -> bool:
        created = None if NAMES_A_CHANGE(name) else creation_time(self._page.rows)
        return is_filtered(self._page.rows, page.rows, clock, start, key=self._key, created=created)

    @property
    def _start(self) -> datetime:
        """The moment to request rows from: one in the middle of them."""
        return self._starts[len(self._starts) // 2]

    def _key(self, row: dict[str, Any]) -> Hashable:
        return self._look.keys_of([row])[0]

    def counts_all(self, total_path: str | None) -> bool:
        """Return whether the total counts the rows that were left out, too, so that it is no total of a time range."""
        if self.filtered is None or total_path is None:
            return False
        return bool(lookup(self.filtered.response, total_path) == lookup(self._page.response, total_path))


def _replaced(name: str, word: str, other: str) -> str:
    """Return a name with another word, which begins in upper case if the first one does."""
    place = name.lower().index(word)
    other = other.capitalize() if name[place].isupper() else other
    return name[:place] + other + name[place + len(word) :]
