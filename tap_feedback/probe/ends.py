"""Search for what says how far a stream goes: the page size, the total, and the flag that says whether more follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tap_feedback.evidence import counts, more_follows, not_the_only_page
from tap_feedback.formats import is_dotted_path
from tap_feedback.page import lookup
from tap_feedback.paging import OffsetPaging, PageNumberPaging
from tap_feedback.probe.lookout import USUAL_SIZE
from tap_feedback.probe.signs import flag_denies, more_flags
from tap_feedback.progress import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.page import Page
    from tap_feedback.paging import Paging
    from tap_feedback.probe.lookout import Lookout
    from tap_feedback.probe.walk import Walk

    Say = Callable[[str], None]


def fit_size(look: Lookout, paging: Paging, say: Say) -> tuple[Paging, Page]:
    """Set the page size that a sync requests; with it, the first page of that size.

    Raises:
        BudgetSpentError: No request is left.
        ProbeError: As `Exchange.request`.
    """
    natural = len(look.natural.rows)
    if not look.size_param:
        say(f"no parameter for the page size was found; a page has {natural} rows")
        return paging, look.natural
    page = look.page({look.size_param: USUAL_SIZE})
    if page is None or len(page.rows) < min(natural, USUAL_SIZE):
        say(f"`{look.size_param}` sets the page size; {USUAL_SIZE} is refused, so it is {natural}")
        return msgspec.structs.replace(paging, limit=natural), look.natural
    size, capped = len(page.rows), False
    if size < USUAL_SIZE and (more_follows(page) or not_the_only_page(page, size)):
        capped = True
    limit = size if capped or size > USUAL_SIZE else USUAL_SIZE
    came = count(size, "row")
    say(f"`{look.size_param}` sets the page size: {look.small} works; for {USUAL_SIZE} the API returned {came}")
    return msgspec.structs.replace(paging, limit=limit), page


def find_total(look: Lookout, walked: Walk, paging: Paging, first: Page, say: Say) -> tuple[Paging, Page | None]:
    """Set the path of the total, if it is proven; with it, the last page if it was seen.

    Args:
        look: What is known of the stream.
        walked: The pages of the proof.
        paging: The paginator.
        first: The first page in the size of a sync.
        say: Takes the reasons.

    Raises:
        BudgetSpentError: No request is left.
        ProbeError: As `Exchange.request`.
    """
    rows, pages = counts(walked.pages[0])
    for path in [path for path in (pages if paging.counts_pages else rows) if is_dotted_path(path)]:
        total = lookup(walked.pages[0].response, path)
        if any(lookup(page.response, path) != total for page in walked.pages) or type(total) is not int:
            say(f"`{path}` changes from page to page, so it is no total")
            continue
        last = _last_page(look, walked, paging, first, total)
        if last is not None:
            say(f"`{path}` is the total: the list ends after {total:,} {'pages' if paging.counts_pages else 'rows'}")
            return msgspec.structs.replace(paging, total_path=path), last
        say(f"`{path}` is {total:,}, but the list was not seen to end there, so it is not taken for the total")
    return paging, None


def _last_page(look: Lookout, walked: Walk, paging: Paging, first: Page, total: int) -> Page | None:
    """Return the last page, if the list ends where the total says; else None."""
    if isinstance(paging, OffsetPaging):
        last = look.page({**look.size, paging.offset_param: total - 1})
        behind = look.page({**look.size, paging.offset_param: total})
        if last and len(last.rows) == 1 and (behind is None or not behind.rows or look.keys(behind) == look.keys(last)):
            return last
        return None
    if isinstance(paging, PageNumberPaging):
        number = paging.base_page + total - 1
        last = look.page({**look.size, paging.page_param: number})
        behind = look.page({**look.size, paging.page_param: number + 1})
        if last and last.rows and (behind is None or not behind.rows or look.keys(behind) == look.keys(last)):
            return last
        return None
    if walked.ended and len(walked.rows) == total:
        return walked.pages[-1]
    return first if len(first.rows) == total and not more_follows(first) else None


def find_flag(look: Lookout, walked: Walk, paging: Paging, last: Page | None, first: Page, say: Say) -> Paging:
    """Set the path of the flag that says whether more follows, if the pages with others behind them say so.

    To a cursor or link, the flag may be the only end. For numbers, which need none, it must have said both.
    """
    with_rows = [page for page, new in zip(walked.pages, walked.new, strict=True) if new]
    third = with_rows[-1]
    more_is_known = len(look.known) > len(walked.rows)
    for flag in more_flags(with_rows[:-1]):
        if more_is_known and flag_denies(third, flag):
            continue
        name = flag.removeprefix("!")
        if any(flag_denies(page, flag) for page in (last, third, walked.pages[-1], first) if page):
            say(f"`{name}` says whether more rows follow: it did on each page but the last")
        elif isinstance(paging, (OffsetPaging, PageNumberPaging)):
            say(f"`{name}` says that more rows follow; the last page was not seen, so it is left out")
            continue
        else:
            say(f"`{name}` says that more rows follow; the last page was not seen")
        return msgspec.structs.replace(paging, has_more_path=flag)
    return paging
