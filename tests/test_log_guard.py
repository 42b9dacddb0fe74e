"""Log guard: secrets never appear in a log, on any path."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import os
import pickle
import queue
import re
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from singer_sdk.logging import ConsoleFormatter, StructuredFormatter
from singer_sdk.metrics import Metric, Point

from tap_feedback import log_guard, redaction
from tap_feedback.log_guard import guard_logs
from tap_feedback.redaction import MASK, Redactor, Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN = "geheim-47xq"
WILD = "g e/h+e=i&m%é\"'\\47xq"
SECRETS = [PLAIN, WILD]


def guard(*secrets: str) -> None:
    """Guard the log against these."""
    guard_logs(map(Secret, secrets))


@pytest.fixture(autouse=True)
def _fresh_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard that knows of no secret yet; what it sets for the process is set back."""
    monkeypatch.setattr(redaction, "redactor", Redactor())
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger without handlers."""
    logger = logging.getLogger("tests.log_guard")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    logger.handlers.clear()


def attach(logger: logging.Logger, formatter: logging.Formatter | None = None) -> io.StringIO:
    """Add a handler, and give what it writes."""
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return stream


def speak(logger: logging.Logger, secret: str) -> None:
    """Log a secret in the ways in which it happens."""
    logger.debug("GET /v1/feedback?%s", urlencode({"api_key": secret}))
    logger.info("the key is %s", secret)
    logger.warning("headers %r", {"Authorization": f"Bearer {secret}"})
    logger.error(secret, extra={"key": secret})
    logger.info("an extra", extra={"request": {"url": f"/?k={quote(secret)}", "headers": [("X", secret)]}})
    try:
        try:
            os.environ[secret]
        except KeyError as error:
            raise ValueError(f"no {secret}") from error
    except ValueError:
        logger.exception("failed")
    try:
        try:
            os.environ[secret]
        except KeyError:
            raise ValueError("failed") from None
    except ValueError:
        logger.exception("failed without a cause")
    logger.info("stack", stack_info=True)


FORMATTERS = [None, logging.Formatter("%(levelname)s %(message)s"), ConsoleFormatter(), StructuredFormatter()]


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("secret", SECRETS)
def test_logs_hold_no_secret(logger: logging.Logger, formatter: logging.Formatter, secret: str) -> None:
    """With the guard no form of a secret is in the output, in which it is without."""
    stream = attach(logger, formatter)
    speak(logger, secret)
    assert "47xq" in stream.getvalue()
    stream.truncate(0)
    guard(secret)
    speak(logger, secret)
    assert "47xq" not in stream.getvalue()
    assert stream.getvalue().count(MASK) >= 5
    assert "failed" in stream.getvalue()


class Raw(logging.Handler):
    """A handler that keeps records, as those do that send them on."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.records.append(record)


def sent_over_socket(record: logging.LogRecord) -> bytes:
    """What SocketHandler sends."""
    return logging.handlers.SocketHandler("127.0.0.1", 9).makePickle(record)


def sent_over_http(record: logging.LogRecord) -> bytes:
    """What HTTPHandler sends."""
    return urlencode(logging.handlers.HTTPHandler("127.0.0.1", "/").mapLogRecord(record)).encode()


def sent_through_queue(record: logging.LogRecord) -> bytes:
    """What QueueHandler hands to another process."""
    return pickle.dumps(logging.handlers.QueueHandler(queue.Queue()).prepare(record))


def seen_in_errors(record: logging.LogRecord) -> bytes:
    """What those find who walk the error itself, as Sentry does."""
    found: list[str] = [str(vars(record))]
    waiting = [record.exc_info[1]] if record.exc_info else []
    while waiting:
        error = waiting.pop()
        if error is not None:
            found += [type(error).__name__, str(error), repr(error.args), str(vars(error))]
            waiting += [error.__cause__, error.__context__]
    return "\n".join(found).encode()


@pytest.mark.parametrize("sent", [sent_over_socket, sent_over_http, sent_through_queue, seen_in_errors])
@pytest.mark.parametrize("secret", SECRETS)
def test_records_hold_no_secret(
    logger: logging.Logger, sent: Callable[[logging.LogRecord], bytes], secret: str
) -> None:
    """A handler that sends the record itself has none to send, whether or not it was there before the guard."""
    bare, guarded = Raw(), Raw()
    logger.addHandler(bare)
    speak(logger, secret)
    assert any(b"47xq" in sent(record) for record in bare.records)
    guard(secret)
    logger.addHandler(guarded)
    speak(logger, secret)
    assert len(guarded.records) == 8
    for record in guarded.records:
        assert b"47xq" not in sent(record)


def test_handlers_in_between(logger: logging.Logger) -> None:
    """A handler that holds records back hands on masked ones."""
    stream = io.StringIO()
    logger.addHandler(logging.handlers.MemoryHandler(1, target=logging.StreamHandler(stream)))
    guard(PLAIN)
    logger.error("the key is %s", PLAIN)
    assert stream.getvalue() == f"the key is {MASK}\n"


def test_a_record_without_secrets_stays(logger: logging.Logger) -> None:
    """Structured handlers see template, arguments, extra fields and errors as they were."""
    logger.addHandler(raw := Raw())
    guard(*SECRETS)
    error, extra = ValueError("x"), {"a": [1]}
    logger.warning("%s of %d", "one", 2, exc_info=error, extra={"more": extra})
    (record,) = raw.records
    assert (record.msg, record.args) == ("%s of %d", ("one", 2))
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    assert vars(record)["more"] is extra


def test_metrics_stay_metrics(logger: logging.Logger) -> None:
    """The SDK's structured lines have the points of metrics as objects."""
    stream = attach(logger, StructuredFormatter())
    guard(*SECRETS)
    logger.info("METRIC: %s", Point("counter", Metric.RECORD_COUNT, 3, {"stream": "forums"}))
    assert json.loads(stream.getvalue())["metric_info"]["value"] == 3


def test_arguments_that_a_line_leaves_out(logger: logging.Logger) -> None:
    """An argument that the template does not show is still in the record."""
    logger.addHandler(raw := Raw())
    guard(PLAIN)
    logger.info("page %(page)d", {"page": 7, "key": PLAIN})
    assert (raw.records[0].msg, raw.records[0].args) == ("page 7", ())


def test_structured_lines_stay_json(logger: logging.Logger) -> None:
    """The SDK's structured lines can be read as JSON after the secrets are gone, and say the same of errors."""
    stream = attach(logger, StructuredFormatter())
    guard(*SECRETS)
    for secret in SECRETS:
        speak(logger, secret)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["level"] for line in lines[:3]] == ["debug", "info", "warning"]
    assert lines[1]["message"] == f"the key is {MASK}"
    assert lines[3]["extra"]["key"] == MASK
    failed = lines[5]["exception"]
    assert (failed["type"], failed["module"], failed["message"]) == ("ValueError", "builtins", f"no {MASK}")
    assert (failed["cause"]["type"], failed["cause"]["message"]) == ("KeyError", f"'{MASK}'")
    assert failed["traceback"][0]["function"] == "speak"


def test_the_error_itself_stays(logger: logging.Logger) -> None:
    """Who handles an error after it was logged finds it as it was raised, with those behind it."""
    guard(PLAIN)
    attach(logger)
    inner, outer = KeyError(PLAIN), ValueError(PLAIN)
    outer.__cause__ = inner
    inner.__context__ = outer  # errors may go round in circles
    logger.error("failed", exc_info=outer)
    assert outer.args == inner.args == (PLAIN,)
    assert outer.__cause__ is inner


def test_errors_look_the_same(logger: logging.Logger) -> None:
    """A masked traceback differs from the plain one in nothing but the mask, notes included."""
    errors: list[BaseException] = []
    try:
        try:
            os.environ[PLAIN]
        except KeyError:
            raise json.JSONDecodeError(PLAIN, "doc", 1)  # noqa: B904 - "during handling"
    except json.JSONDecodeError as error:
        vars(error)["__notes__"] = [f"note {PLAIN}"]
        errors.append(error)
    plain, masked = io.StringIO(), io.StringIO()
    for stream, secrets in ((plain, []), (masked, [PLAIN])):
        logger.handlers = [logging.StreamHandler(stream)]
        guard(*secrets)
        logger.error("failed", exc_info=errors[0])
    assert PLAIN in plain.getvalue()
    assert "During handling of the above exception" in plain.getvalue()
    assert masked.getvalue() == plain.getvalue().replace(PLAIN, MASK)


class Unreadable:
    """What cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError(PLAIN)


@pytest.mark.parametrize(
    ("message", "arguments", "extra"),
    [("%d rows", (PLAIN,), {}), ("%s", (Unreadable(),), {}), ("%(a)s", ({"b": PLAIN},), {}), ("", (), Unreadable())],
)
def test_a_line_that_cannot_be_read(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], message: str, arguments: tuple[Any, ...], extra: Any
) -> None:
    """A mistake in a log call stops nothing; its line names the place, and nothing else."""
    logger.addHandler(raw := Raw())
    stream = attach(logger)
    guard(PLAIN)
    logger.warning(message, *arguments, extra={"x": extra})
    expected = r"A log line cannot be written: \w+Error at test_log_guard\.py:\d+\n"
    assert re.fullmatch(expected, stream.getvalue())
    assert "x" not in vars(raw.records[0])
    assert PLAIN not in str(vars(raw.records[0])) + "".join(capsys.readouterr())


def test_a_handler_that_fails(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    """Python would print what a handler failed on, and the error that was being handled."""

    class Failing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                self.flush(record)  # type: ignore[call-arg]
            except TypeError:
                self.handleError(record)

    logger.addHandler(Failing())
    guard(PLAIN)
    speak(logger, PLAIN)
    assert "47xq" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["", "tap-feedback", "urllib3", "tests.redaction.child"])
def test_handlers_of_all_loggers(name: str) -> None:
    """The handlers of every logger get masked records, whenever they were added."""
    logger, streams = logging.getLogger(name), (io.StringIO(), io.StringIO())
    handlers = [logging.StreamHandler(stream) for stream in streams]
    logger.addHandler(handlers[0])
    try:
        guard(PLAIN)
        logger.addHandler(handlers[1])
        logger.error("the key is %s", PLAIN)
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
    assert [stream.getvalue() for stream in streams] == [f"the key is {MASK}\n"] * 2


def test_last_resort(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Python's own handler, which speaks when there is no other, gets masked records too."""
    logger = logging.getLogger("tests.last_resort")
    monkeypatch.setattr(logger, "propagate", False)
    guard(PLAIN)
    logger.error("the key is %s", PLAIN)
    assert capsys.readouterr().err == f"the key is {MASK}\n"


def test_guard_may_be_set_again(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tap adds its secrets to those of the others, and guards do not pile up."""
    stream = attach(logger, logging.Formatter("%(message)s"))
    guard("first!")
    handle = logging.Logger.handle
    guard("second!")
    assert logging.Logger.handle is handle
    cleaned = []
    clean = log_guard.clean

    def count(record: logging.LogRecord) -> None:
        cleaned.append(record)
        clean(record)

    monkeypatch.setattr(log_guard, "clean", count)
    logger.info("first! second!")
    assert stream.getvalue() == f"{MASK} {MASK}\n"
    assert len(cleaned) == 1


def test_secrets_that_come_later(logger: logging.Logger) -> None:
    """A token that is known only after its request is masked from then on."""
    stream = attach(logger)
    guard(PLAIN)
    redaction.redactor.add(Secret("tok-later-1", "access_token"))
    logger.info("tok-later-1 %s", PLAIN)
    assert stream.getvalue() == f"{MASK} {MASK}\n"


def test_dying_threads(capsys: pytest.CaptureFixture[str]) -> None:
    """What ends a thread goes through the log, without the secret, and not past it."""
    handler = logging.StreamHandler(stream := io.StringIO())
    logger = logging.getLogger("tap-feedback")
    logger.addHandler(handler)

    def die() -> None:
        raise RuntimeError(f"no luck with {PLAIN}")

    try:
        guard(PLAIN)
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
