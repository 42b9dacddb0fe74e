"""Paginators: the next request of a stream, and the proof that no row was skipped.

A paginator is asked for the parameters of the next request (`params`), takes the page that came back (`take`), returns
its rows that are new, and says when it is `finished`. It does no input or output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_feedback.paging.base import Paginator, keys_by
from tap_feedback.paging.cursor import CursorPaginator
from tap_feedback.paging.offset import OffsetPaginator
from tap_feedback.paging.single_page import SinglePagePaginator
from tap_feedback.settings import CursorPaging, OffsetPaging, SinglePage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.paging.base import Keys

__all__ = ["CursorPaginator", "OffsetPaginator", "Paginator", "SinglePagePaginator", "keys_by", "paginator_for"]

#: The paginator that reads as the settings say.
TYPES: dict[type, type[Paginator]] = {
    OffsetPaging: OffsetPaginator,
    CursorPaging: CursorPaginator,
    SinglePage: SinglePagePaginator,
}


def paginator_for(
    paging: OffsetPaging | CursorPaging | SinglePage, *, keys: Keys, notice: Callable[[int, str], None]
) -> Paginator:
    """A fresh paginator of the type in the settings.

    Args:
        paging: The settings.
        keys: Returns the keys that tell the rows of a page apart.
        notice: Logs a text at a level, both of which it is given.
    """
    return TYPES[type(paging)](paging, keys=keys, notice=notice)
