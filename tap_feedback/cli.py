"""The command `tap-feedback`: its input files, one-line error messages, and exit codes."""

from __future__ import annotations

import gc
import io
import json
import logging
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigurationError, ConfigValidationError
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.tap_base import CliTestOptionValue

from tap_feedback.declarations import merge
from tap_feedback.sync import SyncFailedError, describe
from tap_feedback.writer import OutputLostError

if TYPE_CHECKING:
    from tap_feedback.probe.command import Probed

#: What to do about an empty file, by the option that names it.
FILLINGS = {
    "--state": "write `{}` into it to start from the beginning",
    "--catalog": "write the output of `--discover` into it",
    "--config": "write a JSON object with `feedback`, `analytics` or `support` into it",
}
TEST_HELP = (
    "Use --test to read two pages of each stream without writing them. "
    "Use --test=schema to write the schemas without sending a request."
)
PROBE_HELP = (
    "Use --probe to find settings for an API without a preset: it sends at most 20 requests for each stream of the "
    "config, and prints the settings to be passed as a second --config."
)
#: Misleading log lines of the SDK: this tap reads the environment itself, and logs one line for each wrong setting.
NOISE = ("Skipping parse of env var settings...", "Config validation failed")
#: Number of new objects between two garbage collections.
OBJECTS_BETWEEN_COLLECTIONS = 50_000


class Command(SingerCommand):
    """The SDK's command, with one-line messages in place of tracebacks."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command.

        Exit codes: 0 for a complete sync, 1 for a failed one, 2 for wrong usage, 130 and 143 for a signal.
        """
        if sys.stdout is None:
            self.logger.error("stdout is closed; pipe the output into a target or a file")
            raise SystemExit(1)
        # Rows form no reference cycles, so frequent collections only cost time: each visits everything imported.
        gc.freeze()
        gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 20, 100)
        gc.enable()
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
            # Threads that still wait for a response would delay the exit.
            logging.shutdown()
            os._exit(code if isinstance(code, int) else 0)
        raise SystemExit(code)


@dataclass
class ConfigInput:
    """The content of `--config`, under the names that the SDK's callbacks read."""

    config: dict[str, Any] = field(default_factory=dict)
    parse_env: bool = False


class CommandLineTap(Tap):
    """A tap whose command reports each error in one line."""

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command, with the options of the SDK's command."""
        cls.logger.addFilter(is_news)
        command = super().get_singer_command()
        for option in command.params:
            if option.name == "catalog":
                option.is_eager = True  # `--test` needs it
            elif option.name == "test" and isinstance(option, click.Option):
                option.help = TEST_HELP
        command.params.append(
            click.Option(["--probe"], is_flag=True, help=PROBE_HELP, callback=cls.cb_probe, expose_value=False)
        )
        return Command(
            command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:  # noqa: ARG003
        """Read the config files, and merge each over those before, key by key.

        The SDK would accept any JSON value, show a traceback for a missing file, and replace whole objects.
        """
        found = ConfigInput()
        for path in value:
            if path == "ENV":
                found.parse_env = True
                continue
            try:
                with Path(path).open(encoding="utf-8") as file:
                    found.config = merge(found.config, read_json("--config", file)[1])
            except OSError as error:
                raise ConfigurationError(f"--config: a file cannot be read as a JSON object: {error}") from None
        return found

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the streams that the catalog selects. The SDK would ignore the catalog, and accept any value."""
        if value not in [option.value for option in CliTestOptionValue]:
            raise click.BadParameter("leave out the value, or set `schema`", ctx=ctx, param=param)
        file = ctx.params.get("catalog")
        if value != CliTestOptionValue.All.value or file is None:
            super().cb_test(ctx, param, value)
            return
        with file:
            _, catalog = read_json("--catalog", file)
        given: ConfigInput = ctx.params["config"]
        cls(config=given.config, parse_env_config=given.parse_env, catalog=catalog).run_connection_test()
        ctx.exit()

    @classmethod
    def cb_probe(cls, ctx: click.Context, param: click.Option, value: bool) -> None:  # noqa: ARG003, FBT001
        """Probe the streams of the config, and print the settings that were found."""
        if not value:
            return
        given: ConfigInput = ctx.params["config"]
        found = cls(config=given.config, parse_env_config=given.parse_env, setup_mapper=False).probe()
        click.echo(json.dumps(found.block, indent=2, ensure_ascii=False))
        ctx.exit(1 if found.missing else 0)

    def probe(self) -> Probed:
        """Find settings for the streams of the config.

        Raises:
            ConfigurationError: No API is set.
        """
        raise NotImplementedError

    @classmethod
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any) -> None:
        """Run the tap, after checking that its input files hold JSON objects."""
        super().invoke(state=check_json("--state", state), catalog=check_json("--catalog", catalog), **kwargs)


def is_news(record: logging.LogRecord) -> bool:
    """Return whether to show a log line above the debug level."""
    return record.msg not in NOISE or logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


def check_json(option: str, file: IO[str] | None) -> IO[str] | None:
    """Return the same file, if it holds a JSON object.

    Raises:
        ConfigurationError: It does not. The message names the option and the file.
    """
    return io.StringIO(read_json(option, file)[0]) if file else None


def read_json(option: str, file: IO[str]) -> tuple[str, dict[str, Any]]:
    """Return the text of a file, and the JSON object in it.

    Raises:
        ConfigurationError: It does not hold a JSON object. The message names the option and the file.
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
