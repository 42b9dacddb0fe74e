"""Probe of one stream: from the first response to its block of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import (
    MORE_FLAGS,
    NEXT,
    NOT_NEXT,
    TOTALS,
    error_in,
    members_of,
    more_follows,
    not_the_only_page,
)
from tap_feedback.page import MISSING
from tap_feedback.paging import SinglePage
from tap_feedback.probe.block import columns, paginator_block
from tap_feedback.probe.ends import find_flag, find_total, fit_size
from tap_feedback.probe.exchange import MOST_REQUESTS, BudgetSpentError, ProbeError
from tap_feedback.probe.filters import Filter
from tap_feedback.probe.keys import find_key, is_unique
from tap_feedback.probe.lookout import Lookout
from tap_feedback.probe.paging import Search
from tap_feedback.probe.rows import Place, places, words_of
from tap_feedback.probe.times import find_clock
from tap_feedback.retry import TransientError
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.page import Page
    from tap_feedback.paging import Paging
    from tap_feedback.probe.access import Access
    from tap_feedback.probe.exchange import Exchange
    from tap_feedback.probe.walk import Walk

    Row = dict[str, Any]

#: Most other places of rows that are named.
MOST_NAMED = 3
PAGED = "the pages follow by"


class Proof(NamedTuple):
    """What was proven of a stream's pages: the paginator, the first page of a sync, and all distinct rows seen."""

    paging: Paging
    first: Page
    rows: list[Row]


class StreamProbe:
    """The probe of one stream.

    Args:
        exchange: Sends the requests.
        access: How the key is sent.
        say: Takes a reason in one line.
        doubt: Takes what could not be decided, in one line.
    """

    def __init__(
        self, exchange: Exchange, access: Access, *, say: Callable[[str], None], doubt: Callable[[str], None]
    ) -> None:
        self._exchange = exchange
        self._access = access
        self._say = say
        self._doubt = doubt
        self._stream = exchange.declaration

    def run(self) -> dict[str, Any]:
        """The settings of the stream.

        Raises:
            ProbeError: They cannot be decided.
        """
        try:
            page = self._find_rows()
            self._find_key(page)
            look = Lookout(self._exchange, self._stream, page)
            proof = self._prove_single(page) if self._stream.single_object else self._prove_paging(look)
        except BudgetSpentError:
            raise ProbeError(f"{MOST_REQUESTS} requests were not enough to find how pages follow") from None
        return self._block(look, proof)

    # Rows and key

    def _find_rows(self) -> Page:
        """Find where the rows are.

        Raises:
            ProbeError: Nowhere, or there are none.
        """
        reply = self._access.first_reply(self._exchange, self._say)
        if reply.failure is not None:
            raise ProbeError(reply.failure)
        if reply.response is MISSING:
            raise ProbeError("the response is empty (204), so there is nothing to find settings by")
        found = places(reply.response, words_of(self._stream.name, self._stream.path))
        if not found:
            if error := error_in(reply.response, "$.*", empty=True):
                raise ProbeError(f"the response reports a failure in `{error}`; check `api_key`")
            raise ProbeError("the response has no list of objects, and is no object with a key")
        best, *others = found
        if not best.size:
            raise ProbeError(
                f"{best} has no rows, so neither key nor paging can be found; probe again when there are some"
            )
        self._say(f"the rows are at {best}{_named(others)}")
        self._stream = msgspec.structs.replace(
            self._stream,
            data_selector=best.path,
            data_selector_empty_ok=best.is_embedded,
            single_object=best.is_single,
        )
        try:
            return reply.page(best.selection)
        except (FatalAPIError, TransientError) as error:
            raise ProbeError(str(error)) from None

    def _find_key(self, page: Page) -> None:
        """Find the primary key.

        Raises:
            ProbeError: There is none.
        """
        names = find_key(page.rows)
        if not names:
            raise ProbeError(
                "no field that is named like a key has another value in each row, nor several of them together; "
                "set `primary_key` after a look at the rows"
            )
        count = len(page.rows)
        words = " and ".join(f"`{one_line(name)}`" for name in names)
        if count == 1:
            self._doubt(f"the key is {words} by its name alone: only one row was seen")
        else:
            self._say(f"the key is {words}: no two of {count} rows share it")
        self._stream = msgspec.structs.replace(self._stream, primary_key=names[0] if len(names) == 1 else names)

    # Pages

    def _prove_single(self, page: Page) -> Proof:
        self._say("the response is one object, so there are no pages")
        return Proof(SinglePage(), page, page.rows)

    def _prove_paging(self, look: Lookout) -> Proof:
        """Find how the pages follow.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: It cannot be decided.
        """
        self._check_order(look)
        search = Search(look)
        locations = (True, False) if self._stream.method == "POST" else (False,)
        walked = None
        for in_body in locations:
            self._exchange.in_body = in_body
            look.find_size()
            walked = search.find()
            if walked or look.size_param:
                break
        for words in search.refuted if walked is None else ():
            self._doubt(words)
        if walked is None:
            return self._prove_only_page(look)
        return self._complete(look, walked)

    def _check_order(self, look: Lookout) -> None:
        """Send the first request once more: other rows, or another order, would make all proofs worthless.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: The response is another one.
        """
        reply = self._exchange.again()
        if reply.failure is None and look.keys(reply.page(self._stream.selection)) != look.known:
            raise ProbeError(
                "the same request returned other rows, or in another order, so that pages cannot be compared; add a "
                "parameter that sorts them to the stream's `params`, or probe again if rows have come meanwhile"
            )

    def _prove_only_page(self, look: Lookout) -> Proof:
        """Decide whether the first page is the only one, as nothing led on from it.

        Raises:
            ProbeError: It may not be.
        """
        page, count = look.natural, len(look.natural.rows)
        if sign := more_follows(page) or not_the_only_page(page, count):
            raise ProbeError(f"how pages follow was not found, but {sign}; set `paginator` by the API's documentation")
        if look.size_param:
            raise ProbeError(
                f"`{look.size_param}` sets the page size, but no known parameter leads to the next page; set "
                "`paginator` by the API's documentation"
            )
        said = _says_all(page)
        if said is None and count == 1:
            raise ProbeError("one row cannot show how pages follow; probe again when there are three")
        if said is None and count % 10 == 0:
            raise ProbeError(
                f"no known parameter changes the page, but it has {count} rows, a round number, so that more may "
                "follow; set `paginator` by the API's documentation"
            )
        reason = said or f"no known parameter changes it, and {count} rows are no usual page size"
        self._say(f"there is one page: {reason}")
        return Proof(SinglePage(), page, page.rows)

    def _complete(self, look: Lookout, walked: Walk) -> Proof:
        """Find the page size, the total and the flag."""
        paging, first, last = walked.paging, look.natural, None
        tag = paging.__struct_config__.tag
        pages = sum(map(bool, walked.new))
        self._say(
            f"{PAGED} {_describe(paging)} ({tag}): {pages} pages with {len(walked.rows)} rows, none of them twice"
        )
        try:
            paging, first = fit_size(look, paging, self._say)
            paging, last = find_total(look, walked, paging, first, self._say)
        except BudgetSpentError:
            self._doubt("whether there is a total is unknown: no request is left")
        paging = find_flag(walked, paging, last, first, self._say)
        rows = {key: row for page in (walked.rows, look.natural.rows, first.rows) for key, row in _by_key(look, page)}
        return Proof(paging, first, list(rows.values()))

    # Time and block

    def _block(self, look: Lookout, proof: Proof) -> dict[str, Any]:
        """The settings, with the time and the columns.

        Raises:
            ProbeError: The key is not unique among all rows.
        """
        stream, rows, paging = self._stream, proof.rows, proof.paging
        if not is_unique(rows, stream.primary_keys):
            raise ProbeError("rows of several pages share the key; set `primary_key` after a look at the rows")
        clock = None if stream.single_object else find_clock(rows)
        incremental = None
        if clock is None:
            self._say("no time moves with each change, so each sync reads and writes all rows")
        else:
            self._say(f"`{clock.name}` moves with each change, so it is the replication key")
            params = {paging.limit_param: paging.limit} if paging.limit_param else {}
            search = Filter(look, clock, proof.first, params)
            try:
                incremental = search.find(self._say)
            except (BudgetSpentError, ProbeError):
                self._doubt("whether the API filters by time is unknown: no request is left")
            if search.counts_all(None if paging.counts_pages else paging.total_path):
                self._doubt(f"`{paging.total_path}` counts the rows before the start, too, so it is left out")
                paging = msgspec.structs.replace(paging, total_path=None)
        found = columns(rows, stream.primary_keys, clock)
        self._say(f"{len(found)} columns fit the values of {len(rows)} rows")
        block: dict[str, Any] = {"path": stream.path}
        if stream.method == "POST":
            block["method"] = "POST"
        block["data_selector"] = stream.data_selector
        if stream.data_selector_empty_ok:
            block["data_selector_empty_ok"] = True
        if stream.single_object:
            block["single_object"] = True
        block["primary_key"] = stream.primary_key if isinstance(stream.primary_key, str) else list(stream.primary_key)
        block["replication_key"] = clock.name if clock else None
        block["paginator"] = paginator_block(paging, self._exchange.connection.api.paginator)
        block["incremental"] = incremental or {"start_param": None, "end_param": None}
        block["schema"] = found
        return block


def _by_key(look: Lookout, rows: list[Row]) -> list[tuple[Any, Row]]:
    return list(zip(look.keys_of(rows), rows, strict=True))


def _named(others: list[Place]) -> str:
    """The places that are not taken, as the end of a sentence."""
    named = ", ".join(map(str, others[:MOST_NAMED]))
    return f"; not taken: {named}" if named else ""


def _describe(paging: Paging) -> str:
    """What the pages follow by, in words."""
    block = msgspec.to_builtins(paging)
    match block["type"]:
        case "offset":
            return f"`{block['offset_param']}`"
        case "page_number":
            return f"`{block['page_param']}`, from {block.get('base_page', 1)} on"
        case "cursor":
            place = block.get("cursor_row_path") or block["cursor_path"]
            of_row = " of the last row" if block.get("cursor_row_path") else ""
            return f"the cursor at `{place}`{of_row}, sent as `{block['cursor_param']}`"
        case "json_link":
            return f"the address at `{block['next_url_path']}`"
        case _:
            return "the `Link` header"


def _says_all(page: Page) -> str | None:
    """The sign by which a response says that it has all rows; None if there is none."""
    for member in members_of(page.response):
        if member.name in TOTALS and member.value == len(page.rows) and type(member.value) is int:
            return f"`{member.path}` counts the {len(page.rows)} rows that came"
        if member.name in MORE_FLAGS and type(member.value) is bool and member.value is not MORE_FLAGS[member.name]:
            return f"`{member.path}` says that no more rows follow"
        if NEXT(member.name) and not NOT_NEXT(member.name) and member.value in (None, ""):
            return f"`{member.path}` is empty"
    return None
