"""Samples of a stream: the pages that prove it, and the rows that its columns are derived from."""

from __future__ import annotations

from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any

from tap_feedback.children import added
from tap_feedback.columns import MOST_ROWS, infer

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
            yield stream.chain(bounds, params, checks_order=checks_order)
            continue
        for parent in islice(stream.parents.rows.read(), PARENTS):
            pages = stream.chain(bounds, params, parent.context, checks_order=checks_order)
            yield added(stream, parent, pages)


def infer_columns(stream: ApiStream) -> None:
    """Read some rows of a stream, and add a column for each property whose values all fit one type."""
    whole = stream.range_between(None, None, is_whole=True)
    bounds = whole.bounds(next(whole.windows())[0])
    rows: list[dict[str, Any]] = []
    for page in chain.from_iterable(samples(stream, [bounds], stream.passes, checks_order=False)):
        rows += (stream.post_processed(page) if stream.post_processes else page).rows
        if len(rows) >= MOST_ROWS:
            break
    properties = stream.schema["properties"]
    properties |= infer(rows[:MOST_ROWS], properties)
