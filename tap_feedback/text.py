"""Foreign texts, such as the names of an API's fields, made safe for a log line."""

from __future__ import annotations

from tap_feedback import redaction

#: Maximum number of characters to show of a text.
LONGEST = 80


def one_line(text: str) -> str:
    """Return a text escaped and cut, so that it cannot forge a log line, control a terminal or flood the log."""
    # Secrets are removed first, as the rest of a cut secret would not be recognised.
    text = redaction.redactor(text)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 1]}…"
    if text.isprintable():
        return text
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    """Return a printable character unchanged, and any other as Python escapes it."""
    return character if character.isprintable() else repr(character)[1:-1]
