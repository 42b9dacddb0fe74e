"""The tap: discovery, and running the streams side by side."""

from __future__ import annotations

import copy
import json
import logging
import os
import signal
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib.encoding.simple import StateMessage
from singer_sdk.tap_base import CliTestOptionValue

from tap_feedback.baton import Baton
from tap_feedback.catalog import check_catalog, read_replication_metadata
from tap_feedback.command import Aborted, Command, SyncFailedError, check_json, describe, read_json
from tap_feedback.connection import Connection
from tap_feedback.environment import from_environment, merge, with_numbers
from tap_feedback.gate import Gates
from tap_feedback.log_guard import guard_logs
from tap_feedback.progress import summary
from tap_feedback.secrets import secrets
from tap_feedback.settings import without_retries
from tap_feedback.settings_schema import config_jsonschema
from tap_feedback.streams import API_TYPES, STREAM_TYPES, shipped
from tap_feedback.validation import load
from tap_feedback.writer import MessageWriter, OutputLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType

    from singer_sdk.singerlib import Catalog
    from singer_sdk.streams import Stream

    from tap_feedback.client import FeedbackStream

#: Seconds between two progress lines of a stream.
PROGRESS_INTERVAL = 10
#: Seconds that a target which does not read may hold up the end, once a signal came.
GRACE = 5


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line is for everybody.

    The SDK says of each tap that it skips the environment, which this one reads, and ends the lines that say what is
    wrong with the settings with one that says that something is.
    """
    noise = record.msg in ("Skipping parse of env var settings...", "Config validation failed")
    return not noise or logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


class TapFeedback(Tap):
    """Singer tap for customer feedback, product feedback and customer support APIs."""

    name = "tap-feedback"
    config_jsonschema = config_jsonschema(shipped())
    message_writer_class = MessageWriter

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        catalog: dict[str, Any] | Catalog | None = None,
        state: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.baton = Baton()
        self.logger.addFilter(_is_news)
        if isinstance(catalog, dict):
            check_catalog(catalog)
            read_replication_metadata(catalog)
        super().__init__(config=config, catalog=catalog, state=state, **kwargs)

    @property
    def writer(self) -> MessageWriter:
        """The writer of messages, which the SDK makes from `message_writer_class`."""
        return self.message_writer  # type: ignore[return-value]

    # Settings

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings; the SDK's own way puts defaults into them, and values into its messages.

        Discovery (`raise_errors` false) does not need settings, so there they may be incomplete; not wrong.
        """
        guard_logs(secrets(self._config, shipped()))
        # The SDK reads the fractions in a file as Decimals, which the schema does not take for numbers.
        self._config = json.loads(json.dumps(self._config, default=float))
        schema = copy.deepcopy(self.config_jsonschema)
        self.append_builtin_config(schema)
        self._config = with_numbers(self._config, schema)
        self.settings = load(self._config, shipped(), schema=schema, complete=raise_errors)
        return []

    def setup_mapper(self) -> None:
        """Map by the schemas of a catalog as the streams complete them: it may be older than the settings."""
        _ = self.streams
        super().setup_mapper()

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state that a runner hands back.

        Raises:
            ConfigurationError: It is not a Singer state.
        """
        apis = self.settings.apis.values()
        known = {name for streams in shipped().values() for name in streams} | {
            name for api in apis for name in api.streams
        }
        if isinstance(state, dict) and "bookmarks" not in state:
            bare = {name: value for name, value in state.items() if name != "currently_syncing"}
            state = {"bookmarks": bare} if bare.keys() <= known else state
        bookmarks = state.get("bookmarks") if isinstance(state, dict) else None
        if not isinstance(bookmarks, dict) or not all(isinstance(value, dict) for value in bookmarks.values()):
            raise ConfigurationError(
                "state: not a Singer state, which is {} or an object like "
                '{"bookmarks": {"forums": {"replication_key": "updated_at", "replication_key_value": "…"}}}, '
                'without the "type" and "value" of a message around it'
            )
        for name in sorted(bookmarks.keys() - known):
            self.logger.warning("state: there is no stream %r, so its bookmark is left alone", name)
        super().load_state(state)

    # Streams

    def discover_streams(self) -> Sequence[FeedbackStream]:
        """The streams of the APIs that are set; all eight where none is."""
        agent = self.settings.user_agent or f"{self.name}/{version(self.name)}"
        gates = Gates()
        self.connections = {name: Connection(api, agent, gates) for name, api in self.settings.apis.items()}
        kinds: dict[str, type[FeedbackStream]] = {kind.name: kind for kind in STREAM_TYPES}  # type: ignore[misc]  # the class has it
        apis = self.settings.apis or load({name: {} for name in shipped()}, shipped(), complete=False).apis
        streams = [
            kinds.get(declaration.name, API_TYPES[api.name])(
                self,
                declaration=declaration,
                general=self.settings,
                connection=self.connections.get(api.name),
                baton=self.baton,
            )
            for api in apis.values()
            for declaration in api.streams.values()
        ]
        if self.input_catalog is None:
            for stream in streams:
                if stream.declaration.infers and self.settings.apis[stream.api].base_url:
                    stream.infer_columns()
        return streams

    def selected_streams(self) -> list[FeedbackStream]:
        """The streams to sync, checked before any request is sent.

        Raises:
            ConfigurationError: There is nothing to sync, or a stream cannot be synced as the catalog or state says.
        """
        if not self.settings.apis:
            raise ConfigurationError(
                "no API is set: set `feedback`, `analytics` or `support`, each with its `base_url` and `api_key`"
            )
        known = {name: api for api, streams in shipped().items() for name in streams}
        known |= {name: api.name for api in self.settings.apis.values() for name in api.streams}
        for entry in self.input_catalog.streams if self.input_catalog else ():
            name = entry.tap_stream_id
            if not entry.metadata.resolve_selection()[()]:
                continue
            if name not in known:
                raise ConfigurationError(f"catalog: there is no stream {name!r}; the streams are {', '.join(known)}")
            if name not in self.streams:
                self.logger.warning("catalog: %s is selected, but `%s` is not set: left out", name, known[name])
        selected: list[FeedbackStream] = [stream for stream in self.streams.values() if stream.selected]  # type: ignore[misc]
        if not selected:
            raise ConfigurationError("catalog: it selects no stream of an API that is set; select one, or set its API")
        for stream in selected:
            stream.check()
        return selected

    # Sync

    def sync_all(self) -> None:  # type: ignore[misc]  # the SDK's own stops at the first stream that fails
        """Sync the selected streams side by side.

        Raises:
            ConfigurationError: Something is wrong that no request is needed to see.
            SyncFailedError: Streams failed; the others are complete.
            Aborted: A signal came, or the target is gone.
        """
        streams = self.selected_streams()
        self.failures: dict[str, Exception] = {}
        workers = ThreadPoolExecutor(len(streams), thread_name_prefix="stream")
        try:
            # A runner keeps the last state it saw, so it gets one even where every stream fails.
            self.state_writer.write_state(self.state)
            with self.baton.laid_down():
                self._wait_for([workers.submit(self._run, stream, stream.run) for stream in streams], streams)
            # Some targets hand a state on only where it is the last message.
            self.writer.write_message(StateMessage(value=self.state))
        except Aborted as aborted:
            # A target that got the same signal may be gone already.
            with suppress(OutputLostError):
                # The SDK's writer leaves out a state that it wrote before, however many rows came since.
                self.writer.write_message(StateMessage(self.state))
            self.baton.drop()
            self.logger.error("Stopped by a signal; the state is that of the streams that were complete")
            raise aborted from None
        except OutputLostError as error:
            self.baton.drop()
            self.logger.error("%s", error)
            raise Aborted(1) from None
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
            for connection in self.connections.values():
                connection.close()
        self.logger.info("Summary:\n%s", summary(stream.progress for stream in streams))
        self._report_failures(len(streams))

    def run_sync_dry_run(  # type: ignore[misc]  # the SDK's own writes no state
        self, dry_run_record_limit: int | None = 1, streams: Iterable[Stream] | None = None
    ) -> bool:
        """Sync no more than some rows of each stream, one stream after the other, as the SDK's tests for taps do.

        Raises:
            ConfigurationError: As `sync_all`.
        """
        selected = self.selected_streams()
        done = super().run_sync_dry_run(dry_run_record_limit, selected if streams is None else streams)
        self.state_writer.write_state(self.state)
        return done

    def run_connection_test(self) -> bool:  # type: ignore[misc]  # the SDK's own writes rows, and stops at a failure
        """Read two pages of each selected stream, and say what they prove: what `--test` does. Nothing is written.

        Raises:
            ConfigurationError: As `sync_all`.
            SyncFailedError: Streams failed.
        """
        streams = self.selected_streams()
        for connection in self.connections.values():
            connection.api = without_retries(connection.api)
        self.failures = {}
        workers = ThreadPoolExecutor(len(streams), thread_name_prefix="stream")
        try:
            with self.baton.laid_down():
                self._wait_for(
                    [workers.submit(self._run, stream, stream.test_connection) for stream in streams], streams
                )
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
            for connection in self.connections.values():
                connection.close()
        self._report_failures(len(streams))
        self.logger.info("%s ok", "1 stream is" if len(streams) == 1 else f"All {len(streams)} streams are")
        return True

    def write_schemas(self) -> None:  # type: ignore[misc]  # in the SDK's own, streams write them before they sync
        """Write the SCHEMA messages of all streams, and nothing else: what `--test=schema` does."""
        for stream in self.streams.values():
            stream.selected = True
            stream.announce()  # type: ignore[attr-defined]  # `discover_streams` gives no others

    def _report_failures(self, count: int) -> None:
        """Give each stream that failed its line.

        Raises:
            SyncFailedError: There are some.
        """
        for name, error in self.failures.items():
            self.logger.error("%s failed: %s", name, describe(error), exc_info=self._traceback(error))
        if self.failures:
            raise SyncFailedError(f"{len(self.failures)} of {count} streams failed: {', '.join(self.failures)}")

    def _run(self, stream: FeedbackStream, work: Callable[[], None]) -> None:
        """Do one stream's work on its thread."""
        self.baton.take()
        try:
            work()
        except OutputLostError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other streams go on; `sync_all` reports it
            stream.progress.result = "failed"
            self.failures[stream.name] = error
        finally:
            self.baton.lay_down()

    def _wait_for(self, runs: Sequence[Future[None]], streams: Sequence[FeedbackStream]) -> None:
        """Wait for all streams, telling from time to time how far they are.

        Raises:
            OutputLostError: The target is gone; the streams may still be under way.
        """
        pending = set(runs)
        while pending:
            done, pending = wait(pending, timeout=PROGRESS_INTERVAL, return_when=FIRST_EXCEPTION)
            for run in done:
                run.result()
            for run, stream in zip(runs, streams, strict=True):
                if run in pending and stream.progress.result == "running":
                    self.logger.info("%s", stream.progress.line)
                elif run in done and stream.progress.result == "failed" and pending:
                    stream.stream_log.warning("failed; the other streams go on")

    def _traceback(self, error: Exception) -> Exception | None:
        """The error with its traceback, for those who asked for details."""
        return error if self.logger.isEnabledFor(logging.DEBUG) else None

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End the sync; the SDK's own handler exits with 0, and may do so in the middle of a line.

        This runs on the main thread, which only waits, so whoever writes is not interrupted.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        last_resort = threading.Timer(GRACE, os._exit, [128 + signum])
        last_resort.daemon = True
        last_resort.start()
        self.baton.recall()
        raise Aborted(128 + signum)

    # Command line

    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the streams that a catalog selects; the SDK's own way leaves the catalog out, and takes any value."""
        if value not in [option.value for option in CliTestOptionValue]:
            raise click.BadParameter("leave out the value, or set `schema`", ctx=ctx, param=param)
        file = ctx.params.get("catalog")
        if value != CliTestOptionValue.All.value or file is None:
            super().cb_test(ctx, param, value)
            return
        with file:
            _, catalog = read_json("--catalog", file)
        cls(config=ctx.params["config"].config, catalog=catalog).run_connection_test()
        ctx.exit()

    @classmethod
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **kwargs: Any) -> None:
        """Run the tap, once it is known that its files can be read."""
        super().invoke(state=check_json("--state", state), catalog=check_json("--catalog", catalog), **kwargs)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the config files, and the environment where it is named as one."""
        # The SDK takes any JSON for an object. A pipe can only be read once, so it is left to the SDK.
        for path in filter(os.path.isfile, value):
            with Path(path).open(encoding="utf-8") as file:
                check_json("--config", file)
        try:
            found: Any = super().cb_config(ctx, param, value)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(f"--config: a file cannot be read as a JSON object: {error}") from None
        if found.parse_env:
            # The SDK's own way knows no variable for a part of an object.
            schema = copy.deepcopy(cls.config_jsonschema)
            cls.append_builtin_config(schema)
            found.config = merge(found.config, from_environment(schema, os.environ, "TAP_FEEDBACK_"))
            found.parse_env = False
        return found

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, with one clear line where it would show a traceback."""
        command = super().get_singer_command()
        command.__class__ = Command
        for option in command.params:
            if option.name == "catalog":
                option.is_eager = True  # `--test` needs it
            elif option.name == "test" and isinstance(option, click.Option):
                option.help = (
                    "Use --test to read two pages of each stream, writing nothing. "
                    "Use --test=schema to write the schemas, sending no request."
                )
        return command
