"""Names of headers, parameters and settings that hold a secret."""

from __future__ import annotations

import re

#: Marks of a secret in any part of a name, however its words are joined.
MARKS = re.compile(
    "apikey|token|secret|passw|passphrase|passcode|authori[sz]ation|authentication|signature|credential|hmac|jwt|bearer"
    "|oauth|cookie|sess(ion)?id"
)
#: Words that mark a secret, anywhere in a name and as its last word.
WORDS = {"auth", "cred", "creds", "otp", "pwd", "sid", "sig"}
LAST_WORDS = {"pass", "session", "sign"}
#: Words before `key` that make it harmless. With any other word, and by itself, `key` is a secret.
HARMLESS_KEYS = {
    *("cache", "column", "cursor", "dimension", "end", "event", "field", "filter", "first", "foreign", "group"),
    *("idempotency", "index", "issue", "last", "lookup", "metric", "next", "object", "order", "page", "partition"),
    *("primary", "property", "range", "replication", "row", "search", "sort", "start", "translation"),
}
#: Words before `code` that make it a secret. By itself it is one, too; country codes and the like are not.
SECRET_CODES = {"access", "activation", "api", "app", "auth", "client", "function", "functions", "security"}
#: Words before `id` that make it a secret; `access_key_id` is one because `access_key` is.
SECRET_IDS = {"app", "client", "consumer"}
#: Pairs of words that are often written as one, as in `subscriptionkey`.
JOINED = re.compile(
    "(access|account|admin|app|auth|client|consumer|developer|encryption|integration|license|master|partner|private"
    "|public|security|service|session|shared|signing|site|subscription|user)(code|id|key)"
)
#: Last words of names that describe a secret but do not hold it, as in `access_token_url`.
ABOUT = {
    *("algorithm", "count", "expires", "expiry", "field", "format", "length", "limit", "location", "method", "name"),
    *("param", "path", "prefix", "size", "status", "ttl", "type", "uri", "url", "version"),
}


def is_secret_name(name: str) -> bool:
    """Return whether a value of this name is a secret. In doubt, it is."""
    words: list[str] = []
    for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name):
        joined = JOINED.fullmatch(word.lower())
        words += joined.groups() if joined else [word.lower()]
    return _is_secret(words)


def _is_secret(words: list[str]) -> bool:
    if not words or words[-1] in ABOUT:
        return False
    *others, last = words
    before = others[-1] if others else ""
    if MARKS.search("".join(words)) or not WORDS.isdisjoint(words) or last in LAST_WORDS:
        return True
    if last == "key":
        return before not in HARMLESS_KEYS
    if last == "code":
        return not before or before in SECRET_CODES
    return last == "id" and (before in SECRET_IDS or _is_secret(others))
