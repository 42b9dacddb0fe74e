"""Proof of how the pages of a stream follow: by a paginator, or that there is one page only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.evidence import MORE_FLAGS, NEXT, NOT_NEXT, TOTALS, members_of, more_follows, not_the_only_page
from tap_feedback.paging import SinglePage
from tap_feedback.probe.ends import find_flag, find_total, fit_size
from tap_feedback.probe.exchange import BudgetSpentError, ProbeError
from tap_feedback.probe.numbering import is_usual_size
from tap_feedback.probe.paging import Search
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.page import Page
    from tap_feedback.paging import Paging
    from tap_feedback.probe.lookout import Lookout
    from tap_feedback.probe.walk import Walk

    Row = dict[str, Any]

SEE_DOCUMENTATION = "set `paginator` by the API's documentation"
#: Counts that may be of the page alone.
OF_PAGE = {"count"}


class Proof(NamedTuple):
    """What was proven of a stream's pages: the paginator, the first page of a sync, and all distinct rows seen."""

    paging: Paging
    first: Page
    rows: list[Row]


class PagingProof:
    """The search for such a proof.

    Args:
        look: What is known of the stream.
        say: Takes a reason in one line.
        doubt: Takes what could not be decided, in one line.
    """

    def __init__(self, look: Lookout, *, say: Callable[[str], None], doubt: Callable[[str], None]) -> None:
        self._look = look
        self._say = say
        self._doubt = doubt

    def find(self) -> Proof:
        """Find how the pages follow.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: It cannot be decided.
        """
        look = self._look
        if look.stream.single_object:
            self._say("the response is one object, so there are no pages")
            return Proof(SinglePage(), look.natural, look.natural.rows)
        self._check_order()
        search = Search(look)
        walked = None
        for in_body in (True, False) if look.stream.method == "POST" else (False,):
            look.exchange.in_body = in_body
            look.find_size()
            walked = search.find()
            if walked or look.size_param:
                break
        if walked is not None:
            return self._complete(walked)
        for words in search.refuted:
            self._doubt(words)
        return self._only_page()

    def _check_order(self) -> None:
        """Send the first request once more: other rows, or another order, would make all proofs worthless.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: The response is another one.
        """
        look = self._look
        try:
            keys = look.keys(look.exchange.again().page(look.stream.selection))
        except (FatalAPIError, TransientError) as error:
            raise ProbeError(f"the same request failed when it was sent again: {error}") from None
        if keys != look.known:
            raise ProbeError(
                "the same request returned other rows, or in another order, so that pages cannot be compared; add a "
                "parameter that sorts them to the stream's `params`, or probe again if rows have come meanwhile"
            )

    def _only_page(self) -> Proof:
        """Decide whether the first page is the only one, as nothing led on from it.

        Raises:
            ProbeError: It may not be.
        """
        look, page, count = self._look, self._look.natural, len(self._look.natural.rows)
        if sign := more_follows(page) or not_the_only_page(page, count):
            raise ProbeError(f"how pages follow was not found, but {sign}; {SEE_DOCUMENTATION}")
        if look.size_param:
            raise ProbeError(
                f"`{look.size_param}` sets the page size, but no known parameter leads to the next page; "
                f"{SEE_DOCUMENTATION}"
            )
        said = _says_all(page)
        if said is None and count == 1:
            raise ProbeError("one row cannot show how pages follow; probe again when there are three")
        if said is None and is_usual_size(count):
            raise ProbeError(
                f"no known parameter changes the page, but {count} rows may be the page size of the API, so that "
                f"more may follow; {SEE_DOCUMENTATION}"
            )
        if said is not None:
            self._doubt("how pages would follow is unknown: probe again when there are more rows than one page has")
        reason = said or f"no known parameter changes it, and {count} rows are no usual page size"
        self._say(f"there is one page: {reason}")
        return Proof(SinglePage(), page, page.rows)

    def _complete(self, walked: Walk) -> Proof:
        """Find the page size, the total and the flag."""
        look = self._look
        paging, first, last = walked.paging, look.natural, None
        if look.size_param:
            paging = msgspec.structs.replace(paging, limit=len(look.natural.rows))
        tag, pages = paging.__struct_config__.tag, sum(map(bool, walked.new))
        self._say(
            f"the pages follow by {_words(paging)} ({tag}): {pages} pages with {len(walked.rows)} rows, none of them "
            "twice"
        )
        try:
            paging, first = fit_size(look, paging, self._say)
            paging, last = find_total(look, walked, paging, first, self._say)
        except BudgetSpentError:
            self._doubt("whether there is a total is unknown: no request is left")
        paging = find_flag(look, walked, paging, last, first, self._say)
        rows = [*walked.rows, *look.natural.rows, *first.rows]
        return Proof(paging, first, list(dict(zip(look.keys_of(rows), rows, strict=True)).values()))


def _words(paging: Paging) -> str:
    """Return what the pages follow by, in words."""
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
    """Return the sign by which a response says that it has all rows; None if there is none."""
    for member in members_of(page):
        if member.name in TOTALS - OF_PAGE and member.value == len(page.rows) and type(member.value) is int:
            return f"`{member.path}` counts the {len(page.rows)} rows that came"
        if member.name in MORE_FLAGS and type(member.value) is bool and member.value is not MORE_FLAGS[member.name]:
            return f"`{member.path}` says that no more rows follow"
        if NEXT(member.name) and not NOT_NEXT(member.name) and member.value in (None, ""):
            return f"`{member.path}` is empty"
    return None
