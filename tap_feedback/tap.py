"""The tap: loads the settings, and makes and runs the streams."""

from __future__ import annotations

import copy
import json
import os
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import ConfigurationError, FatalSyncError, SyncError
from singer_sdk.singerlib.encoding.simple import StateMessage

from tap_feedback.batches import check_batches
from tap_feedback.catalog import check_catalog, read_replication_metadata
from tap_feedback.cli import CommandLineTap
from tap_feedback.connection import Connection
from tap_feedback.environment import from_environment, merge, with_numbers
from tap_feedback.gate import Gates
from tap_feedback.lock import StreamLock
from tap_feedback.log_guard import guard_logs
from tap_feedback.parents import Parents
from tap_feedback.samples import infer_columns
from tap_feedback.secrets import secrets
from tap_feedback.settings import without_retries
from tap_feedback.settings_schema import config_jsonschema, with_vendors
from tap_feedback.state import checked_state
from tap_feedback.streams import API_TYPES, STREAM_TYPES, shipped
from tap_feedback.sync import Runner, signal_handlers_kept
from tap_feedback.validation import load
from tap_feedback.writer import MessageWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from singer_sdk.singerlib import Catalog

    from tap_feedback.client import FeedbackStream
    from tap_feedback.probe.command import Probed
    from tap_feedback.settings import Api


NO_API = "no API is set: set `feedback`, `analytics` or `support`, each with its `base_url` and `api_key`"


class TapFeedback(CommandLineTap):
    """Singer tap for customer feedback, product feedback and customer support APIs."""

    name = "tap-feedback"
    config_jsonschema = config_jsonschema(shipped())
    message_writer_class = MessageWriter
    #: The streams that the tap ships. A subclass may have others, which may override hooks of the SDK.
    stream_types: Sequence[type[FeedbackStream]] = STREAM_TYPES

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        catalog: dict[str, Any] | Catalog | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        setup_mapper: bool = True,
        **kwargs: Any,
    ) -> None:
        self.lock = StreamLock()
        self.shipped = shipped(self.stream_types)
        self.failures: dict[str, Exception] = {}
        if isinstance(catalog, dict):
            check_catalog(catalog)
            read_replication_metadata(catalog)
        # Discovery (`validate_config` false) works without settings, so for it they may be incomplete, but not wrong.
        config = self._load(config or {}, parse_env=parse_env_config, complete=validate_config)
        # The SDK's own check would write defaults into the settings, so it gets a schema without them.
        self.config_jsonschema = {"properties": {}}  # type: ignore[misc]  # a class variable
        with signal_handlers_kept():
            super().__init__(config=config, catalog=catalog, validate_config=False, setup_mapper=False, **kwargs)
        if setup_mapper:  # after the block, as discovery may send requests, which a signal must interrupt
            self.setup_mapper()

    def _load(self, config: dict[str, Any], *, parse_env: bool, complete: bool) -> dict[str, Any]:
        """Load the settings, and return the config for the SDK.

        Raises:
            ConfigValidationError: Settings are wrong, or `complete` is true and settings are missing.
        """
        schema = copy.deepcopy(self.config_jsonschema)
        self.append_builtin_config(schema)
        if parse_env:
            config = merge(config, from_environment(schema, os.environ, "TAP_FEEDBACK_"))
        guard_logs(secrets(config, self.shipped))
        # A copy in which other types of numbers, such as Decimals, are JSON numbers.
        config = with_numbers(json.loads(json.dumps(config, default=float)), schema)
        self.settings = load(config, self.shipped, schema=schema, complete=complete)
        #: The API of each stream, by name, whether the API is set or not.
        self.api_of = {name: api for api, streams in self.shipped.items() for name in streams}
        self.api_of |= {name: api.name for api in self.settings.apis.values() for name in api.streams}
        return config

    @classmethod
    def print_about(cls, output_format: str | None = None) -> None:
        """Print what the tap is, with its settings and presets."""
        cls.config_jsonschema = with_vendors(cls.config_jsonschema)
        super().print_about(output_format)

    def setup_mapper(self) -> None:
        """Set up stream maps after the streams have completed the catalog, which may be older than the settings."""
        _ = self.streams
        super().setup_mapper()

    def load_state(self, state: dict[str, Any]) -> None:
        """Load a state of this tap or of a singer-io tap.

        Raises:
            ConfigurationError: It is not a Singer state.
        """
        state = checked_state(state, self.api_of.keys())
        for name in sorted(state["bookmarks"].keys() - self.api_of.keys()):
            self.logger.warning("state: ignoring the bookmark of unknown stream %r", name)
        super().load_state(state)

    # Streams

    def discover_streams(self) -> Sequence[FeedbackStream]:
        """Return the streams of the APIs that are set, or all eight streams if no API is set."""
        gates = Gates()
        self.connections = {name: Connection(api, self._agent, gates) for name, api in self.settings.apis.items()}
        kinds = {kind.name: kind for kind in self.stream_types}  # type: ignore[misc]  # the class has it
        apis = self.settings.apis or load({name: {} for name in self.shipped}, self.shipped, complete=False).apis

        def make(api: Api, name: str) -> FeedbackStream:
            kind, connection = kinds.get(name, API_TYPES[api.name]), self.connections.get(api.name)
            return kind(
                self, declaration=api.streams[name], general=self.settings, connection=connection, lock=self.lock
            )

        streams = [make(api, name) for api in apis.values() for name in api.streams]
        for stream in streams:
            if parent := stream.declaration.parent:
                stream.parents = Parents(stream, make(apis[stream.api], parent))
        for stream in sorted(streams, key=lambda stream: stream.parents is not None):
            if stream.parents is not None:
                (listed,) = (other for other in streams if other.name == stream.declaration.parent)
                stream.parents.add_columns(listed.schema["properties"])
            if self.input_catalog is None and stream.declaration.infers and apis[stream.api].base_url:
                try:
                    infer_columns(stream)
                except SyncError as error:
                    raise FatalSyncError(f"{stream.name}: its columns cannot be inferred: {error}") from None
        return streams

    @property
    def _agent(self) -> str:
        """The `User-Agent` of all requests."""
        return self.settings.user_agent or f"{self.name}/{version(self.name)}"

    def selected_streams(self) -> list[FeedbackStream]:
        """Return the streams to sync, after checking them. No request is sent.

        Raises:
            ConfigurationError: No stream is selected, or one cannot be synced with this catalog or state.
        """
        if not self.settings.apis:
            raise ConfigurationError(NO_API)
        for entry in self.input_catalog.streams if self.input_catalog else ():
            name = entry.tap_stream_id
            if not entry.metadata.resolve_selection()[()]:
                continue
            if name not in self.api_of:
                raise ConfigurationError(f"catalog: unknown stream {name!r}; the streams are {', '.join(self.api_of)}")
            if name not in self.streams:
                self.logger.warning("catalog: %s is selected, but `%s` is not set; skipped", name, self.api_of[name])
        selected: list[FeedbackStream] = [stream for stream in self.streams.values() if stream.selected]  # type: ignore[misc]
        if not selected:
            raise ConfigurationError(
                "catalog: no stream of a configured API is selected; select one, or configure its API"
            )
        if self.settings.batch_config:
            check_batches(self.settings.batch_config)
        for stream in selected:
            stream.check()
        return selected

    # Sync

    def sync_all(self) -> None:  # type: ignore[misc]  # the SDK's stops at the first stream that fails
        """Sync the selected streams concurrently.

        Raises:
            ConfigurationError: The settings, the catalog or the state are wrong. No request was sent.
            SyncFailedError: Streams failed; the others are complete.
            Aborted: A signal came.
            OutputLostError: The target is gone.
        """
        streams = self.selected_streams()
        # A runner keeps the last state that it received, so it gets one even if every stream fails.
        self.state_writer.write_state(self.state)
        # Some targets pass a state on only if it is the last message. The SDK's writer would leave out a state that it
        # has already written, even if rows followed it.
        runner = self._run(
            streams, lambda stream: stream.run(), at_end=lambda: self.write_message(StateMessage(self.state))
        )
        runner.log_summary()
        runner.raise_failures()

    def run_connection_test(self) -> bool:  # type: ignore[misc]  # the SDK's writes rows, and stops at a failure
        """Read two pages of each selected stream without writing them, and log what they prove, as `--test` does.

        Raises:
            ConfigurationError: As `sync_all`.
            SyncFailedError: Streams failed.
            Aborted: A signal came.
        """
        streams = self.selected_streams()
        for connection in self.connections.values():
            connection.api = without_retries(connection.api)
        self._run(streams, lambda stream: stream.test_connection()).raise_failures()
        self.logger.info("%s ok", "1 stream is" if len(streams) == 1 else f"All {len(streams)} streams are")
        return True

    def probe(self) -> Probed:
        """Find settings for the streams of the config: what `--probe` does.

        Raises:
            ConfigurationError: No API is set.
        """
        if not self.settings.apis:
            raise ConfigurationError(NO_API)
        from tap_feedback.probe.command import probe  # noqa: PLC0415 - a sync does not need these modules, and starts faster

        return probe(self.settings, self.config, self._agent, self.logger)

    def _run(
        self,
        streams: Sequence[FeedbackStream],
        work: Callable[[FeedbackStream], None],
        at_end: Callable[[], None] | None = None,
    ) -> Runner[FeedbackStream]:
        """Run streams concurrently, then clean up. The returned runner has the failures."""
        runner = Runner(streams, lock=self.lock, logger=self.logger)
        self.failures = runner.failures
        try:
            runner.run(work, at_end=at_end)
        finally:
            for stream in streams:
                stream.clean_up()
            for connection in self.connections.values():
                connection.close()
        return runner
