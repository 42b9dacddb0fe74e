"""How programs write a secret: by their own encoders, and not by what the tap knows of these."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable


def small_digits(text: str) -> str:
    """The text with small hexadecimal digits in its percent encoding."""
    return re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), text)


#: Ways to write a text, of which one may follow another.
ENCODERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": quote,
    "URL part": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "URL part in small digits": lambda text: small_digits(quote(text, safe="")),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "repr": lambda text: repr(text)[1:-1],
    "repr with both quotes": lambda text: repr(f"{text}'\"")[1:-4],
    "bytes": lambda text: repr(text.encode())[2:-1],
}


def basic(user: str, password: str) -> str:
    """What basic auth sends."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def forms(secret: str) -> set[str]:
    """A secret in all the ways, once, twice, and as a part of basic auth."""
    credentials = [basic(secret, ""), basic(secret, "").rstrip("="), basic("ann", secret), basic("team", secret)]
    written = {encode(text) for encode in ENCODERS.values() for text in (secret, *credentials)}
    return {encode(text) for encode in ENCODERS.values() for text in written}
