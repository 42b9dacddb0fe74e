"""Requests of the paginator `page_number`, with a type for each purpose."""

from __future__ import annotations

from typing import NamedTuple


class Follow(NamedTuple):
    """The next page. After a step back, it may have been read before."""

    number: int


class Recheck(NamedTuple):
    """A page once more after the next one, in search of rows that moved to it. `left` pages are still to be checked.

    `then` is the next request, or None at the end. If there are such rows, `if_new` is the next request instead.
    """

    number: int
    left: int
    then: Follow | None
    if_new: Follow | None


class Back(NamedTuple):
    """A page further back, in search of known rows."""

    number: int
    distance: int


class Ahead(NamedTuple):
    """The page after one that the API refused. It must be refused, too."""

    number: int
    status: int


class OneRow(NamedTuple):
    """A page of one row, to see whether the API uses the number of the page."""

    number: int


#: What the request in flight is for.
Step = Follow | Recheck | Back | Ahead | OneRow
