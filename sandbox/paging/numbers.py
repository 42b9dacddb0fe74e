"""Styles that count: offsets and page numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.exchange import whole
from sandbox.paging.base import Page, Paging, link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.table import Selection


@dataclass(frozen=True)
class Offset(Paging):
    """Offsets that count rows."""

    offset_param: str = "offset"

    @property
    def numbers(self) -> frozenset[str]:
        """The parameters that are numbers."""
        return frozenset({self.limit_param, self.offset_param})

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's `paginator` settings for this style."""
        total = {"total_path": "total"} if self.total else {}
        return {"type": "offset", "offset_param": self.offset_param, **total, **super().settings}

    def page(self, rows: Selection, params: Mapping[str, Any], url: str) -> Page:  # noqa: ARG002 - no links
        """Return the rows from the offset on."""
        size, offset = self.size(params), whole(params, self.offset_param, 0, least=0)
        total = {"total": len(rows)} if self.total else {}
        beside = {**total, "limit": size, "offset": offset, **self.flag(more=offset + size < len(rows))}
        return Page(rows.part(offset, size), beside, {})


@dataclass(frozen=True)
class PageNumber(Paging):
    """Numbered pages, the first of which is `base`."""

    limit_param: str = "per_page"
    most: int = 100
    page_param: str = "page"
    base: int = 1

    @property
    def numbers(self) -> frozenset[str]:
        """The parameters that are numbers."""
        return frozenset({self.limit_param, self.page_param})

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's `paginator` settings for this style."""
        total = {"total_path": "total_pages"} if self.total else {}
        numbers = {"page_param": self.page_param, "base_page": self.base}
        return {"type": "page_number", **numbers, **total, **super().settings}

    def page(self, rows: Selection, params: Mapping[str, Any], url: str) -> Page:  # noqa: ARG002 - no links
        """Return the page with this number."""
        size, number = self.size(params), whole(params, self.page_param, self.base, least=self.base)
        offset = (number - self.base) * size
        total = {"total_pages": -(-len(rows) // size)} if self.total else {}
        beside = {"page": number, "per_page": size, **total, **self.flag(more=offset + size < len(rows))}
        return Page(rows.part(offset, size), beside, {})


@dataclass(frozen=True)
class HeaderLink(PageNumber):
    """Numbered pages whose `Link` header has the next one. The body has only the rows."""

    @property
    def settings(self) -> dict[str, Any]:
        """The tap's `paginator` settings for this style."""
        return {"type": "header_link", "limit_param": self.limit_param}

    def page(self, rows: Selection, params: Mapping[str, Any], url: str) -> Page:
        """Return the page with this number, and links to the first, the previous, the next and the last one."""
        size, number = self.size(params), whole(params, self.page_param, self.base, least=self.base)
        last = self.base + max(-(-len(rows) // size) - 1, 0)
        places = {"first": self.base, "prev": number - 1, "next": number + 1, "last": last}
        links = ", ".join(
            f'<{link(url, params, **{self.page_param: place})}>; rel="{name}"'
            for name, place in places.items()
            if self.base <= place <= last
        )
        return Page(rows.part((number - self.base) * size, size), {}, {"Link": links})
