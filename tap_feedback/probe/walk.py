"""Proof of a paginator: it reads three pages, as in a sync, and is believed if they do not contradict it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.paging import Address, OffsetPaging, keys_by
from tap_feedback.paging.offset import WHOLE_PAGES
from tap_feedback.responses import PAGES
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from tap_feedback.page import Page
    from tap_feedback.paging import Paging
    from tap_feedback.probe.exchange import Exchange
    from tap_feedback.settings import Stream

    Row = dict[str, Any]

#: Number of pages that prove a paginator.
ENOUGH = 3


class Walk(NamedTuple):
    """What a paginator did: the pages with their new rows, and why it failed; None if it did not.

    `ended` says whether it reached the end. `paging` is the paginator with what the pages taught.
    """

    paging: Paging
    pages: list[Page]
    new: list[list[Row]]
    ended: bool
    failure: str | None = None

    @property
    def rows(self) -> list[Row]:
        """The rows of all pages."""
        return [row for page in self.new for row in page]

    @property
    def proven(self) -> bool:
        """Whether a second page was read, and a third, unless the second one is the last."""
        pages = sum(map(bool, self.new))
        return self.failure is None and (pages >= ENOUGH or (pages > 1 and self.ended))


def walk(exchange: Exchange, stream: Stream, paging: Paging) -> Walk:
    """Read up to three pages with rows.

    Args:
        exchange: Sends the requests.
        stream: The stream, with its primary key and where its rows are.
        paging: The paginator to prove.

    Raises:
        BudgetSpentError: No request is left.
        ProbeError: As `Exchange.request`.
    """
    stream = msgspec.structs.replace(stream, paginator=paging)
    api = exchange.connection.api
    notices: list[str] = []
    address = Address(api.base_url, api.path_prefix, stream.path)
    keys = keys_by(stream.primary_keys)
    paginator = paging.start(keys=keys, notice=lambda _, text: notices.append(text), address=address)
    pages: list[Page] = []
    new: list[list[Row]] = []
    failure = None
    try:
        while not paginator.finished and sum(map(bool, new)) < ENOUGH:
            reply = exchange.request(paginator.request, stream)
            if reply.status not in PAGES and reply.status >= HTTPStatus.BAD_REQUEST and paginator.recover(reply.status):
                continue
            page = reply.page(stream.selection)
            new.append(paginator.take(page))
            pages.append(page)
        known = [key for rows in new if rows for key in keys(rows)]
        if len(set(known)) < len(known):
            failure = "rows of one page come again on another"
    except (FatalAPIError, TransientError) as error:
        failure = str(error)
    if WHOLE_PAGES in notices and isinstance(paging, OffsetPaging):
        paging = msgspec.structs.replace(paging, overlap=0)
    return Walk(paging, pages, new, paginator.finished, failure)
