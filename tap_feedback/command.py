"""The command line: what goes wrong is told in one line each, and by the exit code."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import sys
import threading
from typing import IO, Any

from singer_sdk.exceptions import ConfigurationError, ConfigValidationError, SyncError
from singer_sdk.plugin_base import SingerCommand

from tap_feedback.writer import OutputLostError

#: What an empty file needs, by the option that names it.
FILLINGS = {
    "--state": "write `{}` into it to start from the beginning",
    "--catalog": "write the output of `--discover` into it",
    "--config": "write a JSON object with `feedback`, `analytics` or `support` into it",
}
#: Objects that come to be between two collections of garbage, before there may be some.
OBJECTS_BETWEEN_COLLECTIONS = 50_000


class SyncFailedError(SyncError):
    """Some streams failed; each has its line in the log."""


class Aborted(SystemExit):
    """The sync ended before its streams did, by a signal or because the target is gone."""


class Command(SingerCommand):
    """The SDK's command, which would show tracebacks."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command.

        Exit codes: 0 complete, 1 failed, 2 wrong usage, 130 and 143 stopped by a signal.
        """
        if sys.stdout is None:
            self.logger.error("stdout is closed: there is nowhere to write to; pipe it into a target, or into a file")
            raise SystemExit(1)
        # Rows form no cycles: looking for some often, each time in all that was imported, costs time for nothing.
        gc.freeze()
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 100)
        try:
            return super().main(*args, **kwargs)
        except SystemExit as ended:
            code = ended.code
        except ConfigValidationError as error:
            for line in error.errors:
                self.logger.error("%s", line)
            code = 1
        except SyncFailedError as error:
            self.logger.error("%s", error)
            code = 1
        except Exception as error:
            if isinstance(error, OSError) and error.strerror and error.filename is None:
                error = OutputLostError(error)  # no file failed, so it was stdout
            self.logger.error("%s", describe(error), exc_info=self.logger.isEnabledFor(logging.DEBUG))
            code = 1
        if threading.active_count() > 1:
            # Threads that still wait for the network would hold up the end; nobody needs their answers.
            logging.shutdown()
            os._exit(code if isinstance(code, int) else 0)
        raise SystemExit(code)


def check_json(option: str, file: IO[str] | None) -> IO[str] | None:
    """The file again, once it is known to hold a JSON object.

    Raises:
        ConfigurationError: It does not; the message names the option and the file.
    """
    return io.StringIO(read_json(option, file)[0]) if file else None


def read_json(option: str, file: IO[str]) -> tuple[str, dict[str, Any]]:
    """The text of a file, and the JSON object that it holds.

    Raises:
        ConfigurationError: It holds none; the message names the option and the file.
    """
    try:
        text = file.read()
        if not text.strip():
            raise ConfigurationError(f"{option}: {file.name} is empty; {FILLINGS[option]}")
        value = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{option}: {file.name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{option}: {file.name} is not a JSON object")
    return text, value


def describe(error: Exception) -> str:
    """What an error says; with its type where it is none that the tap raises itself."""
    if isinstance(error, (ConfigurationError, OutputLostError, SyncError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
