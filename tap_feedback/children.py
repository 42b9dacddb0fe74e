"""Pages of a child stream: those of its parents, several of which are read concurrently."""

from __future__ import annotations

from http import HTTPStatus
from itertools import chain, islice
from typing import TYPE_CHECKING

from tap_feedback.chains import interleave
from tap_feedback.responses import RefusedError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tap_feedback.api_stream import ApiStream
    from tap_feedback.page import Page
    from tap_feedback.parent_rows import Parent
    from tap_feedback.parents import Parents
    from tap_feedback.ranged_stream import RangedStream


def child_pages(stream: RangedStream, parents: Parents) -> Iterator[Page]:
    """The pages of all parents that are left. A parent is done when its last page was handled."""
    chains = (_of_parent(stream, parents, parent) for parent in parents.left())
    for page in interleave(chains, stream.connection.api.max_connections):
        stream.progress.totals.clear()  # they are those of single parents
        yield page


def _of_parent(stream: RangedStream, parents: Parents, parent: Parent) -> Iterator[Page]:
    """The pages of one parent, the first of which is requested immediately."""
    chains = chain.from_iterable(stream.groups(stream.time_range, parent.context))
    first = list(islice(chains, 1))

    def pages() -> Iterator[Page]:
        is_gone = True
        for each in chain(first, chains):
            is_gone &= yield from added(stream, parent, each)
        parents.finish(parent, is_gone=is_gone)

    return pages()


def added(stream: ApiStream, parent: Parent, pages: Iterator[Page]) -> Generator[Page, None, bool]:
    """Yield pages with what the parent adds to them; return whether the parent is gone, so that there are none."""
    came = False
    try:
        for page in pages:
            came = True
            stream.context = parent.context  # for `post_process`
            yield parent.added(page)
    except RefusedError as error:
        if came or error.status != HTTPStatus.NOT_FOUND:
            raise
        return True
    return False
