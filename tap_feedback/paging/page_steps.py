"""The requests of the paginator `page_number`: each type says what its request is for."""

from __future__ import annotations

from typing import NamedTuple


class Follow(NamedTuple):
    """The next page; after a way back, one that was read before."""

    number: int


class Recheck(NamedTuple):
    """A page once more after the next one, in search of rows that moved to it; `left` pages are to be checked so.

    `then` is the next request, None at the end; `if_new` is the one in its place if there are such rows.
    """

    number: int
    left: int
    then: Follow | None
    if_new: Follow | None


class Back(NamedTuple):
    """A page further back, in search of rows that are known."""

    number: int
    distance: int


class Ahead(NamedTuple):
    """The page behind one that the API refused: it must be refused, too."""

    number: int
    status: int


class OneRow(NamedTuple):
    """A page of one row, to see whether the API heeds the number of the page."""

    number: int


#: What the request in flight is for.
Step = Follow | Recheck | Back | Ahead | OneRow
