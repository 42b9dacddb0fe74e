"""No secret in a log, in whatever form and by whatever way it gets there."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, urlencode

import pytest
import requests
from singer_sdk.logging import ConsoleFormatter, StructuredFormatter

from tap_feedback.redaction import MASK, RedactingFormatter, Redactor, forms, guard_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN = "geheim-4711"
WILD = "g e/h+e=i&m%é\"'\\4711"
SECRETS = [PLAIN, WILD]


@pytest.fixture
def log() -> Iterator[Callable[[logging.Formatter | None], tuple[logging.Logger, io.StringIO]]]:
    """A function that gives a logger with one handler, and what that writes."""
    logger = logging.getLogger("tests.redaction")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    others = {handler: handler.formatter for handler in all_handlers()}
    hook = threading.excepthook

    def make(formatter: logging.Formatter | None) -> tuple[logging.Logger, io.StringIO]:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        logger.handlers = [handler]
        return logger, stream

    yield make
    threading.excepthook = hook
    logger.handlers = []
    for handler, formatter in others.items():
        handler.setFormatter(formatter)


def all_handlers() -> set[logging.Handler]:
    """The handlers that the guard may touch beside the test's own."""
    found = set(logging.getLogger().handlers) | set(logging.getLogger("tap-feedback").handlers)
    return found | ({logging.lastResort} if logging.lastResort else set())


FORMATTERS = [None, logging.Formatter("%(levelname)s %(message)s"), ConsoleFormatter(), StructuredFormatter()]


def speak(logger: logging.Logger, secret: str) -> None:
    """Log a secret in the ways in which it happens."""
    logger.debug("GET /v1/feedback?%s", urlencode({"api_key": secret}))
    logger.info("the key is %s", secret)
    logger.warning("headers %r", {"Authorization": f"Bearer {secret}"})
    logger.error(secret, extra={"key": secret})
    try:
        try:
            os.environ[secret]
        except KeyError as error:
            raise ValueError(f"no {secret}") from error
    except ValueError:
        logger.exception("failed")
    logger.info("where", stack_info=True)


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("secret", SECRETS)
def test_logs_hold_no_secret(
    log: Callable[..., tuple[logging.Logger, io.StringIO]], formatter: logging.Formatter, secret: str
) -> None:
    """With the guard no form of a secret is in the output, in which it is without."""
    logger, bare = log(formatter)
    speak(logger, secret)
    assert "4711" in bare.getvalue()
    logger, guarded = log(formatter)
    guard_logs([secret])
    speak(logger, secret)
    assert "4711" not in guarded.getvalue()
    assert guarded.getvalue().count(MASK) >= 5
    assert "failed" in guarded.getvalue()


def test_structured_lines_stay_json(log: Callable[..., tuple[logging.Logger, io.StringIO]]) -> None:
    """The SDK's structured lines can be read as JSON after the secrets are gone."""
    logger, stream = log(StructuredFormatter())
    guard_logs(SECRETS)
    for secret in SECRETS:
        speak(logger, secret)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["level"] for line in lines[:3]] == ["debug", "info", "warning"]
    assert lines[1]["message"] == f"the key is {MASK}"


def basic_as_requests_sends_it(secret: str) -> str:
    """The header of basic auth with the secret as the user name."""
    request = requests.Request("GET", "http://127.0.0.1", auth=(secret.encode(), b""))
    return str(request.prepare().headers["Authorization"])


@pytest.mark.parametrize(
    "form",
    [
        str,
        quote,
        lambda secret: quote(secret, safe=""),
        quote_plus,
        json.dumps,
        repr,
        lambda secret: base64.b64encode(f"{secret}:".encode()).decode(),
        lambda secret: base64.b64encode(f"{secret}:".encode()).decode().rstrip("="),
        lambda secret: quote(base64.b64encode(f"{secret}:".encode()).decode(), safe=""),
        basic_as_requests_sends_it,
    ],
)
@pytest.mark.parametrize("secret", SECRETS)
def test_forms(form: Callable[[str], str], secret: str) -> None:
    """Each form of a secret is masked, and what stands around it stays."""
    text = Redactor([secret])(f"before {form(secret)} after")
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert len(text.split()) <= 4
    assert MASK in text
    assert not any(known in text for known in forms(secret))


def test_longer_forms_go_first() -> None:
    """A secret that begins another one leaves nothing of it behind."""
    assert Redactor(["key", "key-and-more"])("key-and-more, key") == f"{MASK}, {MASK}"


def test_empty_secrets() -> None:
    """An empty secret, or none, changes no text."""
    assert Redactor(["", ""])("a text") == Redactor([])("a text") == "a text"


def test_other_text_stays() -> None:
    """What is no secret is not touched."""
    assert Redactor(SECRETS)("feedback: 12 rows in 1 pages") == "feedback: 12 rows in 1 pages"


@pytest.mark.parametrize("name", ["", "tap-feedback", "urllib3", "tests.redaction.child"])
def test_handlers_of_all_loggers(log: Callable[..., object], name: str) -> None:
    """The handlers of every logger are guarded, wherever they hang."""
    log(None)
    logger, handler = logging.getLogger(name), logging.StreamHandler(stream := io.StringIO())
    logger.addHandler(handler)
    try:
        guard_logs([PLAIN])
        logger.error("the key is %s", PLAIN)
    finally:
        logger.removeHandler(handler)
    assert stream.getvalue() == f"the key is {MASK}\n"


def test_last_resort(log: Callable[..., object]) -> None:
    """Python's own handler, which speaks where none is set, is guarded too."""
    log(None)
    guard_logs([PLAIN])
    assert logging.lastResort is not None
    record = logging.makeLogRecord({"msg": PLAIN})
    assert logging.lastResort.format(record) == MASK


def test_guard_may_be_set_again(log: Callable[..., tuple[logging.Logger, io.StringIO]]) -> None:
    """A second guard takes the first one's place, and formatters do not pile up."""
    logger, stream = log(logging.Formatter("%(message)s"))
    guard_logs(["first"])
    guard_logs(["second"])
    logger.info("first second")
    assert stream.getvalue() == f"first {MASK}\n"
    formatter = logger.handlers[0].formatter
    assert isinstance(formatter, RedactingFormatter)
    assert not isinstance(formatter.inner, RedactingFormatter)


def test_dying_threads(capsys: pytest.CaptureFixture[str], log: Callable[..., object]) -> None:
    """What ends a thread is told through the log, without the secret, and not past it."""
    log(None)
    handler = logging.StreamHandler(stream := io.StringIO())
    logger = logging.getLogger("tap-feedback")
    logger.addHandler(handler)

    def die() -> None:
        raise RuntimeError(f"no luck with {PLAIN}")

    try:
        guard_logs([PLAIN])
        for target in (die, sys.exit):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join(5)
    finally:
        logger.removeHandler(handler)
    assert f"A thread died: no luck with {MASK}" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert stream.getvalue().count("A thread died") == 1
    assert PLAIN not in stream.getvalue() + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "written", ["it%27s%20a/key", "it%27s%20a%2fkey", repr('"it\'s a/key"'), json.dumps("it's a/key")]
)
def test_a_secret_is_found_however_a_program_writes_it(written: str) -> None:
    """Small hexadecimal digits, and a quote that is escaped for the sake of another, hide nothing."""
    assert "key" not in Redactor(["it's a/key"])(f"GET {written} failed")


def test_a_secret_that_cannot_be_encoded_stops_nothing() -> None:
    """A lone surrogate in a key is for the settings to refuse."""
    assert Redactor(["a\ud800b"])("text") == "text"
