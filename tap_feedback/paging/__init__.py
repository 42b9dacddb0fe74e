"""Paginators: the next request of a stream, and the proof that no row was skipped.

Each type is one module, with its settings, its checks and its behaviour. A paginator has the next request in `request`.
`take` receives the page and returns its new rows, and `finished` says that the end is proven. Paginators do no input or
output.
"""

from __future__ import annotations

from tap_feedback.paging.base import Paginator
from tap_feedback.paging.cursor import CursorPaging
from tap_feedback.paging.header_link import HeaderLinkPaging
from tap_feedback.paging.json_link import JsonLinkPaging
from tap_feedback.paging.keys import keys_by
from tap_feedback.paging.offset import OffsetPaging
from tap_feedback.paging.page_number import PageNumberPaging
from tap_feedback.paging.paging_settings import Address, PageRequest, PagingSettings
from tap_feedback.paging.single_page import SinglePage

__all__ = [
    "Address",
    "CursorPaging",
    "HeaderLinkPaging",
    "JsonLinkPaging",
    "OffsetPaging",
    "PageNumberPaging",
    "PageRequest",
    "Paginator",
    "Paging",
    "PagingSettings",
    "SinglePage",
    "keys_by",
]

#: The types of `paginator`; a new one is added here.
Paging = OffsetPaging | PageNumberPaging | CursorPaging | JsonLinkPaging | HeaderLinkPaging | SinglePage
