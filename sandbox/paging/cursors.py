"""Cursor styles: cursors, and next links in the JSON that hold one."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from sandbox.exchange import Refused
from sandbox.paging.base import Page, Paging, link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.table import Selection


@dataclass(frozen=True)
class Cursor(Paging):
    """Cursors that name the last row of the page before: no row is skipped, and updated rows come again."""

    limit_param: str = "per_page"
    most: int = 100
    cursor_param: str = "cursor"

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's `paginator` settings for this style."""
        paths = {"cursor_param": self.cursor_param, "cursor_path": "pagination.cursor"}
        return {"type": "cursor", **paths, **super().settings}

    def page(self, rows: Selection, params: Mapping[str, Any], url: str) -> Page:  # noqa: ARG002 - no links
        """Return the rows after the cursor. All pages but the last have the next cursor."""
        size = self.size(params)
        part, cursor = self.after(rows, params, size)
        following = {"cursor": cursor} if cursor else {}
        pages = {"total_records": len(rows), "total_pages": -(-len(rows) // size)} if self.total else {}
        return Page(
            part, {"pagination": {**following, "per_page": size, **pages}, **self.flag(more=cursor is not None)}, {}
        )

    def after(self, rows: Selection, params: Mapping[str, Any], size: int) -> tuple[list[tuple[int, int]], str | None]:
        """Return the rows after the cursor of a request, and the next cursor if more rows follow."""
        scope, place = rows.scope, 0
        if self.cursor_param in params:
            place = rows.behind(read_cursor(str(params[self.cursor_param]), scope))
        part = rows.part(place, size)
        more = place + size < len(rows)
        return part, write_cursor(scope, part[-1][1]) if more else None


@dataclass(frozen=True)
class JsonLink(Cursor):
    """Cursors inside the URL of the next page, which the body has in `pages.next`.

    `form` is the form of this URL: whole (`http://…/v1/forums?…`), a path from the root (`/v1/forums?…`), or a path
    after the prefix (`/forums?…`).
    """

    form: Literal["whole", "root", "prefix"] = "whole"

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's `paginator` settings for this style."""
        return {"type": "json_link", "next_url_path": "pages.next", "limit_param": self.limit_param}

    def page(self, rows: Selection, params: Mapping[str, Any], url: str) -> Page:
        """Return the rows after the cursor, and the URL of the next page or null."""
        size = self.size(params)
        part, cursor = self.after(rows, params, size)
        path = urlsplit(url).path
        start = {"whole": url, "root": path, "prefix": path[path.rindex("/") :]}[self.form]
        following = link(start, params, **{self.cursor_param: cursor}) if cursor else None
        pages = {"next": following, **({"total": len(rows)} if self.total else {})}
        return Page(part, {"pages": pages, **self.flag(more=cursor is not None)}, {})


def write_cursor(scope: str, last: int) -> str:
    """Return a cursor after the row that was last updated at an instant, valid for one resource and order."""
    return base64.urlsafe_b64encode(f"{scope} {last}".encode()).decode()


def read_cursor(cursor: str, scope: str) -> int:
    """Return the instant that a cursor of this resource and order names.

    Raises:
        Refused: The sandbox never issued this cursor.
    """
    try:
        last = int(base64.urlsafe_b64decode(cursor).decode().rpartition(" ")[2])
    except ValueError:
        last = -1
    if last < 0 or write_cursor(scope, last) != cursor:
        raise Refused(400, f"unknown cursor {cursor!r}")
    return last
