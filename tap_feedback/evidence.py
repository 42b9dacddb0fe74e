"""Evidence in a response that rows are missing: an error beside them, or a sign that more follow."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_feedback.page import Page

#: Names are compared in lower case, by letters and digits alone: `has_more`, `hasMore` and `has-more` are one.
#: Flags that say whether more rows follow, by the value with which they say so.
MORE_FLAGS = {
    **dict.fromkeys(("hasmore", "hasnext", "hasnextpage", "more", "moreavailable", "istruncated", "truncated"), True),
    **dict.fromkeys(("islast", "islastpage", "last", "lastpage", "endofstream"), False),
}
#: Flags that say that something went wrong, by the value with which they say so.
FAULT_FLAGS = {
    **dict.fromkeys(("incompleteresults", "partial", "partialresults", "timedout"), True),
    **dict.fromkeys(("success", "succeeded", "ok"), False),
}
ERRORS = {"error", "errors", "fault", "faults"}
CODES = {"code", "errorcode", "errno", "status", "statuscode"}
NO_ERROR = {"", "0", "200", "ok", "success", "none", "null", "false", "no"}
OK_STATUS = 200
#: A status of HTTP that is an error; some APIs say 404 if they found no rows.
HTTP_ERROR = re.compile(r"(?!404)[45]\d\d").fullmatch
FAILED = {"error", "errored", "fail", "failed", "failure"}

#: Flags that say whether rows come before the page, by the value with which they say so; and names of links to them.
BEFORE_FLAGS = {
    **dict.fromkeys(("hasprev", "hasprevious", "hasprevpage", "haspreviouspage"), True),
    **dict.fromkeys(("first", "isfirst", "firstpage", "isfirstpage"), False),
}
BEFORE = re.compile(r"(prev|previous)(page)?(url|uri|link|href)?").fullmatch

#: Names of the next cursor, and of the address or number of the next page.
NEXT = re.compile(
    r"(\w*)next(page|url|uri|link|href|cursor|token|offset|marker|after|key|id|number|start)*"
    r"|\w*cursor|(starting)?after|scrollid|continuation(token)?|pagetoken"
).fullmatch
#: Names that look like these, but belong to the page itself or to the one before.
NOT_NEXT = re.compile(
    r"(prev|before|start|self|first|current|ending|old)\w*|\w*(prev|previous|before)(cursor)?"
).fullmatch
STARTING_AFTER = "startingafter"
PAGE_COUNTS = {"totalpages", "pagecount", "pages", "pagestotal", "numpages", "lastpage"}
TOTALS = {"total", "totalcount", "totalrecords", "totalresults", "totalelements", "totalrows", "totalitems", "count"}
#: A link of a `Link` header, and one of its parameters.
LINK = re.compile(r"""<([^>]*)>((?:\s*;\s*[^\s=;,"]+\s*(?:=\s*(?:"[^"]*"|[^\s";,]*))?)*)""").finditer
LINK_PARAM = re.compile(r""";\s*([^\s=;,"]+)\s*(?:=\s*(?:"([^"]*)"|([^\s";,]*)))?""").findall

#: How deep a response is searched, and how many members of it.
MOST_DEPTH, MOST_MEMBERS = 4, 1000


class Member(NamedTuple):
    """A member of a response, outside its rows."""

    path: str
    name: str
    value: Any
    in_next: bool  # whether it is within an object that a name like `next` has


def error_in(response: Any, selector: str, *, empty: bool = False, is_row: bool = False) -> str | None:
    """The name under which a response reports an error beside its rows; None if it reports none.

    Args:
        response: The decoded response.
        selector: The path of its rows.
        empty: Whether it has none. Then a code such as 401 is an error too, which may be a value of another kind.
        is_row: Whether the path is that of the only row, whose members are its own.
    """
    steps = [] if selector == "$" else selector.removeprefix("$.").split(".")
    for step in [*steps, None]:
        if not isinstance(response, dict) or (is_row and steps and step is None):
            return None
        for name, value in response.items():
            if name != step and (_is_error(name, value) or (empty and _is_failure(name, value))):
                return one_line(name)
        response = response.get(step)
    return None


def _is_error(name: str, value: Any) -> bool:
    """Whether a member says that the request failed, or only in part succeeded."""
    plain = _plain(name)
    if plain in ERRORS:
        return _tells_error(value)
    if plain in FAULT_FLAGS:
        return value is FAULT_FLAGS[plain]
    return plain == "status" and isinstance(value, str) and value.lower() in FAILED


def _is_failure(name: str, value: Any) -> bool:
    """Whether a member beside no rows says that the request failed: a status of HTTP, or a flag of another type."""
    plain, text = _plain(name), str(value).lower()
    if plain in CODES:
        return bool(HTTP_ERROR(text))
    return FAULT_FLAGS.get(plain) is False and text in {"false", "0", "no"}


def _tells_error(value: Any) -> bool:
    """Whether the value of an error is one: not `{"code": 0}`, `{"code": "ok"}`, "none", or an object of such."""
    if isinstance(value, dict):
        codes = [inner for name, inner in value.items() if _plain(name) in CODES and inner not in ("", None)]
        return any(map(_tells_error, codes or value.values()))
    if isinstance(value, list):
        return any(map(_tells_error, value))
    return value.strip().lower() not in NO_ERROR if isinstance(value, str) else bool(value) and value != OK_STATUS


def looks_like_error(name: str) -> bool:
    """Whether a name is one under which APIs explain an error."""
    return _plain(name) in {*ERRORS, "warning", "warnings", "message", "detail", "details", "title", "reason"}


def more_follows(page: Page, *, sent: str | None = None) -> str | None:
    """The sign by which a response says that more rows follow, in words that begin a sentence; None if there is none.

    Args:
        page: The page.
        sent: The cursor of the request, which a response may repeat.
    """
    if flag := _flag(page):
        return f"`{flag.path}` says that more rows follow" if flag.value is MORE_FLAGS[flag.name] else None
    for member in _members(page):
        if _is_next(member) and str(member.value) != sent:
            return f"`{member.path}` has a value"
    return 'its `Link` header has a `rel="next"`' if links_next(page.headers) else None


def others_precede(page: Page, param: str, number: int) -> str | None:
    """The sign by which a first page says that others come before it, in words; None if there is none.

    Args:
        page: The page.
        param: The parameter for the number of a page.
        number: The number of the page before.
    """
    link = re.compile(rf"[?&]{re.escape(param)}={number}(?!\d)").search
    for member in _members(page):
        if type(member.value) is bool and member.value is BEFORE_FLAGS.get(member.name):
            return f"`{member.path}` says that rows come before it"
        if BEFORE(member.name) and isinstance(member.value, str) and link(member.value):
            return f"`{member.path}` leads to page {number}"
    return None


def says_more(page: Page) -> str | None:
    """The path of a flag by which a response says that more rows follow; None if there is none."""
    flag = _flag(page)
    return flag.path if flag and flag.value is MORE_FLAGS[flag.name] else None


def flag_says_more(name: str) -> bool | None:
    """The value with which a flag of this name says that more rows follow; None if the name does not show it."""
    return MORE_FLAGS.get(_plain(name))


def is_full(count: int, limit: int) -> bool:
    """Whether a page of so many rows may be one that was cut: as many as were requested, or a round number."""
    return count > 0 and (count == limit or count % 10 == 0)


def not_the_only_page(page: Page, limit: int) -> str | None:
    """The sign by which a response says that it is one of several, in words; None if there is none.

    A full page is too little beside a larger count of rows, while a count may be that of all rows and the page hold
    those of a time range. A number of pages is clear.
    """
    for member in _members(page):
        if type(member.value) is not int:
            continue
        if member.name in PAGE_COUNTS and member.value > 1 and page.rows:
            return f"`{member.path}` is {member.value}"
        if member.name in TOTALS and member.value > len(page.rows) and is_full(len(page.rows), limit):
            return f"`{member.path}` counts more rows than the {len(page.rows)} it returned"
    return None


def uncounted(page: Page, distinct: int) -> str | None:
    """The path of a number that counts more rows than were received; None if there is none."""
    for member in _members(page):
        if member.name in TOTALS and type(member.value) is int and member.value > distinct:
            return member.path
    return None


def counts(page: Page) -> tuple[list[str], list[str]]:
    """The paths of numbers that count all rows, of which the page is a part, and of those that count all pages."""
    numbers = [member for member in _members(page) if type(member.value) is int]
    return (
        [member.path for member in numbers if member.name in TOTALS and member.value > len(page.rows)],
        [member.path for member in numbers if member.name in PAGE_COUNTS and member.value > 0],
    )


def links_next(headers: Mapping[str, str]) -> bool:
    """Whether the `Link` header names a next page."""
    return next_link(headers) is not None


def next_link(headers: Mapping[str, str]) -> str | None:
    """The address of the next page in the `Link` header, as it stands there; None if there is none."""
    for link in LINK(" ".join(headers.get("Link", "").split())):
        params = {name.lower(): quoted or plain for name, quoted, plain in reversed(LINK_PARAM(link[2]))}
        if "next" in params.get("rel", "").lower().split():
            return link[1]
    return None


def _flag(page: Page) -> Member | None:
    """The flag that says whether more rows follow; one that says so first."""
    flags = [member for member in _members(page) if member.name in MORE_FLAGS and type(member.value) is bool]
    return next((flag for flag in flags if flag.value is MORE_FLAGS[flag.name]), flags[0] if flags else None)


def _is_next(member: Member) -> bool:
    """Whether a member is a cursor or the address of a next page."""
    named = NEXT(member.name) and (member.name == STARTING_AFTER or not NOT_NEXT(member.name))
    usable = type(member.value) is str or type(member.value) is int
    return bool((named or member.in_next) and usable and member.value and member.value != "0")


def _members(page: Page) -> Iterator[Member]:
    """The members of a response and of the objects in it; lists are left out, as they hold rows, and so is a row."""
    objects = [(page.response, "", 0, False)]
    row = page.rows[0] if page.rows else None
    members = 0
    for value, path, depth, in_next in objects:  # it grows on the way
        if value is row:
            continue
        for name, inner in value.items() if isinstance(value, dict) else ():
            members += 1
            if members > MOST_MEMBERS:
                return
            member = Member(f"{path}{one_line(name)}", _plain(name), inner, in_next)
            if isinstance(inner, dict) and depth < MOST_DEPTH:
                objects.append((inner, f"{member.path}.", depth + 1, in_next or member.name in {"next", "nextpage"}))
            yield member


@lru_cache(4096)
def _plain(name: str) -> str:
    """A name in lower case, by its letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
