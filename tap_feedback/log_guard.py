"""Log guard: removes secrets from every log record before a handler gets it."""

from __future__ import annotations

import logging
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING

from tap_feedback import redaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_feedback.redaction import Redactor, Secret

#: The fields that every log record has. All others come from `extra`.
FIELDS = frozenset(vars(logging.LogRecord("", 0, "", 0, None, None, None)))


def guard_logs(secrets: Iterable[Secret]) -> None:
    """Remove these secrets, and those of earlier calls, from everything that this process logs from now on."""
    redaction.redactor.add(*secrets)
    _guard_handlers()
    # Else a failing handler prints the record to stderr, along with the errors being handled.
    logging.raiseExceptions = False
    # Python's own hook for a dying thread prints to stderr and bypasses the log.
    threading.excepthook = _log_dying_thread


@cache
def _guard_handlers() -> None:
    """Clean every record on its way to the handlers, including handlers that other code adds later.

    `Logger.handle` gets complete records. A record factory does not see their `extra` fields, and a formatter or filter
    guards only one handler.
    """
    handle = logging.Logger.handle

    def guarded(self: logging.Logger, record: logging.LogRecord) -> None:
        clean(record)
        handle(self, record)

    logging.Logger.handle = guarded  # type: ignore[method-assign]


def clean(record: logging.LogRecord) -> None:
    """Remove the secrets from a record. A record without secrets keeps its template and its arguments."""
    try:
        _clean(record, redaction.redactor)
    except Exception as error:  # noqa: BLE001 - an argument may raise anything when it is formatted; logging must not fail
        for name in _extras(record):
            delattr(record, name)
        reason = f"{type(error).__name__} at {record.filename}:{record.lineno}"
        record.msg, record.args = f"A log line cannot be written: {reason}", ()
        record.exc_info = record.exc_text = record.stack_info = None


def _clean(record: logging.LogRecord, redactor: Redactor) -> None:
    message = record.getMessage()
    masked = redactor(message)
    if masked != message or (record.args and redactor(shown := repr(record.args)) != shown):
        record.msg, record.args = masked, ()
    for name in ("exc_text", "stack_info", *_extras(record)):
        vars(record)[name] = redactor.value(getattr(record, name), name)
    if record.exc_info and record.exc_info[1] is not None:
        text = logging.Formatter().formatException(record.exc_info)
        errors = _with_those_behind(record.exc_info[1])
        # A traceback leaves out the cause behind `from None`, but some handlers show it.
        if any(redactor(each) != each for each in (text, *map(str, errors))):
            error = _stand_ins(errors, redactor)[0]
            record.exc_info, record.exc_text = (type(error), error, record.exc_info[2]), redactor(text)


def _extras(record: logging.LogRecord) -> list[str]:
    return [name for name in vars(record) if name not in FIELDS]


def _with_those_behind(error: BaseException) -> list[BaseException]:
    """Return an error with its causes and contexts, each once."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            waiting += [each.__cause__, each.__context__]
    return list(found.values())


def _stand_ins(errors: list[BaseException], redactor: Redactor) -> list[BaseException]:
    """Return copies of errors that look the same in a log, without the secrets.

    The errors themselves do not change, as other code may still handle them.
    """
    stand_ins = {id(error): _stand_in(error, redactor) for error in errors}
    for error in errors:
        stand_in = stand_ins[id(error)]
        stand_in.__cause__ = stand_ins.get(id(error.__cause__))
        stand_in.__context__ = stand_ins.get(id(error.__context__))
        stand_in.__suppress_context__ = error.__suppress_context__
    return list(stand_ins.values())


def _stand_in(error: BaseException, redactor: Redactor) -> BaseException:
    """Return a copy of an error: its name, message, notes and traceback."""
    kind = type(error)
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    stand_in: BaseException = type(kind.__name__, (Exception,), names)(redactor(str(error)))
    stand_in.__traceback__ = error.__traceback__
    if notes := getattr(error, "__notes__", None):
        vars(stand_in)["__notes__"] = redactor.value(notes)
    return stand_in


def _log_dying_thread(args: threading.ExceptHookArgs) -> None:
    """Log what ended a thread."""
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        exc_info = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger("tap-feedback").error("A thread died: %s", args.exc_value, exc_info=exc_info)
    sys.stderr.flush()
