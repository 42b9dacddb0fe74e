"""The pages of a stream: fetched ahead where it can be told what comes next, and again where a failure may pass."""

from __future__ import annotations

import itertools
import random
import time
from collections import deque
from typing import TYPE_CHECKING

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.connection import RefusedError
from tap_feedback.page import Page, read_page
from tap_feedback.retry import TransientError, Tries, Wait, decide, in_seconds

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.baton import Baton
    from tap_feedback.connection import Answer, Connection
    from tap_feedback.page import Selection
    from tap_feedback.paging import PageRequest, Paginator
    from tap_feedback.progress import Progress


#: Seconds of waiting for a page that make another request ahead worth it: what it takes to handle some pages.
WORTH_ANOTHER = 0.005


class Fetcher:
    """Fetches the pages of one stream, in order.

    Args:
        connection: The stream's API.
        baton: Held by whoever calls; laid down while there is nothing to do but wait.
        progress: Where pages, retries and waits are counted.
        logger: Is told of retries.
        selection: Where the rows of a response are.
        request_for: Makes the request that a paginator asks for.
        on_answer: Is told of each response, in the order of the pages.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        baton: Baton,
        progress: Progress,
        logger: logging.LoggerAdapter[logging.Logger],
        selection: Selection,
        request_for: Callable[[PageRequest], HTTPRequest],
        on_answer: Callable[[Answer], None],
    ) -> None:
        self.connection = connection
        self.baton = baton
        self.progress = progress
        self.logger = logger
        self.selection = selection
        self.request_for = request_for
        self.on_answer = on_answer
        self._under_way: dict[str, Future[Answer]] = {}
        self._waited = 0.0  # seconds, for the last page

    def pages(self, paginator: Paginator) -> Iterator[Page]:
        """The pages, each with only the rows that are new, as the API gave them.

        The first is asked for at once, and what comes next before a page is handed out, so that the network works while
        the rows are handled.
        """
        self._ask_for(paginator.upcoming(1))
        return self._follow(paginator)

    def _follow(self, paginator: Paginator) -> Iterator[Page]:
        """The pages, one after another."""
        width = 1
        while not paginator.finished:
            try:
                page = self._get(paginator)
            except RefusedError as error:
                if not paginator.recover(error.status):
                    raise
                continue
            if not paginator.finished:
                # One request, then one that may prove the end, then more and more, as far as they are waited for.
                self._ask_for(paginator.upcoming(width))
                if width == 1 or self._waited > WORTH_ANOTHER:
                    width = min(2 * width, self.connection.api.max_connections)
            self.progress.pages += 1
            if paginator.total is not None:
                self.progress.totals[id(paginator)] = paginator.total
            yield page

    def _ask_for(self, wanted: list[PageRequest]) -> None:
        """Have the requests under way that are wanted, and no others."""
        kept = {str(page): self._under_way.pop(str(page), None) for page in wanted}
        for unwanted in self._under_way.values():
            unwanted.cancel()
        self._under_way = {
            str(page): kept[str(page)] or self.connection.submit(self.request_for(page)) for page in wanted
        }

    def _get(self, paginator: Paginator) -> Page:
        """Wait for the next page, trying again what may pass; the page, with only the rows that are new.

        Raises:
            FatalAPIError: The failure is no passing one, or did not pass in time.
        """
        tries, wanted = Tries(), paginator.request
        awaited = "a response"
        while True:
            request = self.request_for(wanted)
            answer = self._under_way.pop(str(wanted), None) or self.connection.submit(request, again=tries.any)
            try:
                began = time.monotonic()
                with self.progress.waiting(awaited), self.baton.laid_down():
                    answer.exception()  # waits
                self._waited = time.monotonic() - began
                result = answer.result()
                self._count_wait(began, result.held_until)
                self.on_answer(result)
                page = read_page(result.body, self.selection, result.received, result.headers)
                return page._replace(rows=paginator.take(page))
            except TransientError as failure:
                self._count_wait(began, failure.held_until)
                self._wait(self._check_retry(tries, failure, request.url), failure)
                awaited = "the API, which asked to wait" if failure.asked else "a response"
            except FatalAPIError as error:
                error.args = (f"{error}; the address was {request.url}",)
                raise

    def _count_wait(self, began: float, held_until: float) -> None:
        """Count the time for which the stream waited as its request had to wait for its turn.

        Such a wait is no reason to send more requests ahead: they would wait too.
        """
        if held_until:
            self.progress.waited += max(0.0, held_until - began)
            self._waited = 0.0

    def _check_retry(self, tries: Tries, failure: TransientError, address: str) -> float:
        """See whether another try is allowed, and in how many seconds.

        Raises:
            FatalAPIError: It is not.
        """
        api = self.connection.api
        counted = tries.add(failure)
        proven = self.progress.pages > 0
        decision = decide(failure, counted, api.retry, jitter=random.random(), proven=proven)  # noqa: S311
        if isinstance(decision, Wait):
            return decision.seconds
        if decision.too_long:
            raise FatalAPIError(
                f"{failure}, and the API asked to wait {in_seconds(failure.asked or 0)}, more than "
                f"`{api.name}.retry.max_wait` ({in_seconds(api.retry.max_wait)}); run the sync later, or "
                f"raise `{api.name}.retry.max_wait`"
            )
        raise FatalAPIError(f"{tries}{tries.hint}; the address, from `{api.name}.base_url`, was {address}")

    def _wait(self, seconds: float, failure: TransientError) -> None:
        """Wait before another try. After a refusal the gate holds it, with all other requests to the host."""
        self.progress.retries += 1
        if failure.asked:
            self.logger.info("%s; the API asked to wait %s", failure, in_seconds(seconds))
        else:
            self.logger.info("%s; retrying in %s", failure, in_seconds(seconds))
        if seconds and not failure.refused:
            began = time.monotonic()
            with self.progress.waiting("a retry"), self.baton.laid_down():
                self.connection.sleep(seconds)
            self.progress.waited += time.monotonic() - began


def side_by_side(chains: Iterable[Iterator[Page]], most: int) -> Iterator[Page]:
    """The pages of several chains, of which `most` are under way at once; each chain's own order stays.

    Chains are asked for a page in turn. As each has its next request under way before it hands a page out, the network
    works for all of them.

    Args:
        chains: Taken one by one, when there is room; each sends its first request when it is taken.
        most: How many are under way at once.
    """
    waiting = iter(chains)
    under_way = deque(itertools.islice(waiting, most))
    while under_way:
        chain = under_way.popleft()
        page = next(chain, None)
        if page is not None:
            under_way.append(chain)
            yield page
        else:
            under_way.extend(itertools.islice(waiting, 1))
