"""Chains of a stream: the pages of one time range in one pass, for one parent if it is a child."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

from singer_sdk.streams.rest import PageContext

from tap_feedback.fetching import Fetcher, Source
from tap_feedback.hooks import hooks_of
from tap_feedback.request import RangeRequest
from tap_feedback.restarts import Chain, Restarts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.helpers.types import Context

    from tap_feedback.api_stream import ApiStream
    from tap_feedback.checkpoint import Mark
    from tap_feedback.page import Page
    from tap_feedback.records.time_range import Bounds


def pages_of(
    stream: ApiStream,
    bounds: Bounds,
    params: Mapping[str, Any],
    context: Context | None,
    *,
    checks_order: bool,
    mark: Mark | None = None,
) -> Iterator[Page]:
    """Return the pages of one time range, which takes several chains if the API serves only so many pages of one."""
    start, end = bounds

    def chain(start: str | None) -> Chain:
        made = _chain(stream, RangeRequest(params, start, end), context, checks_order=checks_order)
        if mark is None or made.order is None or not mark.checkpoints.follows_rows:
            return made
        return made._replace(pages=mark.follow(made.pages, made.order, made.paginator))

    first = chain(start)
    if stream.declaration.paginator.max_pages is None:
        return first.pages
    restarts = Restarts(
        stream.declaration,
        stream.replication_key,
        stream.row_keys,
        can_start=stream.assembler.sends_start and stream.is_timestamp_replication_key,
    )
    return restarts.pages(first, start, chain)


def _chain(stream: ApiStream, request: RangeRequest, context: Context | None, *, checks_order: bool) -> Chain:
    """Return one chain, whose first request is sent immediately."""
    order = stream.new_order(context) if checks_order else None
    source = Source(
        stream.declaration.selection,
        lambda wanted: stream.get_http_request(page=PageContext(context, request._replace(page=wanted))),
        stream.note_response,
        hooks_of(stream),
        stream.slots,
        order,
    )
    fetcher = Fetcher(stream.connection, source, lock=stream.lock, progress=stream.progress, logger=stream.stream_log)
    paginator = stream.get_new_paginator()
    return Chain(fetcher.pages(paginator), paginator, order)


def interleave(chains: Iterable[Iterator[Page]], most: int) -> Iterator[Page]:
    """Yield the pages of several chains, up to `most` of them concurrently. Each chain keeps its order.

    The chains yield a page in turn. Each has its next request in flight by then, so requests of all run concurrently.

    Args:
        chains: The pages of each chain. The first request of a chain is sent when the chain is taken.
        most: Maximum number of concurrent chains.
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
