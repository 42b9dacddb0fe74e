"""Evidence in a response that rows are missing: an error beside them, or a sign that more follow."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_feedback.page import Page

#: Names are compared in lower case and without punctuation: `has_more`, `hasMore` and `has-more` are the same.
#: Flags that say whether more rows follow, with the value that means "yes".
MORE_FLAGS = {
    **dict.fromkeys(("hasmore", "hasnext", "hasnextpage", "more", "moreavailable", "istruncated", "truncated"), True),
    **dict.fromkeys(("islast", "islastpage", "last", "lastpage", "endofstream"), False),
}
#: Flags that report a failure, with the value that means "failed".
FAULT_FLAGS = {
    **dict.fromkeys(("incompleteresults", "partial", "partialresults", "timedout"), True),
    **dict.fromkeys(("success", "succeeded", "ok"), False),
}
ERRORS = {"error", "errors", "fault", "faults"}
CODES = {"code", "errorcode", "errno", "status", "statuscode"}
NO_ERROR = {"", "0", "200", "ok", "success", "none", "null", "false", "no"}
OK_STATUS = 200
#: An HTTP status that is an error. 404 is left out, as some APIs use it if they found no rows.
HTTP_ERROR = re.compile(r"(?!404)[45]\d\d").fullmatch
FAILED = {"error", "errored", "fail", "failed", "failure"}

#: Flags that say whether rows come before the page, by the value with which they say so; and names of links to them.
BEFORE_FLAGS = {
    **dict.fromkeys(("hasprev", "hasprevious", "hasprevpage", "haspreviouspage"), True),
    **dict.fromkeys(("first", "isfirst", "firstpage", "isfirstpage"), False),
}
BEFORE = re.compile(r"(prev|previous)(page)?(url|uri|link|href)?").fullmatch

#: Names of the next cursor, and of the URL or number of the next page.
NEXT = re.compile(
    r"(\w*)next(page|url|uri|link|href|cursor|token|offset|marker|after|key|id|number|start)*"
    r"|\w*cursor|(starting)?after|scrollid|continuation(token)?|pagetoken"
).fullmatch
#: Names that look similar, but belong to the page itself or to the one before.
NOT_NEXT = re.compile(
    r"(prev|before|start|self|first|current|ending|old)\w*|\w*(prev|previous|before)(cursor)?"
).fullmatch
STARTING_AFTER = "startingafter"
PAGE_COUNTS = {"totalpages", "pagecount", "pages", "pagestotal", "numpages", "lastpage"}
TOTALS = {"total", "totalcount", "totalrecords", "totalresults", "totalelements", "totalrows", "totalitems", "count"}
#: A link in a `Link` header, and one of its parameters.
LINK = re.compile(r"""<([^>]*)>((?:\s*;\s*[^\s=;,"]+\s*(?:=\s*(?:"[^"]*"|[^\s";,]*))?)*)""").finditer
LINK_PARAM = re.compile(r""";\s*([^\s=;,"]+)\s*(?:=\s*(?:"([^"]*)"|([^\s";,]*)))?""").findall

#: Maximum depth and number of members to search in a response.
MOST_DEPTH, MOST_MEMBERS = 4, 1000


class Member(NamedTuple):
    """A member of a response, outside its rows."""

    path: str
    name: str
    value: Any
    in_next: bool  # whether it is inside an object with a name like `next`


def error_in(response: Any, selector: str, *, empty: bool = False, is_row: bool = False) -> str | None:
    """Return the name of the member by which a response reports an error; None if it does not report one.

    Args:
        response: The decoded response.
        selector: The path of its rows.
        empty: Whether it has no rows. Only then does a code such as 401 count as an error.
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
    """Return whether a member says that the request failed, or succeeded only in part."""
    plain = plain_name(name)
    if plain in ERRORS:
        return _tells_error(value)
    if plain in FAULT_FLAGS:
        return value is FAULT_FLAGS[plain]
    return plain == "status" and isinstance(value, str) and value.lower() in FAILED


def _is_failure(name: str, value: Any) -> bool:
    """Return whether a member of an empty response means failure: an HTTP status, or a flag that is not a boolean."""
    plain, text = plain_name(name), str(value).lower()
    if plain in CODES:
        return bool(HTTP_ERROR(text))
    return FAULT_FLAGS.get(plain) is False and text in {"false", "0", "no"}


def _tells_error(value: Any) -> bool:
    """Return whether the value of an error member is an error, unlike `{"code": 0}`, `{"code": "ok"}` or "none"."""
    if isinstance(value, dict):
        codes = [inner for name, inner in value.items() if plain_name(name) in CODES and inner not in ("", None)]
        return any(map(_tells_error, codes or value.values()))
    if isinstance(value, list):
        return any(map(_tells_error, value))
    return value.strip().lower() not in NO_ERROR if isinstance(value, str) else bool(value) and value != OK_STATUS


def looks_like_error(name: str) -> bool:
    """Return whether APIs use a name to explain an error."""
    return plain_name(name) in {*ERRORS, "warning", "warnings", "message", "detail", "details", "title", "reason"}


def more_follows(page: Page, *, sent: str | None = None) -> str | None:
    """Return the sign in a response that more rows follow, in words that begin a sentence; None without a sign.

    Args:
        page: The page.
        sent: The cursor of the request, which a response may repeat.
    """
    if flag := _flag(page):
        return f"`{flag.path}` says that more rows follow" if flag.value is MORE_FLAGS[flag.name] else None
    for member in members_of(page):
        if is_next(member) and str(member.value) != sent:
            return f"`{member.path}` has a value"
    return 'its `Link` header has a `rel="next"`' if links_next(page.headers) else None


def others_precede(page: Page, param: str, number: int) -> str | None:
    """Return the sign that others come before a first page, in words; None without a sign.

    Args:
        page: The page.
        param: The parameter for the number of a page.
        number: The number of the page before.
    """
    link = re.compile(rf"[?&]{re.escape(param)}={number}(?!\d)").search
    for member in members_of(page):
        if type(member.value) is bool and member.value is BEFORE_FLAGS.get(member.name):
            return f"`{member.path}` says that rows come before it"
        if BEFORE(member.name) and isinstance(member.value, str) and link(member.value):
            return f"`{member.path}` leads to page {number}"
    return None


def says_more(page: Page) -> str | None:
    """Return the path of a flag that says that more rows follow; None without such a flag."""
    flag = _flag(page)
    return flag.path if flag and flag.value is MORE_FLAGS[flag.name] else None


def flag_says_more(name: str) -> bool | None:
    """Return the value with which a flag of this name says that more rows follow; None if the name does not show it."""
    return MORE_FLAGS.get(plain_name(name))


def is_full(count: int, limit: int) -> bool:
    """Return whether a page may be one of several: it has as many rows as requested, or a round number of them."""
    return count > 0 and (count == limit or count % 10 == 0)


def not_the_only_page(page: Page, limit: int) -> str | None:
    """Return the sign that a response is one of several pages, in words; None without a sign.

    A number of pages is a clear sign. A count of rows counts only if the page is full, as it may be the count of all
    rows, while the page holds those of a time range.
    """
    for member in members_of(page):
        if type(member.value) is not int:
            continue
        if member.name in PAGE_COUNTS and member.value > 1 and page.rows:
            return f"`{member.path}` is {member.value}"
        if member.name in TOTALS and member.value > len(page.rows) and is_full(len(page.rows), limit):
            return f"`{member.path}` counts more rows than the {len(page.rows)} it returned"
    return None


def is_only_page(page: Page) -> bool:
    """Return whether a response counts one page in all."""
    return any(member.name in PAGE_COUNTS and member.value == 1 for member in members_of(page))


def uncounted(page: Page, distinct: int) -> str | None:
    """Return the path of a number that counts more rows than were received; None without such a number."""
    for member in members_of(page):
        if member.name in TOTALS and type(member.value) is int and member.value > distinct:
            return member.path
    return None


def counts(page: Page) -> tuple[list[str], list[str]]:
    """Return the paths of numbers that count all rows, not only the page's, and of those that count all pages."""
    numbers = [member for member in members_of(page) if type(member.value) is int]
    return (
        [member.path for member in numbers if member.name in TOTALS and member.value > len(page.rows)],
        [member.path for member in numbers if member.name in PAGE_COUNTS and member.value > 0],
    )


def links_next(headers: Mapping[str, str]) -> bool:
    """Return whether the `Link` header names a next page."""
    return next_link(headers) is not None


def next_link(headers: Mapping[str, str]) -> str | None:
    """Return the URL of the next page as the `Link` header has it; None if there is no next page."""
    for link in LINK(" ".join(headers.get("Link", "").split())):
        params = {name.lower(): quoted or plain for name, quoted, plain in reversed(LINK_PARAM(link[2]))}
        if "next" in params.get("rel", "").lower().split():
            return link[1]
    return None


def _flag(page: Page) -> Member | None:
    """Return the flag that says whether more rows follow; if there are several, one that says so."""
    flags = [member for member in members_of(page) if member.name in MORE_FLAGS and type(member.value) is bool]
    return next((flag for flag in flags if flag.value is MORE_FLAGS[flag.name]), flags[0] if flags else None)


def is_next(member: Member) -> bool:
    """Return whether a member is a cursor or the URL of a next page."""
    named = NEXT(member.name) and (member.name == STARTING_AFTER or not NOT_NEXT(member.name))
    usable = type(member.value) is str or type(member.value) is int
    return bool((named or member.in_next) and usable and member.value and member.value != "0")


def members_of(page: Page) -> Iterator[Member]:
    """Yield the members of a response and of the objects in it, without those of lists and of a single row."""
    objects = [(page.response, "", 0, False)]
    row = page.rows[0] if page.rows else None
    members = 0
    for value, path, depth, in_next in objects:  # the list grows during the loop
        if value is row:
            continue
        for name, inner in value.items() if isinstance(value, dict) else ():
            members += 1
            if members > MOST_MEMBERS:
                return
            member = Member(f"{path}{one_line(name)}", plain_name(name), inner, in_next)
            if isinstance(inner, dict) and depth < MOST_DEPTH:
                objects.append((inner, f"{member.path}.", depth + 1, in_next or member.name in {"next", "nextpage"}))
            yield member


@lru_cache(4096)
def plain_name(name: str) -> str:
    """Return a name in lower case, with only its letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
