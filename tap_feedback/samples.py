"""Samples of a stream: the pages that prove it, and the rows that its columns are derived from."""

from __future__ import annotations

from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any

from tap_feedback.children import added
from tap_feedback.columns import MOST_ROWS, infer
from tap_feedback.request import has_variable
from tap_feedback.request_check import check_requests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_feedback.api_stream import ApiStream
    from tap_feedback.page import Page
    from tap_feedback.records.time_range import Bounds

#: Number of parents of a child that are looked at.
PARENTS = 20


def samples(
    stream: ApiStream, ranges: Sequence[Bounds], passes: Iterable[Mapping[str, Any]], *, checks_order: bool = True
) -> Iterator[Iterator[Page]]:
    """Yield the pages of each time range in each pass, of a child for some of its parents."""
    for bounds, params in product(ranges, passes):
        if stream.parents is None:
            yield stream.range_pages(bounds, params, checks_order=checks_order)
            continue
        for parent in islice(stream.parents.rows.read(), PARENTS):
            pages = stream.range_pages(bounds, params, parent.context, checks_order=checks_order)
            yield added(stream, parent, pages)


def infer_columns(stream: ApiStream) -> None:
    """Read some rows of a stream, and add a column for each property whose values all fit one type."""
    bounds = _open_range(stream)
    check_requests(stream, bounds)
    rows: list[dict[str, Any]] = []
    for page in chain.from_iterable(samples(stream, [bounds], stream.passes, checks_order=False)):
        rows += (stream.post_processed(page) if stream.post_processes else page).rows
        if len(rows) >= MOST_ROWS:
            break
    properties = stream.schema["properties"]
    properties |= infer(rows[:MOST_ROWS], properties)


def _open_range(stream: ApiStream) -> Bounds:
    """Return the time range for a look at some rows: open, or that of the settings if a body has a variable for it."""
    general, in_body = stream.general, has_variable(stream.declaration.json)
    start, end = (general.start_date, general.end_date) if in_body else (None, None)
    return stream.range_between(start, end, is_whole=True).whole
