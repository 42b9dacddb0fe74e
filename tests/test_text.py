"""Texts of others in a line of the log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_feedback import redaction
from tap_feedback.redaction import MASK, Redactor, Secret
from tap_feedback.text import LONGEST, one_line


@pytest.mark.parametrize("text", ["", "name", "Größe", "名前", 'it\'s "quoted" \\n', "custom.field 1"])
def test_an_ordinary_text_stays(text: str) -> None:
    """What can be seen is shown as it is."""
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\n2026-11-21 12:00:00,000 | ERROR    | forged", r"a\n2026-11-21 12:00:00,000 | ERROR    | forged"),
        ("a\r\nb", r"a\r\nb"),
        ("\x1b[2J\x1b[31mred", r"\x1b[2J\x1b[31mred"),
        ("a\x85b\u2028c\u2029d", r"a\x85b\u2028c\u2029d"),
        ("a\u202eb\u200bc\ud800\0\x7f", r"a\u202eb\u200bc\ud800\x00\x7f"),
    ],
)
def test_what_forges_a_line_or_steers_a_terminal_is_escaped(text: str, shown: str) -> None:
    """Line breaks of any alphabet, control characters, and those that turn the order of letters."""
    assert one_line(text) == shown


def test_a_long_text_is_cut() -> None:
    """A name as long as a question of a survey does not fill the log."""
    assert one_line("x" * LONGEST) == "x" * LONGEST
    assert one_line("x" * 100_000) == "x" * (LONGEST - 1) + "…"


@given(st.text())
def test_any_text_is_one_line(text: str) -> None:
    """Any text becomes printable."""
    assert one_line(text).isprintable()


def test_no_part_of_a_secret_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut does not leave an unrecognisable part of a secret, and an escape does not hide one."""
    monkeypatch.setattr(redaction, "redactor", Redactor(Secret("geheim-4711")))
    for before in range(LONGEST + 5):
        assert "geh" not in one_line("x" * before + "geheim-4711")
    assert one_line("a\ngeheim-4711\u2028b") == rf"a\n{MASK}\u2028b"
