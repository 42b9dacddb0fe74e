"""Signs of paging in a response: next links, cursors, flags and counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_feedback.evidence import MORE_FLAGS, is_next, links_next, members_of, plain_name
from tap_feedback.formats import is_dotted_path
from tap_feedback.page import lookup
from tap_feedback.probe.names import CURSORS, NEXT_WORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_feedback.evidence import Member
    from tap_feedback.page import Page

#: What the address of a page looks like, as a cursor does not.
is_address = re.compile(r"https?://\S+|//\S+|/\S*|\?\S+|\S+\?\S*=\S*").fullmatch
#: Names of the next page's number or offset, which the paginators count themselves.
NUMBERS = re.compile(r"next(page|offset|start|pagenumber|number)*").fullmatch


def next_members(page: Page) -> list[Member]:
    """Return the members that are a next link or a cursor, and that a path can lead to."""
    found = [member for member in members_of(page) if is_next(member) and is_dotted_path(member.path)]
    return [member for member in found if type(lookup(page.response, member.path)) in (str, int)]


def has_link_header(page: Page) -> bool:
    """Return whether the `Link` header has a next page."""
    return links_next(page.headers)


def link_paths(page: Page) -> list[str]:
    """Return the paths of addresses of the next page."""
    return [member.path for member in next_members(page) if isinstance(member.value, str) and is_address(member.value)]


def cursors(page: Page) -> list[Member]:
    """Return the cursors; not the number of the next page, which needs none."""
    return [
        member
        for member in next_members(page)
        if not (isinstance(member.value, str) and is_address(member.value))
        and not (NUMBERS(member.name) and str(member.value).isdecimal())
    ]


def cursor_params(path: str) -> list[str]:
    """Return the parameters that may take a cursor: first those that follow from its name."""
    steps = path.split(".")
    last = steps[-1]
    bare = NEXT_WORD.sub("", last)
    bare = bare[:1].lower() + bare[1:]
    own = [bare or "cursor"]
    if plain_name(last) in {"aftercursor", "endcursor"}:
        own = ["after", "page[after]", "cursor"]
    if plain_name(last) == "next":
        own = ["cursor", "next"]
    return list(dict.fromkeys([*own, last, *CURSORS]))


def more_flags(pages: Sequence[Page]) -> Iterable[str]:
    """Yield the paths of flags that say on all of these pages that more rows follow, with a `!` if inverted."""
    for member in members_of(pages[0]):
        if member.name not in MORE_FLAGS or type(member.value) is not bool or not is_dotted_path(member.path):
            continue
        more = MORE_FLAGS[member.name]
        if all(lookup(page.response, member.path) is more for page in pages):
            yield member.path if more else f"!{member.path}"


def flag_denies(page: Page, flag: str) -> bool:
    """Return whether a flag says that no more rows follow."""
    value: Any = lookup(page.response, flag.removeprefix("!"))
    return type(value) is bool and value is flag.startswith("!")


def echoed(page: Page, names: Iterable[str]) -> list[str]:
    """Return names of parameters, those first that the response repeats, as in `{"limit": 20, "offset": 0}`."""
    own = {member.path.rpartition(".")[2] for member in members_of(page) if type(member.value) is int}
    return sorted(names, key=lambda name: name not in own)
