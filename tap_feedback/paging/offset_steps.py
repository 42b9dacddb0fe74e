"""The requests of the offset paginator: each type says what its request is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_feedback.paging.history import Sighting


class Follow(NamedTuple):
    """The page behind the last one; its first `shared` rows should be the last ones that were read."""

    offset: int
    shared: int = 0


class Back(NamedTuple):
    """A page further back, in search of rows that are known."""

    offset: int
    shared: int
    distance: int


class Recheck(NamedTuple):
    """The page before one that had shifted, in search of rows that came between; `then` is the next request."""

    offset: int
    then: Step


class Behind(NamedTuple):
    """What follows a page that had no new row and ended in the last one; `tail` has the keys of that page."""

    offset: int
    shared: int
    tail: list[Hashable]
    repeats: int = 0


class Again(NamedTuple):
    """The tail once more: if nothing moved, the rows that stood behind it follow, or the end if there were none."""

    offset: int
    shared: int
    tail: list[Hashable]
    behind: Sighting


class Beyond(NamedTuple):
    """A look far behind the last row, to confirm the end.

    `status` is the one by which the API refused a nearer offset. `one` says whether a single row is requested, and
    `full` whether a full page came again.
    """

    offset: int
    then: Step
    status: int = 0
    one: bool = False
    full: bool = False


class Horizon(NamedTuple):
    """A page further on: if it is empty, all present rows lie before it. `then` is the next request."""

    offset: int
    then: Step


class Probe(NamedTuple):
    """The second page at another offset; `seen` has what the others showed."""

    offset: int
    shared: int
    seen: tuple[Sighting, ...]


class Gap(NamedTuple):
    """The next page behind an empty one, while the total says that there are more rows."""

    offset: int


class Seek(NamedTuple):
    """The place of rows that a page showed which did not join, and that have not come since; `keys` has theirs."""

    offset: int
    keys: list[Hashable]


class Front(NamedTuple):
    """The beginning of the list at the end of the sync, in search of rows that came there meanwhile."""

    offset: int


#: What the request in flight is for.
Step = Follow | Back | Recheck | Behind | Again | Beyond | Horizon | Probe | Gap | Seek | Front
