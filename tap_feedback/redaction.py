"""Redaction of secrets in texts and values, whatever their spelling."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from tap_feedback.spelling import BACKSLASH, Spelling, spell, spell_base64

MASK = "***"
#: Minimum length of a secret that is masked everywhere, and of a key that is masked as a whole word. Shorter ones are
#: part of many words, so they are masked only after their name.
SHORTEST, SHORTEST_KEY = 6, 3
#: The setting with the key, and the header in which most keys are sent.
KEY_NAMES = ("api_key", "Authorization")

# What follows a name, also in a URL: `name=value`, `Name: Scheme value`, `"name": "value"`, or a list.
QUOTE = rf"(?:{BACKSLASH}*[\"']|%(?:25)*2[27])*"
BLANK = r"(?:\s|\+|%(?:25)*20)"
EQUALS = rf"{QUOTE}{BLANK}*(?:=>|[=:,]|%(?:25)*3[AaDd]){BLANK}*"
VALUE = rf"\[[^\]]*\]|{QUOTE}(?:[\w-]+{BLANK})?[^\s\"'&,;]*"


class Secret(NamedTuple):
    """A secret, and the name under which it is sent."""

    value: str
    name: str = KEY_NAMES[0]

    def __repr__(self) -> str:
        """Return the name alone."""
        return f"Secret({self.name})"


class Redactor:
    """Masks secrets in texts and values. Any thread may add secrets at any time."""

    def __init__(self, *secrets: Secret) -> None:
        self._lock = threading.Lock()
        self._secrets: frozenset[Secret] = frozenset()
        self._patterns = _Patterns(self._secrets)
        self.add(*secrets)

    def add(self, *secrets: Secret) -> None:
        """Mask these secrets from now on."""
        with self._lock:
            if not self._secrets.issuperset(secrets):
                self._secrets = self._secrets.union(secrets)
                self._patterns = _Patterns(self._secrets)

    def __call__(self, text: str, name: str = "") -> str:
        """Return the text without the secrets.

        Args:
            text: Any text.
            name: The name of the header, parameter or field, if the text is its value.
        """
        patterns = self._patterns
        for core, pattern in patterns.anywhere:
            if core in text:
                text = pattern.sub(MASK, text)
        if patterns.short is None:
            return text
        if patterns.names.fullmatch(name):
            return patterns.short.sub(MASK, text)
        mask_short = patterns.short.sub
        return patterns.named.sub(lambda found: found[1] + mask_short(MASK, found[2]), text)

    def value(self, value: Any, name: str = "") -> Any:
        """Return a value without the secrets: the same object if it holds none."""
        if isinstance(value, Mapping):
            pairs = [(self.value(key), self.value(item, str(key))) for key, item in value.items()]
            same = all(key is old and item is value[old] for (key, item), old in zip(pairs, value, strict=True))
            return value if same else dict(pairs)
        if isinstance(value, (list, tuple)):
            items = [self.value(item, name) for item in value]
            same = all(item is old for item, old in zip(items, value, strict=True))
            return value if same else tuple(items) if isinstance(value, tuple) else items
        text = str(value)
        masked = self(text, name)
        return value if masked == text else masked


class _Patterns:
    """The patterns of a redactor. Longer secrets come first, so that a shorter one in them does not leave a rest."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        found: dict[Spelling, int] = {}
        short: set[str] = set()
        names = set(KEY_NAMES)
        for part, name in {(part, secret.name) for secret in secrets for part in parts(secret.value)}:
            if len(part) >= SHORTEST:
                found.update(dict.fromkeys(_spellings(part), len(part)))
                continue
            spellings = [spell(part), spell(_basic(part)), spell(_basic(part).rstrip("="))]
            names.add(name)
            short.update(spelling.pattern for spelling in spellings)
            if name in KEY_NAMES and len(part) >= SHORTEST_KEY:
                found.update({Spelling(_word(spelling.pattern), spelling.core): len(part) for spelling in spellings})
        longest_first = sorted(found, key=lambda spelling: found[spelling], reverse=True)
        self.anywhere = [(spelling.core, re.compile(spelling.pattern)) for spelling in longest_first]
        self.short = re.compile(_word("|".join(sorted(short, key=len, reverse=True)))) if short else None
        pattern = "|".join(sorted((spell(name).pattern for name in names), key=len, reverse=True))
        self.names = re.compile(pattern, re.IGNORECASE)
        self.named = re.compile(f"((?:{pattern}){EQUALS})({VALUE})", re.IGNORECASE)


def parts(secret: str) -> set[str]:
    """Return a secret and its secret parts: what follows a word such as `Bearer`, and values after a `=`."""
    found = {secret, *re.findall(rf"=\s*\"?([^\s\",;]{{{SHORTEST},}})", secret)}
    if match := re.fullmatch(r"([A-Za-z][\w-]*)\s+(.+)", secret):
        scheme, credentials = match.groups()
        found.add(credentials)
        if scheme.lower() == "basic":
            with suppress(ValueError):  # it is not base64
                user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
                found.add(password or user)
    return found - {""}


def _spellings(secret: str) -> list[Spelling]:
    """Return the spellings of a secret in a text, also in base64 with a user name or anything else around it."""
    encoded = set()
    for encoding in ("utf-8", "latin-1"):
        with suppress(UnicodeEncodeError):  # then no program can send it in this encoding
            encoded.add(secret.encode(encoding))
    return [spell(secret), *(spell_base64(data, before) for data in encoded for before in range(3))]


def _basic(key: str) -> str:
    """Return what HTTP basic auth sends for a key."""
    return base64.b64encode(f"{key}:".encode("utf-8", "replace")).decode()


def _word(pattern: str) -> str:
    """Return a pattern for whole words. In a URL, an encoded character may precede a word."""
    return rf"(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f]{{2}}))(?:{pattern})(?![A-Za-z0-9_])"


#: The redactor of the whole process.
redactor = Redactor()
