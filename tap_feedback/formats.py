"""Formats of texts in the settings: a description and a check of each."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_feedback.records.timestamps import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable


def is_address(text: str) -> bool:
    """Return whether a text is an HTTP URL with a host and, if it names a port, a valid one."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_line(text: str) -> bool:
    """Return whether a text is one line without control characters, and without blanks at its ends."""
    return text.isprintable() and text == text.strip()


def is_latin_1(text: str) -> bool:
    """Return whether a text has only characters that a header can carry."""
    return all(character <= "\xff" for character in text)


#: Days of which each shows whether a pattern has a part: year, month and day.
DAYS = [datetime(*day, tzinfo=timezone.utc) for day in ((2023, 1, 1), (2024, 1, 1), (2024, 2, 1), (2024, 2, 2))]


def is_time_format(text: str) -> bool:
    """Return whether a text is a pattern that shows the day, as the end of a range cannot be rounded to a month."""
    return text in {"epoch", "epoch_ms"} or (is_line(text) and len({day.strftime(text) for day in DAYS}) == len(DAYS))


is_dotted_path = re.compile(r"\$|[^.\s*[\]]+(\.[^.\s*[\]]+)*").fullmatch
is_header_name = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch

FORMATS: dict[str, tuple[str, Callable[[str], object]]] = {
    "address": ("an address with `http://` or `https://` and a host", is_address),
    "without-user": (
        "without user name and password: the secret goes into `api_key`",
        lambda text: "@" not in text.partition("//")[2].partition("/")[0],
    ),
    "without-query": ("without query, fragment and blanks", re.compile(r"[^\x00-\x20\x7f?#\\]*").fullmatch),
    "secret": (
        "must not be empty, and must not contain line breaks, control characters or leading or trailing spaces",
        lambda text: text and is_line(text),
    ),
    "name": ("a name: one line of text", lambda text: text and is_line(text)),
    "stream-name": (
        "a name of at most 200 letters, digits, `_`, `-` and `.`, as in `nps_ratings`",
        re.compile(r"\w[\w.-]{0,199}").fullmatch,
    ),
    "header-name": ("the name of a header, as in `X-Api-Version`", is_header_name),
    "header-value": ("one line of text in Latin-1, as a header is", lambda text: is_line(text) and is_latin_1(text)),
    "dotted-path": (
        "a dotted path without `*`, `[` and `]`, as in `meta.total`, or `$`",
        is_dotted_path,
    ),
    "url-path": (
        "a path that begins with `/`, without query, fragment and blanks",
        re.compile(r"/[^\x00-\x20\x7f?#]*").fullmatch,
    ),
    "url-prefix": (
        "empty, or a path that begins with `/`, without query, fragment and blanks",
        re.compile(r"(/[^\x00-\x20\x7f?#]*)?").fullmatch,
    ),
    "url-or-path": (
        "an address with `http://` or `https://` and a host, or a path that begins with `/`",
        lambda text: is_line(text) and (is_address(text) or text.startswith("/")),
    ),
    "time-format": (
        "a strftime pattern with year, month and day, as in `%Y-%m-%d`, or `epoch`, `epoch_ms`",
        is_time_format,
    ),
    # A bare number is an epoch elsewhere. In a setting it is more likely a year.
    "date-time": (
        "a date or date-time, as in `2024-01-31` or `2024-01-31T00:00:00Z`",
        lambda text: re.match(r"\d{4}-", text) and parse_instant(text),
    ),
}
