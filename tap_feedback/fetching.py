"""The pages of a stream: fetched ahead where it can be told what comes next, and again where a failure may pass."""

from __future__ import annotations

import itertools
import random
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.connection import RefusedError
from tap_feedback.page import Page, read_page
from tap_feedback.retry import TransientError, backoff, transient_reason

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.baton import Baton
    from tap_feedback.connection import Answer, Connection
    from tap_feedback.paging import Paginator
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
        data_selector: Where the rows stand in an answer.
        request_for: Makes the request for a paginator's parameters.
        on_answer: Is told of each response, in the order of the pages.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        baton: Baton,
        progress: Progress,
        logger: logging.LoggerAdapter[logging.Logger],
        data_selector: str,
        request_for: Callable[[dict[str, Any]], HTTPRequest],
        on_answer: Callable[[Answer], None],
    ) -> None:
        self.connection = connection
        self.baton = baton
        self.progress = progress
        self.logger = logger
        self.data_selector = data_selector
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

    def _ask_for(self, wanted: list[dict[str, Any]]) -> None:
        """Have the requests under way that are wanted, and no others."""
        kept = {str(params): self._under_way.pop(str(params), None) for params in wanted}
        for unwanted in self._under_way.values():
            unwanted.cancel()
        self._under_way = {
            str(params): kept[str(params)] or self.connection.submit(self.request_for(params)) for params in wanted
        }

    def _get(self, paginator: Paginator) -> Page:
        """Wait for the next page, trying again what may pass; the page, with only the rows that are new.

        Raises:
            FatalAPIError: The failure is no passing one, or did not pass in time.
        """
        retry, params = self.connection.api.retry, paginator.params
        awaited = "a response"
        for attempt in itertools.count(1):
            request = self.request_for(params)
            answer = self._under_way.pop(str(params), None) or self.connection.submit(request)
            asked = None
            try:
                began = time.monotonic()
                with self.progress.waiting(awaited), self.baton.laid_down():
                    answer.exception()  # waits
                self._waited = time.monotonic() - began
                self.on_answer(answer.result())
                body, received, headers, _ = answer.result()
                page = read_page(body, self.data_selector, received, headers)
                return page._replace(rows=paginator.take(page))
            except TransientError as error:
                reason, asked = str(error), error.asked
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                transient = transient_reason(error)
                if transient is None:
                    raise FatalAPIError(f"the request failed for good: {type(error).__name__}: {error}") from None
                reason = transient
            except FatalAPIError as error:
                error.args = (f"{error}; the address was {request.url}",)
                raise
            self._check_retry(attempt, reason, asked, request.url)
            # Who asks to wait until a moment that is past has another clock: the usual wait is the safer one.
            wait = asked or backoff(attempt, retry.backoff_factor, random.random())  # noqa: S311
            self._wait(reason, wait, paused=bool(asked))
            awaited = "the API, which asked to wait" if asked else "a response"
        raise AssertionError  # pragma: no cover - count never ends

    def _check_retry(self, attempt: int, reason: str, asked: float | None, address: str) -> None:
        """See whether another try is allowed.

        Raises:
            FatalAPIError: It is not.
        """
        api = self.connection.api
        if asked is not None and asked > api.retry.max_wait:
            raise FatalAPIError(
                f"{reason} and asks to wait for {asked:,.0f} s, more than `{api.name}.retry.max_wait` "
                f"({api.retry.max_wait:,.0f} s)"
            )
        if attempt > api.retry.max_retries:
            times = f", {attempt} times in a row" if attempt > 1 else ""
            raise FatalAPIError(f"{reason}{times}; the address, from `{api.name}.base_url`, was {address}")

    def _wait(self, reason: str, seconds: float, *, paused: bool) -> None:
        """Wait before another try; where the server asked for it, the connection is paused already."""
        self.logger.info("%s; trying again in %.1f s", reason, seconds)
        self.progress.retries += 1
        self.progress.waited += seconds
        if seconds and not paused:
            with self.progress.waiting("a retry"), self.baton.laid_down():
                time.sleep(seconds)


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
