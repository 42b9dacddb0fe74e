"""No secret leaves the process: every log line passes through here on its way out."""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"


def forms(secret: str) -> set[str]:
    """The ways in which a secret may stand in a text: plain, URL-encoded, JSON, Python literals, basic auth."""
    secret = secret.encode("utf-8", "replace").decode()  # a lone surrogate has no bytes; such a key is refused later
    basic = base64.b64encode(f"{secret}:".encode()).decode()
    found = {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        basic,
        basic.rstrip("="),
        quote(basic, safe=""),
        secret.replace("'", "\\'"),  # in the repr of a text that has both kinds of quotes
    }
    found |= {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in found}
    # A structured log line has any of them within JSON.
    return found | {json.dumps(form)[1:-1] for form in found}


class Redactor:
    """Replaces each form of each secret in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {form for secret in secrets if secret for form in forms(secret)}
        # The longest first, so that no form leaves the rest of a longer one behind.
        self.forms = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        for form in self.forms:
            text = text.replace(form, MASK)
        return text


class RedactingFormatter(logging.Formatter):
    """Formats as another formatter does, tracebacks included, and takes the secrets out."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self.inner = inner
        self.redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Format the record."""
        return self.redactor(self.inner.format(record))


def guard_logs(secrets: Iterable[str]) -> None:
    """Take the secrets out of all that any logging handler of this process writes, from now on."""
    redactor = Redactor(secrets)
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    handlers = {handler for logger in loggers for handler in getattr(logger, "handlers", ())}
    # Python's own last resort speaks where no handler is set.
    for handler in handlers | ({logging.lastResort} if logging.lastResort else set()):
        inner = handler.formatter or logging.Formatter()
        if isinstance(inner, RedactingFormatter):
            inner = inner.inner
        handler.setFormatter(RedactingFormatter(inner, redactor))
    # A handler that fails to format a line prints its parts to stderr as they are.
    logging.raiseExceptions = False
    # Python's own hook for a dying thread prints to stderr past all handlers.
    threading.excepthook = _log_dying_thread


def _log_dying_thread(args: threading.ExceptHookArgs) -> None:
    """Log what ended a thread."""
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        exc_info = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger("tap-feedback").error("A thread died: %s", args.exc_value, exc_info=exc_info)
    sys.stderr.flush()
