"""Texts of others, such as the names of an API's fields, as parts of a line of the log."""

from __future__ import annotations

from tap_feedback import redaction

#: The most characters that are shown of a text.
LONGEST = 80


def one_line(text: str) -> str:
    """A text that can neither forge a line nor steer a terminal, nor fill the log: escaped, and cut if it is long."""
    # The secrets go first: what a cut leaves of one would not be known as one.
    text = redaction.redactor(text)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 1]}…"
    if text.isprintable():
        return text
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    """A character as it is if it can be seen, else as Python writes it."""
    return character if character.isprintable() else repr(character)[1:-1]
