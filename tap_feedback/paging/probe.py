"""Verdict on an offset API whose second page does not join the first: does it serve only whole pages?"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    PageKeys = Sequence[Hashable]


class Verdict(Enum):
    """What the second page shows."""

    MOVED = auto()  # rows came or went between the two requests
    WHOLE_PAGES = auto()  # the API moves an offset to the beginning of a page
    SAME_PAGE = auto()  # the same page came for every offset


def judge(first: PageKeys, seen: Sequence[PageKeys], *, shared: int) -> Verdict | int:
    """Compare the second page at several offsets with the first page.

    Args:
        first: Keys of the first page.
        seen: Keys of the second page: as requested with overlap, then without, then at offset 1.
        shared: Number of rows of the overlap.

    Returns:
        A verdict, or the offset to request next.
    """
    overlapping, *others = seen
    without_overlap = len(first)
    if not others:
        return without_overlap
    plain = others[0]
    if len(others) > 1:
        return Verdict.WHOLE_PAGES if others[1] == overlapping else Verdict.MOVED
    if overlapping == plain == first:
        return Verdict.SAME_PAGE
    moved_up = overlapping == plain != []
    moved_down = (overlapping == first or (not overlapping and plain)) and set(first).isdisjoint(plain)
    # Rows added at the right moment can look the same, but not at one more offset.
    if (moved_up or moved_down) and 1 not in (without_overlap, without_overlap - shared):
        return 1
    return Verdict.MOVED
