"""Spellings of a secret: as it is, and as URLs, JSON, Python and base64 write it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A backslash, also URL-encoded. If a URL is part of another URL, its encoded characters are encoded again.
BACKSLASH = r"(?:\\|%(?:25)*5[Cc])"
SHORT_ESCAPES = dict(zip("\b\f\n\r\t", "bfnrt", strict=True))
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Spelling(NamedTuple):
    """A regular expression, and a text that every match contains, which is faster to search for."""

    pattern: str
    core: str


def spell(text: str) -> Spelling:
    """Return the spelling of a text in URLs, JSON and Python, also nested."""
    # Each step of escaping doubles the backslashes.
    return _join(_run(run) if run[0] == "\\" else _character(run) for run in re.findall(r"\\+|[^\\]", text))


def spell_base64(data: bytes, before: int) -> Spelling:
    """Return the spelling of some bytes within the base64 of a longer text.

    Args:
        data: The bytes.
        before: Number of bytes that precede them in the text, modulo 3.
    """
    bits = "?" * (8 * before) + "".join(f"{byte:08b}" for byte in data)
    bits += "?" * (-len(bits) % 6)
    return _join(_sextet(bits[place : place + 6]) for place in range(8 * before // 6 * 6, len(bits), 6))


def _join(parts: Iterable[Spelling]) -> Spelling:
    """Return the spelling of a text from those of its parts."""
    patterns, cores = zip(*parts, strict=True)
    return Spelling("".join(patterns), max("".join(core or "\0" for core in cores).split("\0"), key=len))


def _run(backslashes: str) -> Spelling:
    return Spelling(f"{BACKSLASH}{{{len(backslashes)},}}", "")


@cache
def _character(character: str) -> Spelling:
    """Return the spelling of one character; the character itself if no encoding changes it."""
    if re.fullmatch("[A-Za-z0-9._-]", character):
        return Spelling(re.escape(character), character)
    utf_8 = character.encode("utf-8", "surrogatepass")
    misread = utf_8.decode("latin-1")  # as HTTP headers are
    plain = []
    escaped = [f"U{_hex(ord(character), 8)}"]
    if character in SHORT_ESCAPES:
        escaped.append(SHORT_ESCAPES[character])
    for data in filter(None, (utf_8, character.encode("latin-1", "ignore"))):
        plain.append("".join(f"%(?:25)*{_hex(byte, 2)}" for byte in data))
        escaped.append(f"{BACKSLASH}+".join(f"x{_hex(byte, 2)}" for byte in data))
    for text in (character, misread):
        units = text.encode("utf-16-be", "surrogatepass")
        pairs = zip(units[::2], units[1::2], strict=True)
        escaped.append(f"{BACKSLASH}+".join(f"u{_hex(256 * high + low, 4)}" for high, low in pairs))
    # These come last, because an encoded % begins with one.
    plain += [re.escape(character), re.escape(misread)]
    if character == " ":
        plain.append(_character("+").pattern)
    # A backslash may precede a quote, and must precede an escaped character.
    return Spelling(f"(?:{BACKSLASH}*(?:{_any(plain)})|{BACKSLASH}+(?:{_any(escaped)}))", "")


def _any(patterns: Iterable[str]) -> str:
    return "|".join(dict.fromkeys(patterns))


def _hex(number: int, width: int) -> str:
    """Return a pattern for a number in hexadecimal digits of either case."""
    return re.sub("[a-f]", lambda digit: f"[{digit[0]}{digit[0].upper()}]", f"{number:0{width}x}")


@cache
def _sextet(bits: str) -> Spelling:
    """Return the spelling of the base64 character for six bits, some of which may be unknown."""
    matches = re.compile(bits.replace("?", ".")).fullmatch
    found = [character for number, character in enumerate(BASE64) if matches(f"{number:06b}")]
    plain = "".join(character for character in found if character.isalnum())
    if plain == found[0]:
        return Spelling(plain, plain)
    patterns = [f"[{plain}]"] if plain else []
    # The base64 alphabet for URLs has two other characters.
    patterns += [_character(either).pattern for old, new in ("+-", "/_") if old in found for either in (old, new)]
    return Spelling(f"(?:{_any(patterns)})", "")
