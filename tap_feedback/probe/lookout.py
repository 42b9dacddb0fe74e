"""What is known of a stream while its paging is searched: its rows, their keys, and the page size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.paging import keys_by
from tap_feedback.probe.names import SIZES
from tap_feedback.probe.numbering import heeded_sizes, small_size, try_sizes
from tap_feedback.probe.signs import echoed
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from tap_feedback.page import Page
    from tap_feedback.probe.exchange import Exchange
    from tap_feedback.settings import Stream

    Say = Callable[[str], None]

#: Most parameters of a kind that are tried alone, after all were tried together.
MOST_ALONE = 5
#: Rows that a page must have, so that a smaller one differs from it.
SEVERAL = 2
#: The page size of the settings, if the API accepts it.
USUAL_SIZE = 100


class Lookout:
    """The rows of a stream, as far as they were seen.

    Args:
        exchange: Sends the requests.
        stream: The stream, with its primary key and where its rows are.
        natural: The first page, as it comes without parameters for pages.

    Attributes:
        size_param: The parameter for the page size; None as long as none is known.
        small: The page size for proofs.
        first: The first page of that size; the natural one if the size cannot be set.
    """

    def __init__(self, exchange: Exchange, stream: Stream, natural: Page) -> None:
        self.exchange = exchange
        self.stream = stream
        self.natural = self.first = natural
        self.keys_of = keys_by(stream.primary_keys)
        self.known = self.keys(natural)
        self.size_param: str | None = None
        self.small = small_size(len(natural.rows))

    def keys(self, page: Page) -> list[Hashable]:
        """Return the keys of the rows of a page."""
        return self.keys_of(page.rows)

    def page(self, params: Mapping[str, Any]) -> Page | None:
        """Return the page for some parameters; None if the API refuses them, or returns something else.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: As `Exchange.request`.
        """
        try:
            return self.exchange.get(params).page(self.stream.selection)
        except (FatalAPIError, TransientError):
            return None

    @property
    def size(self) -> dict[str, int]:
        """The parameter for the page size, with the one for proofs."""
        return {self.size_param: self.small} if self.size_param else {}

    @property
    def location(self) -> str:
        """Where the parameters are: as the setting `paginator.location`."""
        return "body" if self.exchange.in_body else "query"

    @property
    def prefixes(self) -> list[str]:
        """What may stand before a parameter in a body: nothing, or an object for pages that the `json` has."""
        own = self.stream.json if self.exchange.in_body else {}
        inner = [f"{name}." for name, value in own.items() if isinstance(value, dict) and "pag" in name.lower()]
        return [*inner, ""]

    def params(self, names: Iterable[str], *, page: Page | None = None) -> list[str]:
        """Return names of parameters: first those that the response repeats, without those that the stream has set."""
        sent = {*self.stream.params, *self.exchange.connection.api.params}
        usual = echoed(page or self.natural, [name for name in names if name not in sent])
        return [
            prefix + name for prefix in self.prefixes for name in usual if "[" not in name or not self.exchange.in_body
        ]

    def find_size(self) -> None:
        """Find the parameter for the page size.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: As `Exchange.request`.
        """
        names, count = self.params(SIZES), len(self.natural.rows)
        if count < SEVERAL:
            return
        tried = try_sizes(names, count)
        page = self.page(tried)
        if page is None:
            self._try_sizes(names)
        elif len(page.rows) != count or self.keys(page) != self.known:
            self._try_sizes(list(dict.fromkeys([*heeded_sizes(tried, len(page.rows)), *names])))

    def _try_sizes(self, names: Sequence[str]) -> None:
        """Request a small page by one parameter after the other. An API may have a smallest page, which is larger."""
        for name in names[:MOST_ALONE]:
            page = self.page({name: self.small})
            if page is not None and 0 < len(page.rows) < len(self.known):
                if self.keys(page) == self.known[: len(page.rows)]:
                    self.size_param, self.first, self.small = name, page, len(page.rows)
                return
