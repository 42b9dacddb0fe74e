"""Styles of paging: the parameters of each, and what its responses have in addition to the rows."""

from sandbox.paging.base import Page, Paging
from sandbox.paging.cursors import Cursor, JsonLink
from sandbox.paging.numbers import HeaderLink, Offset, PageNumber

#: Styles by their names on the command line.
STYLES: dict[str, Paging] = {
    "offset": Offset(),
    "offset_has_more": Offset(total=False, has_more=True),
    "offset_body": Offset(location="body"),
    "page_number": PageNumber(),
    "page_number_from_0": PageNumber(base=0),
    "page_number_has_more": PageNumber(total=False, has_more=True),
    "cursor": Cursor(),
    "json_link": JsonLink(),
    "json_link_root": JsonLink(form="root"),
    "json_link_prefix": JsonLink(form="prefix"),
    "header_link": HeaderLink(),
}

__all__ = ["STYLES", "Cursor", "HeaderLink", "JsonLink", "Offset", "Page", "PageNumber", "Paging"]
