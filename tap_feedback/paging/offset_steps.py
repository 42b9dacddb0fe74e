"""Requests of the paginator `offset`, with a type for each purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_feedback.paging.history import Sighting


class Follow(NamedTuple):
    """The page that follows the last one. Its first `shared` rows should be the last rows that were read."""

    offset: int
    shared: int = 0


class Back(NamedTuple):
    """A page further back, in search of known rows."""

    offset: int
    shared: int
    distance: int


class Recheck(NamedTuple):
    """The page before a shifted one, in search of rows that were added between. `then` is the next request."""

    offset: int
    then: Step


class Behind(NamedTuple):
    """The page after one that had no new rows and ended in the last row. `tail` has the keys of that page."""

    offset: int
    shared: int
    tail: list[Hashable]
    repeats: int = 0


class Again(NamedTuple):
    """The tail once more. If no row has moved, the rows in `behind` follow, or the end if `behind` is empty."""

    offset: int
    shared: int
    tail: list[Hashable]
    behind: Sighting


class Beyond(NamedTuple):
    """A page far behind the last row, to confirm the end.

    `status` is that of a refused request for a nearer offset, or 0. `one` says whether a single row is requested, and
    `full` whether a full page was repeated.
    """

    offset: int
    then: Step
    status: int = 0
    one: bool = False
    full: bool = False


class Horizon(NamedTuple):
    """A page further on. If it is empty, all rows come before it. `then` is the next request."""

    offset: int
    then: Step


class Probe(NamedTuple):
    """The second page at another offset. `seen` has the pages at the offsets before."""

    offset: int
    shared: int
    seen: tuple[Sighting, ...]


class Gap(NamedTuple):
    """The page after an empty one, while the total says that there are more rows."""

    offset: int


class Seek(NamedTuple):
    """The place of rows that were on a page that did not join, and have not come since. `keys` has their keys."""

    offset: int
    keys: list[Hashable]


class Front(NamedTuple):
    """The beginning of the list, at the end of the sync, in search of rows that were added there."""

    offset: int


#: What the request in flight is for.
Step = Follow | Back | Recheck | Behind | Again | Beyond | Horizon | Probe | Gap | Seek | Front
