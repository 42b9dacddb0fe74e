"""Fetcher of a stream's pages: requests them ahead of time if it can, and retries transient failures."""

from __future__ import annotations

import random
import time
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
    from collections.abc import Callable, Iterator
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


#: Seconds of waiting for a page from which one more request ahead is worthwhile: the time to handle some pages.
WORTH_ANOTHER = 0.005
#: Seconds to pause after a request that is alone in flight, so that its thread sends it before the rows are handled.
#: Without a pause, the interpreter would let the stream's thread go on with the rows, and the API would sit idle. If
#: other streams wait for the lock, there is enough to do meanwhile.
HAND_OVER = 0.00003


class Sent(NamedTuple):
    """A request for a page, and its response."""

    request: HTTPRequest
    response: Future[Response]


class Source(NamedTuple):
    """The parts of a stream that the fetcher needs.

    Attributes:
        selection: Where the rows of a response are.
        request_for: Makes the request for a page.
        on_response: Receives each response, in the order of the pages.
        hooks: The hooks that the stream overrides.
        slots: The slots of the stream's `requests_per_minute`.
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
        progress: Counts pages, retries and waits.
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
        """Return the pages, each with only its new rows, as the API sent them.

        The first page is requested immediately. The next ones are requested before a page is returned, so they arrive
        while its rows are handled.
        """
        self._request(paginator.upcoming(1))
        return self._follow(paginator)

    def _follow(self, paginator: Paginator) -> Iterator[Page]:
        """Yield the pages, one after another."""
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
                # First one request, then one that may prove the end, then more, while the stream has to wait for them.
                self._request(paginator.upcoming(width))
                if not self.source.slots.is_limited and (width == 1 or self._waited > WORTH_ANOTHER):
                    width = min(2 * width, self.connection.api.max_connections)
                if len(self._in_flight) == 1 and not self.lock.is_wanted:
                    time.sleep(HAND_OVER)
            self.progress.pages += 1
            if paginator.total is not None:
                number = len(self.progress.totals) if number is None else number
                self.progress.totals[number] = paginator.distinct if paginator.is_capped else paginator.total
            yield page

    def _request(self, wanted: list[PageRequest]) -> None:
        """Send the wanted requests that are not in flight, and cancel those that are no longer wanted."""
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
        """Wait for the next page, retrying transient failures, and return it with only its new rows.

        Raises:
            FatalAPIError: The request failed, and there are no more retries.
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
                raise  # without the URL of the page, which was not requested
            except FatalAPIError as error:
                error.args = (f"{error}; the address was {sent.request.url}",)
                raise

    def _take(self, paginator: Paginator, page: Page) -> Page:
        """Hand a page to the paginator, and end if all that follows is older than what is wanted."""
        order = self.source.order
        try:
            rows = paginator.take(page)
            paginator.mind_cap(page)
            if order is not None:
                order.take(page.rows, reach=paginator.reach)
                if order.is_past and (paginator.moves_on or paginator.is_capped):
                    paginator.finished, paginator.is_capped = True, False
        except FatalAPIError:
            if order is not None:
                order.is_broken = True
            raise
        return page._replace(rows=rows)

    def _read(self, response: Response, request: HTTPRequest) -> Page:
        """Decode a response and select its rows, with the stream's own hook if it has one."""
        if self.source.hooks.parse_response is None:
            return read_page(response.body, self.source.selection, response.received, response.headers)
        rows = list(self.source.hooks.parse_response(as_requests(response, request)))
        return bare_page(response.body, response.received, response.headers)._replace(rows=rows, unstorable=True)

    def _count_wait(self, began: float, held_until: float) -> None:
        """Count the time that a request waited for its turn.

        Such a wait does not lead to more requests ahead, as they would wait too.
        """
        if held_until:
            self.progress.waited += max(0.0, held_until - began)
            self._waited = 0.0

    def _check_retry(self, tries: Tries, failure: TransientError, address: str) -> float:
        """Return the seconds to wait before a retry.

        Raises:
            FatalAPIError: There are no more retries.
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
        """Wait before a retry. After a refusal, the gate holds the retry and all other requests to the host."""
        self.progress.retries += 1
        if failure.retry_after:
            self.logger.info("%s; the API asked to wait %s", failure, in_seconds(seconds))
        else:
            self.logger.info("%s; retrying in %s", failure, in_seconds(seconds))
        if seconds and not failure.refused:
            self._sleep(seconds, "a retry")

    def _sleep(self, seconds: float, awaited: str) -> None:
        """Wait, and let other streams run."""
        began = time.monotonic()
        with self.progress.waiting(awaited), self.lock.released():
            self.connection.sleep(seconds)
        self.progress.waited += time.monotonic() - began
