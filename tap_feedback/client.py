"""The streams' common behaviour: request → pages → records → messages, and the three APIs they belong to."""

from __future__ import annotations

import json
import logging
from abc import ABC
from collections import deque
from datetime import datetime, timezone
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream
from singer_sdk.exceptions import ConfigurationError, FatalAPIError, FatalSyncError
from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL
from singer_sdk.singerlib.encoding.simple import RecordMessage
from singer_sdk.streams.rest import HTTPRequest, PageContext

from tap_feedback.baton import BatonDropped
from tap_feedback.catalog import with_fixed_parts
from tap_feedback.conform import EXTRA, Conformer, Findings, MissingKey
from tap_feedback.connection_test import WINDOWS, ConnectionTest
from tap_feedback.fetching import Fetcher, side_by_side
from tap_feedback.mapping import Mapper, MappingFailedError, closed
from tap_feedback.paging import Address, keys_by
from tap_feedback.progress import Progress, extras
from tap_feedback.replication import Replication, is_instant, is_number
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_feedback.baton import Baton
    from tap_feedback.connection import Answer, Connection
    from tap_feedback.page import Page
    from tap_feedback.paging import Paginator
    from tap_feedback.settings import Settings
    from tap_feedback.writer import MessageWriter

    LoggerAdapter = logging.LoggerAdapter[logging.Logger]
else:
    LoggerAdapter = logging.LoggerAdapter  # which takes no type before Python 3.11

Record = dict[str, Any]

#: Integer columns of targets have 64 bits, so a larger count goes into `_extra`; not so a key, which a row cannot lack.
INTEGER_BOUNDS = {"minimum": -(2**63), "maximum": 2**63 - 1}


class StreamLogger(LoggerAdapter):
    """Begins each line with the stream's name: not every log shows the name of its logger."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Put the name in front."""
        return f"{self.logger.name.rpartition('.')[2]}: {msg}", kwargs


class FeedbackStream(RESTStream[dict[str, Any]], ABC):
    """A stream of one of the three APIs.

    Args:
        tap: The tap.
        settings: Its settings.
        connection: The stream's API; None where that is not set, which is enough for discovery.
        baton: Held by whoever calls; laid down while a request is under way.
    """

    api: ClassVar[str]
    data_selector: str
    primary_keys = ("id",)
    replication_key: str | None = None

    def __init__(self, tap: Tap, *, settings: Settings, connection: Connection | None, baton: Baton) -> None:
        self.settings = settings
        self._connection = connection
        self.baton = baton
        self.progress = Progress(self.name)
        self.findings = Findings()
        self.params: dict[str, Any] = {}
        override = connection.api.streams.get(self.name) if connection else None
        self._given = override.given if override else {}
        for name, value in self._given.items():
            setattr(self, name, value)
        self._is_announced = False
        super().__init__(tap, schema=self._load_schema())
        self.stream_log = StreamLogger(self.logger, {})
        self.writer: MessageWriter = tap.message_writer  # type: ignore[assignment]  # TapFeedback makes no other

    def _load_schema(self) -> dict[str, Any]:
        """The stream's schema file, with what the settings add to it."""
        text = (files(__package__) / "schemas" / f"{self.name}.json").read_text(encoding="utf-8")
        schema: dict[str, Any] = json.loads(text)
        properties = schema["properties"]
        for name, subschema in properties.items():
            if "integer" in subschema["type"] and name not in self.primary_keys:
                subschema.update(INTEGER_BOUNDS)
        schema["required"] = list(self.primary_keys)
        if self.replication_key:
            properties.setdefault(
                self.replication_key,
                {
                    "type": ["string", "null"],
                    "format": "date-time",
                    "description": "Replication key, named in the settings.",
                },
            )
        return with_fixed_parts(schema, self.primary_keys, keep_unknown=self.settings.unknown_fields == "keep")

    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log what the SDK says of the stream, its start with where it starts from; its errors only at the debug level.

        To the SDK every exception is an unhandled error, even the one that ends its own tests after some rows. The tap
        reports errors itself.
        """
        if message.startswith("Beginning sync of"):
            origin = self.replication.origin if self.replication else "the beginning"
            message, args = f"{message} from %s", (*args, origin)
        super().log(message, *args, level=logging.DEBUG if level == logging.ERROR else level, **kwargs)

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says of this stream; what it leaves out stays as the stream has it."""
        own_keys = self.primary_keys
        if entry := catalog.get_stream(self.name):
            root = entry.metadata.get(())
            keys = entry.key_properties or getattr(root, "table_key_properties", None) or own_keys
            keep_unknown = self.settings.unknown_fields == "keep"
            # The SDK's mapper reads both here, too. An empty list stays: SCHEMA then has no key.
            entry.schema = Schema.from_dict(with_fixed_parts(entry.schema.to_dict(), keys, keep_unknown=keep_unknown))
            if entry.key_properties is None:
                entry.key_properties = list(keys)
        super().apply_catalog(catalog)
        self.primary_keys = self.primary_keys or own_keys

    def _warn_of_older_catalog(self) -> None:
        """Say which keys of the settings have no effect, as the catalog has others."""
        for setting, name in (("primary_key", "primary_keys"), ("replication_key", "replication_key")):
            given, used = (_names(value) for value in (self._given.get(name), getattr(self, name)))
            if name in self._given and given != used:
                self.stream_log.warning(
                    "`%s.streams.%s.%s` is %s, but the catalog says %s, and the catalog wins: "
                    "run `--discover` again, or change it there",
                    *(self.api, self.name, setting, given, used),
                )

    def check(self) -> None:
        """See that the stream can be synced as the catalog and the state say, before any request is sent.

        Raises:
            ConfigurationError: It cannot; the message names what to change.
        """
        if self.get_batch_config(self.config) and len(self.stream_maps) > 1:
            raise ConfigurationError(f"`stream_maps`: with `batch_config` there can be one map only of {self.name}")
        self._warn_of_older_catalog()
        method, key = self.replication_method, self.replication_key
        if method not in {REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL}:
            raise ConfigurationError(f"catalog: {self.name} cannot be synced {method}, only FULL_TABLE or INCREMENTAL")
        if method == REPLICATION_FULL_TABLE:
            return
        if key is None:
            raise ConfigurationError(f"catalog: {self.name} needs a `replication-key` to be synced INCREMENTAL")
        if key not in self.effective_schema["properties"]:
            raise ConfigurationError(f"catalog: {self.name} has no property {key!r} that could be its replication key")
        if not self.is_timestamp_replication_key and not is_number(self.effective_schema["properties"][key]):
            raise ConfigurationError(
                f"{self.name}: the replication key {key!r} is neither a point in time nor a number, so nobody knows "
                f"which rows are new: check `{self.api}.streams.{self.name}.replication_key`, or the key and its "
                "`format` in the catalog"
            )
        _ = self.replication

    def run(self) -> None:
        """Sync the stream to its end, and say so in the state."""
        self.progress.result = "running"
        self.sync()
        self.complete()
        self.progress.result = "complete"

    def test_connection(self) -> None:
        """Read the first two pages with rows, write nothing, and log what they prove: what `--test` does.

        Of a range that is read in windows, it is one window's pages, the latest that has rows: a page of another would
        not prove the paging.
        """
        self.progress.result = "running"
        conform = self._new_conformer()
        replication = self.replication
        spans = [span for spans in replication.spans() for span in spans] if replication else []
        ranges = [replication.params(span) for span in reversed(spans)] if replication else [{}]
        test = ConnectionTest(
            self.connection.api.paginator, self.primary_keys, replication.key if replication else None
        )
        for range_params in ranges[:WINDOWS]:
            for page in self._pages(range_params):
                records = self._conform(conform, page)
                if replication is not None:
                    replication.admit(records)
                test.add(records)
                for record in records:
                    deque(self._mapper(record), maxlen=0)  # a stream map may fail
                if test.is_enough:
                    break
            if test.pages:
                break
        self.stream_log.info("ok, %s", test.line(self.progress.total))

    @cached_property
    def replication(self) -> Replication | None:
        """From where to where the stream is read, and its bookmark; None where it is read whole."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        replication = Replication(
            self.name,
            str(self.replication_key),
            is_instant=self.is_timestamp_replication_key,
            state=self.stream_state,
            settings=self.settings,
            incremental=self.connection.api.incremental,
            began=datetime.fromtimestamp(self._initialized_at / 1000, tz=timezone.utc),
        )
        if replication.is_taken_over:
            self.stream_log.info("takes over the bookmark of a singer-io tap, `%s`", self.replication_key)
        return replication

    @property
    def is_timestamp_replication_key(self) -> bool:
        """Whether values of the replication key are compared as points in time.

        They are, too, if only the tap's own schema says so: a catalog may have lost the `format`.
        """
        own = self.schema["properties"].get(self.replication_key, {})
        used = self.effective_schema["properties"].get(self.replication_key, {})
        return is_instant(used) or (is_instant(own) and not is_number(used))

    # Request

    @property
    def connection(self) -> Connection:
        """The stream's API.

        Raises:
            ConfigurationError: It is not set.
        """
        if self._connection is None:
            raise ConfigurationError(
                f"`{self.api}` is not set: it needs `{self.api}.base_url` and `{self.api}.api_key`"
            )
        return self._connection

    @property
    def url_base(self) -> str:
        """Scheme, host and prefix of the API."""
        return self.connection.api.base_url + self.connection.api.path_prefix

    def get_http_request(self, *, page: PageContext[dict[str, Any]]) -> HTTPRequest:
        """The request for a page; its token is the parameters of time range and paginator."""
        wanted = page.next_page_token or {}
        params = {**self.connection.api.params, **self.params, **wanted}
        return HTTPRequest(self.url_base + self.path, params={name: _as_text(value) for name, value in params.items()})

    def get_new_paginator(self) -> Paginator:  # type: ignore[override]  # ours also proves that nothing was skipped
        """A fresh paginator of the type in the API's settings."""
        return self.connection.api.paginator.start(
            keys=keys_by(self.primary_keys),
            notice=lambda level, text: self.stream_log.log(level, "%s", text),
            address=Address(self.connection.api.base_url, self.connection.api.path_prefix, self.path),
        )

    # Page

    def pages(self) -> Iterator[Page]:
        """The pages, each with only the rows that are new, as the API gave them."""
        if self.replication is None:
            yield from self._pages({})
            return
        if self.replication.is_over:
            self.stream_log.info(
                "nothing to read: `end_date` is not after %s, where this sync would start", self.replication.origin
            )
        for spans in self.replication.spans():
            chains = (self._pages(self.replication.params(span)) for span in spans)
            yield from side_by_side(chains, self.connection.api.max_connections)

    def _pages(self, range_params: dict[str, str]) -> Iterator[Page]:
        """The pages of one time range."""
        fetcher = Fetcher(
            self.connection,
            baton=self.baton,
            progress=self.progress,
            logger=self.stream_log,
            data_selector=self.data_selector,
            request_for=lambda wanted: self.get_http_request(page=PageContext(None, {**range_params, **wanted.params})),
            on_answer=self._note_clock,
        )
        return fetcher.pages(self.get_new_paginator())

    def _note_clock(self, answer: Answer) -> None:
        """Let the replication know what time it is at the API."""
        if self.replication is not None:
            self.replication.note_clock(answer.sent)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002 - no stream has partitions
        """The rows of all pages, as the API gave them."""
        for page in self.pages():
            yield from page.rows

    # Record and message

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Record, Any, Any]:
        """Sync page by page; the SDK's own way handles a record at a time, and compares bookmarks as text.

        Yields:
            The records, where it is the caller who writes them (BATCH).
        """
        del context  # no stream has partitions
        conform = self._new_conformer()
        self.findings = conform.findings
        try:
            yield from self._sync_pages(conform, write_messages=write_messages)
        except BatonDropped:
            raise  # somebody else writes
        except BaseException:
            self.writer.flush()
            raise
        self.writer.flush()

    def _new_conformer(self) -> Conformer:
        """A conformer for the schema in effect; with flattening, no member of an object passes that SCHEMA lacks."""
        flattening = self.stream_maps[0].flattening_options if self.stream_maps[0].flattening_enabled else None
        return Conformer(
            closed(self.effective_schema, flattening.max_level) if flattening else self.effective_schema,
            key_properties=self.primary_keys,
            keep_unknown=EXTRA in self.effective_schema["properties"],
            on_first_misfit=self._warn_of_misfit,
        )

    def _sync_pages(self, conform: Conformer, *, write_messages: bool) -> Generator[Record, Any, Any]:
        """Sync each page in turn."""
        for page in self.pages():
            extras_before = conform.findings.rows_with_extra
            rows = self._conform(conform, page)
            records = rows if self.replication is None else self.replication.admit(rows)
            if self.ABORT_AT_RECORD_COUNT is not None:
                records = records[: self.ABORT_AT_RECORD_COUNT - self.progress.rows]
            try:
                if write_messages:
                    self._write(records, page.received)
                else:
                    yield from self._mapped(records)
            except MappingFailedError as error:
                position = next(number for number, row in enumerate(rows, 1) if row is error.record)
                raise FatalSyncError(f"page {self.progress.pages}, new row {position}: {error}") from None
            self.progress.rows += len(records)
            with_extras = conform.findings.rows_with_extra - extras_before
            if len(records) < len(page.rows):  # the others are not written
                with_extras = min(with_extras, sum(record.get(EXTRA, True) is not None for record in records))
            self.progress.rows_with_extras += with_extras
            self._check_max_record_limit(self.progress.rows)

    def _conform(self, conform: Conformer, page: Page) -> list[Record]:
        """The rows of a page, made to fit the schema; copies, as the paginator compares rows with those to come."""
        records: list[Record] = []
        scrub = page.unstorable
        try:
            for row in page.rows:
                records.append(conform(row.copy(), scrub))  # noqa: PERF401 - the position is needed
        except MissingKey as error:
            raise FatalAPIError(
                f"page {self.progress.pages}, new row {len(records) + 1}: {error}; "
                f"set `{self.api}.streams.{self.name}.primary_key` to a property that tells rows apart"
            ) from None
        return records

    def _warn_of_misfit(self, name: str, reason: str) -> None:
        """Say once for a property that a value did not fit."""
        kept = EXTRA in self.effective_schema["properties"] and self.mask[("properties", EXTRA)]
        place = f"kept in `{EXTRA}`" if kept else "dropped"
        self.stream_log.warning(
            "`%s` had a value that does not fit (%s): %s; the property is null", one_line(name), reason, place
        )

    @cached_property
    def _mapper(self) -> Mapper:
        """What makes of a record what goes out."""
        return Mapper(
            self.name,
            self.stream_maps,
            schema=self.schema,
            mask=self.mask,
            configured=self.config.get("stream_maps") or {},
        )

    def _mapped(self, records: list[Record]) -> Iterator[Record]:
        """The records as the first stream map makes them, without what is deselected."""
        if self._mapper.is_plain:
            if records:
                self.announce()
            yield from records
            return
        for record in records:
            for _, mapped in self._mapper(record):
                self.announce()
                yield mapped
                break

    def _write(self, records: list[Record], received: datetime) -> None:
        """Write a page of records."""
        if self._mapper.is_plain:
            if records:
                self.announce()
                self.writer.write_records(self.name, records, version=self._stream_version, time_extracted=received)
            return
        for record in records:
            for alias, mapped in self._mapper(record):
                self.announce()
                self.writer.write_message(RecordMessage(alias, mapped, self._stream_version, received))

    def _write_schema_message(self) -> None:
        """Nothing yet: the SDK calls this before the first request, and a target makes a table of it at once.

        A stream that then fails on its primary key, say, would have left a table with the wrong one.
        """
        self._is_announced = False

    def announce(self) -> None:
        """Write the SCHEMA messages, if that was not done in this sync."""
        if not self._is_announced:
            self._is_announced = True
            super()._write_schema_message()

    # State

    def _warn_of_rows_without_key(self, replication: Replication) -> None:
        """Say that an incremental stream is none, if its rows have nothing to go on from."""
        if replication.has_values is False:
            self.stream_log.warning(
                "no row has `%s`, so %s; check `%s.streams.%s.replication_key`",
                replication.key,
                "there is no bookmark; every sync reads everything"
                if replication.bookmark is None
                else "the bookmark stays; every sync reads on from there",
                self.api,
                self.name,
            )

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: the replication keeps the bookmark from passing the moment the sync began, as an instant."""

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Nothing yet: the SDK calls this before the rows, and the target would delete what a failed sync lacks."""

    def complete(self) -> None:
        """Move the bookmark, activate the version, and write the state: after the last row of a sync that succeeded."""
        self.announce()  # if there was no row to do it
        if self.replication is not None:
            self.replication.move_bookmark()
            self.progress.bookmark = str(self.replication.bookmark or "")
            self._warn_of_rows_without_key(self.replication)
        elif self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)
        self._tap.state_writer.write_state(self.tap_state)
        found = self.findings
        if told := extras(self.progress.rows_with_extras, found.extra, found.misfits, found.replaced):
            self.stream_log.info("%s", told)


def _as_text(value: Any) -> Any:
    """The value of a parameter with `true` and `false` as JSON spells them."""
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def _names(key: str | Sequence[str] | None) -> str:
    """A key in words."""
    names = [key] if isinstance(key, str) else key or ()
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


class FeedbackAPI(FeedbackStream):
    """A stream of the customer feedback API."""

    api = "feedback"


class AnalyticsAPI(FeedbackStream):
    """A stream of the product feedback ("analytics") API, which tells when each row was last updated."""

    api = "analytics"
    replication_key = "updated_at"


class SupportAPI(FeedbackStream):
    """A stream of the customer support API."""

    api = "support"
