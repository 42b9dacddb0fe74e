"""Probe of one stream: from the first response to its block of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import (
    error_in,
)
from tap_feedback.page import MISSING
from tap_feedback.probe.block import columns, stream_block
from tap_feedback.probe.exchange import MOST_REQUESTS, BudgetSpentError, ProbeError
from tap_feedback.probe.filters import Filter
from tap_feedback.probe.keys import find_key, is_unique
from tap_feedback.probe.lookout import Lookout
from tap_feedback.probe.names import KEYS
from tap_feedback.probe.proof import PagingProof
from tap_feedback.probe.rows import Place, places, words_of
from tap_feedback.probe.times import find_clock
from tap_feedback.progress import count
from tap_feedback.retry import TransientError
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.page import Page
    from tap_feedback.probe.access import Access
    from tap_feedback.probe.exchange import Exchange
    from tap_feedback.probe.proof import Proof

    Row = dict[str, Any]

#: Most other places of rows that are named.
MOST_NAMED = 3


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
        """Return the settings of the stream.

        Raises:
            ProbeError: They cannot be decided.
        """
        try:
            page = self._find_rows()
            self._find_key(page)
            look = Lookout(self._exchange, self._stream, page)
            proof = PagingProof(look, say=self._say, doubt=self._doubt).find()
        except BudgetSpentError:
            raise ProbeError(f"{MOST_REQUESTS} requests were not enough to find how pages follow") from None
        return self._block(look, proof)

    # Rows and key

    def _find_rows(self) -> Page:
        """Find where the rows are.

        Raises:
            ProbeError: The response has no list of rows, or an empty one.
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
            ProbeError: No field can be the key.
        """
        names = find_key(page.rows)
        if not names:
            raise ProbeError(
                "no field that is named like a key has another value in each row, nor several of them together; "
                "set `primary_key` after a look at the rows"
            )
        number = len(page.rows)
        words = " and ".join(f"`{one_line(name)}`" for name in names)
        if number == 1:
            self._doubt(f"the key is {words} by its name alone: only one row was seen")
        elif set(names) <= set(KEYS):
            self._say(f"the key is {words}: no two of {number} rows share it")
        else:
            self._doubt(f"the key is {words}, as no two of {number} rows share it; its name is not that of a key")
        self._stream = msgspec.structs.replace(self._stream, primary_key=names[0] if len(names) == 1 else names)

    # Time and block

    def _block(self, look: Lookout, proof: Proof) -> dict[str, Any]:
        """Return the settings, with the time and the columns.

        Raises:
            ProbeError: The key is not unique among all rows.
        """
        stream, rows, paging = self._stream, proof.rows, proof.paging
        if not is_unique(proof.first.rows, stream.primary_keys):
            raise ProbeError("rows of a larger page share the key; set `primary_key` after a look at the rows")
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
            except BudgetSpentError:
                self._doubt("whether the API filters by time is unknown: no request is left")
            except ProbeError as error:
                self._doubt(f"whether the API filters by time is unknown: {error}")
            if search.counts_all(None if paging.counts_pages else paging.total_path):
                self._doubt(f"`{paging.total_path}` counts the rows before the start, too, so it is left out")
                paging = msgspec.structs.replace(paging, total_path=None)
        found = columns(rows, stream.primary_keys, clock)
        self._say(f"{count(len(found), 'column')} fit the values of {count(len(rows), 'row')}")
        return stream_block(
            stream,
            clock=clock,
            paging=paging,
            incremental=incremental,
            columns=found,
            over=(self._exchange.declaration, self._exchange.connection.api),
        )


def _named(others: list[Place]) -> str:
    """Return the places that are not taken, as the end of a sentence."""
    named = ", ".join(map(str, others[:MOST_NAMED]))
    return f"; not taken: {named}" if named else ""
