"""Spellings: a secret is found in any encoding."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_feedback.spelling import spell, spell_base64
from tests.encodings import ENCODERS

#: Characters that can be seen, which a secret consists of.
CHARACTERS = st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \"'\\%+/=&")


@given(st.text(CHARACTERS, min_size=1), st.lists(st.sampled_from(sorted(ENCODERS)), min_size=1, max_size=3))
@example("Ab+/cd==9Z", ["URL part", "URL part", "form"])
@example("a b", ["form", "URL part in small digits"])
@example("\\\\a\\\"b'", ["JSON", "repr with both quotes", "URL part"])
@example("é€😀", ["JSON", "URL", "bytes"])
def test_every_spelling_is_found(text: str, encoders: list[str]) -> None:
    """A text is found completely after any sequence of encoders, and so is its core."""
    written = text
    for name in encoders:
        written = ENCODERS[name](written)
    spelling = spell(text)
    assert re.fullmatch(spelling.pattern, written)
    assert spelling.core in written


@given(st.text("bcdefgh123é+/", min_size=4), st.text("ABCD:", max_size=4), st.text("ABCD:", max_size=4))
@example("tok/9", "user:", "")
def test_base64_is_found(text: str, before: str, behind: str) -> None:
    """In base64, in either alphabet, the characters are found that have a bit of the secret, and no others."""
    data, start = text.encode(), len(before)
    standard = base64.b64encode(f"{before}{text}{behind}".encode()).decode()
    spelling = spell_base64(data, start)
    place = slice(8 * start // 6, -(-8 * (start + len(data)) // 6))
    for written in (standard, standard.translate(str.maketrans("+/", "-_"))):
        found = re.search(spelling.pattern, written)
        assert found
        assert found.span() == (place.start, place.stop)
        assert spelling.core in written
        for encode in (quote, lambda part: quote(quote(part, safe=""), safe=""), json.dumps):
            assert re.search(spelling.pattern, encode(written))


@pytest.mark.parametrize("other", ["abcdef", "abc%2Cdef", "abc-def", "abc def", "ABC+DEF", "abc+deg"])
def test_other_texts_are_not_found(other: str) -> None:
    """Another text does not match."""
    assert not re.search(spell("abc+def").pattern, other)


@pytest.mark.parametrize(
    ("text", "core"), [("plain-key_1.x", "plain-key_1.x"), ("Ab+/cde==9Z", "cde"), ("+/=", ""), ("+a", "a")]
)
def test_the_core_is_what_no_encoding_changes(text: str, core: str) -> None:
    """The longest part that every spelling has."""
    assert spell(text).core == core
