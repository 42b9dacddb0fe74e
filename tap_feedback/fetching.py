"""The pages of a stream: fetched ahead when the next requests are known, and again if a failure may pass."""

from __future__ import annotations

import itertools
import random
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.auth.base import TokenError
from tap_feedback.failures import in_seconds
from tap_feedback.hooks import Waits, as_requests, with_tries
from tap_feedback.page import Page, bare_page, read_page
from tap_feedback.responses import RefusedError
from tap_feedback.retry import TransientError, Tries, Wait, decide

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.connection import Connection
    from tap_feedback.hooks import Hooks
    from tap_feedback.lock import StreamLock
    from tap_feedback.page import Selection
    from tap_feedback.paging import PageRequest, Paginator
    from tap_feedback.progress import Progress
    from tap_feedback.responses import Response
    from tap_feedback.row_order import RowOrder
    from tap_feedback.slots import Slots


#: Seconds of waiting for a page that make another request ahead worthwhile: the time to handle some pages.
WORTH_ANOTHER = 0.005


class Sent(NamedTuple):
    """A request for a page, and its response."""

    request: HTTPRequest
    response: Future[Response]


class Source(NamedTuple):
    """What of a stream the fetcher needs.

    Attributes:
        selection: Where the rows of a response are.
        request_for: Makes the request for a page.
        on_response: Receives each response, in the order of the pages.
        hooks: What the stream overrides.
        slots: When the stream may send a request.
        order: Checks the order of the rows; None if the settings promise none.
    """

    selection: Selection
    request_for: Callable[[PageRequest], HTTPRequest]
    on_response: Callable[[Response], None]
    hooks: Hooks
    slots: Slots
    order: RowOrder | None = None


class Fetcher:
    """Fetches the pages of one stream, in order.

    Args:
        connection: The stream's API.
        source: The stream.
        lock: Held by the caller; released during waits.
        progress: Where pages, retries and waits are counted.
        logger: Logs retries.
    """

    def __init__(
        self,
        connection: Connection,
        source: Source,
        *,
        lock: StreamLock,
        progress: Progress,
        logger: logging.LoggerAdapter[logging.Logger],
    ) -> None:
        self.connection = connection
        self.source = source
        self.lock = lock
        self.progress = progress
        self.logger = logger
        self._in_flight: dict[str, Sent] = {}
        self._waited = 0.0  # seconds, for the last page

    def pages(self, paginator: Paginator) -> Iterator[Page]:
        """The pages, each with only the rows that are new, as the API gave them.

        The first is requested immediately, and the next ones before a page is returned, so that the network works while
        the rows are handled.
        """
        self._request(paginator.upcoming(1))
        return self._follow(paginator)

    def _follow(self, paginator: Paginator) -> Iterator[Page]:
        """The pages, one after another."""
        width, number = 1, None
        while not paginator.finished:
            try:
                page = self._get(paginator)
            except RefusedError as error:
                if not paginator.recover(error.status):
                    raise
                continue
            if paginator.finished:
                self._request([])
            else:
                # One request, then one that may prove the end, then more, as long as the stream waits for them.
                self._request(paginator.upcoming(width))
                if not self.source.slots.is_limited and (width == 1 or self._waited > WORTH_ANOTHER):
                    width = min(2 * width, self.connection.api.max_connections)
            self.progress.pages += 1
            if paginator.total is not None:
                number = len(self.progress.totals) if number is None else number
                self.progress.totals[number] = paginator.distinct if paginator.is_capped else paginator.total
            yield page

    def _request(self, wanted: list[PageRequest]) -> None:
        """Have exactly the wanted requests in flight."""
        kept = {str(page): self._in_flight.pop(str(page), None) for page in wanted}
        for unwanted in self._in_flight.values():
            unwanted.response.cancel()
        self._in_flight = {str(page): kept[str(page)] or self._send(page) for page in wanted}

    def _send(self, page: PageRequest) -> Sent:
        """Send the request for a page, without waiting for the response."""
        return self._submit(self.source.request_for(page))

    def _submit(self, request: HTTPRequest, *, again: bool = False) -> Sent:
        now = time.monotonic()
        if (seconds := self.source.slots.take(now) - now) > 0:
            self._sleep(seconds, "its turn")
        response = self.connection.submit(
            request, again=again, stream=self.progress.stream, validate=self.source.hooks.validate_response
        )
        return Sent(request, response)

    def _get(self, paginator: Paginator) -> Page:
        """Wait for the next page, and retry transient failures; the page, with only the rows that are new.

        Raises:
            FatalAPIError: The failure is not transient, or lasted too long.
        """
        tries, wanted = Tries(), paginator.request
        waits = Waits(self.source.hooks.backoff_wait_generator)
        sent = self._in_flight.pop(str(wanted), None) or self._send(wanted)
        awaited = "a response"
        while True:
            began = time.monotonic()
            try:
                with self.progress.waiting(awaited), self.lock.released():
                    sent.response.exception()  # waits
                self._waited = time.monotonic() - began
                response = sent.response.result()
                self._count_wait(began, response.held_until)
                self.source.on_response(response)
                page = self._read(response, sent.request)
                return self._take(paginator, page)
            except TransientError as failure:
                self._count_wait(began, failure.held_until)
                seconds = self._check_retry(tries, failure, sent.request.url)
                self._wait(waits.instead_of(seconds, failure), failure)
                awaited = "the API, which asked to wait" if failure.retry_after else "a response"
                sent = self._submit(sent.request, again=True)
            except TokenError:
                raise  # the address of the page has nothing to do with it
            except FatalAPIError as error:
                error.args = (f"{error}; the address was {sent.request.url}",)
                raise

    def _take(self, paginator: Paginator, page: Page) -> Page:
        """Hand a page to the paginator, and end if all behind it is older than what is wanted."""
        rows = paginator.take(page)
        paginator.mind_cap(page)
        if self.source.order is not None and self.source.order.take(page.rows, reach=paginator.reach):
            paginator.finished, paginator.is_capped = True, False
        return page._replace(rows=rows)

    def _read(self, response: Response, request: HTTPRequest) -> Page:
        """Decode a response and select its rows, as the stream's own hook does if it has one."""
        if self.source.hooks.parse_response is None:
            return read_page(response.body, self.source.selection, response.received, response.headers)
        rows = list(self.source.hooks.parse_response(as_requests(response, request)))
        return bare_page(response.body, response.received, response.headers)._replace(rows=rows, unstorable=True)

    def _count_wait(self, began: float, held_until: float) -> None:
        """Count the time for which the stream waited because its request had to wait for its turn.

        Such a wait is no reason to send more requests ahead: they would wait too.
        """
        if held_until:
            self.progress.waited += max(0.0, held_until - began)
            self._waited = 0.0

    def _check_retry(self, tries: Tries, failure: TransientError, address: str) -> float:
        """The seconds to wait before another try.

        Raises:
            FatalAPIError: There will be no other try.
        """
        api = self.connection.api
        counted = tries.add(failure)
        proven = self.progress.pages > 0
        policy = with_tries(api.retry, self.source.hooks.backoff_max_tries)
        decision = decide(failure, counted, policy, jitter=random.random(), proven=proven)  # noqa: S311
        if isinstance(decision, Wait):
            return decision.seconds
        if decision.too_long:
            raise FatalAPIError(
                f"{failure}, and the API asked to wait {in_seconds(failure.retry_after or 0)}, more than "
                f"`{api.name}.retry.max_wait` ({in_seconds(api.retry.max_wait)}); run the sync later, or "
                f"raise `{api.name}.retry.max_wait`"
            )
        place = "" if failure.is_of_token else f"; the address, from `{api.name}.base_url`, was {address}"
        raise FatalAPIError(f"{tries}{tries.hint}{place}")

    def _wait(self, seconds: float, failure: TransientError) -> None:
        """Wait before another try. After a refusal the gate holds it, with all other requests to the host."""
        self.progress.retries += 1
        if failure.retry_after:
            self.logger.info("%s; the API asked to wait %s", failure, in_seconds(seconds))
        else:
            self.logger.info("%s; retrying in %s", failure, in_seconds(seconds))
        if seconds and not failure.refused:
            self._sleep(seconds, "a retry")

    def _sleep(self, seconds: float, awaited: str) -> None:
        """Wait, while other streams run."""
        began = time.monotonic()
        with self.progress.waiting(awaited), self.lock.released():
            self.connection.sleep(seconds)
        self.progress.waited += time.monotonic() - began


def side_by_side(chains: Iterable[Iterator[Page]], most: int) -> Iterator[Page]:
    """The pages of several chains, of which `most` run concurrently; each chain keeps its order.

    Each chain returns a page in turn. As it has its next request in flight before it returns a page, the network works
    for all of them.

    Args:
        chains: Taken one by one, when there is room; each sends its first request when it is taken.
        most: How many run concurrently.
    """
    waiting = iter(chains)
    running = deque(itertools.islice(waiting, most))
    while running:
        chain = running.popleft()
        page = next(chain, None)
        if page is not None:
            running.append(chain)
            yield page
        else:
            running.extend(itertools.islice(waiting, 1))
