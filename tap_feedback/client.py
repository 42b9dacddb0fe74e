"""The streams' common behaviour: request → pages → records → messages, and the three APIs they belong to."""

from __future__ import annotations

import copy
import json
import logging
from abc import ABC
from collections import deque
from datetime import datetime, timezone
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream
from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL
from singer_sdk.singerlib.encoding.simple import RecordMessage
from singer_sdk.streams.rest import HTTPRequest, PageContext

from tap_feedback.baton import BatonDropped
from tap_feedback.conform import EXTRA, EXTRA_SCHEMA, Conformer, Findings, MissingKey
from tap_feedback.fetching import Fetcher, side_by_side
from tap_feedback.pagination import CursorPaginator, OffsetPaginator, Paginator, SinglePagePaginator
from tap_feedback.probe import WINDOWS, Probe
from tap_feedback.progress import Progress, extras
from tap_feedback.replication import Replication
from tap_feedback.settings import CursorPaging, OffsetPaging

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_feedback.baton import Baton
    from tap_feedback.connection import Connection
    from tap_feedback.page import Page
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
        if override is not None:
            for name, value in override.given.items():
                setattr(self, name, value)
        super().__init__(tap, schema=self._load_schema())
        self.stream_log = StreamLogger(self.logger, {})
        self.writer: MessageWriter = tap.message_writer  # type: ignore[assignment]  # TapFeedback makes no other

    def _load_schema(self) -> dict[str, Any]:
        """The stream's schema file, with what the settings add to it."""
        text = (files(__package__) / "schemas" / f"{self.name}.json").read_text(encoding="utf-8")
        schema: dict[str, Any] = json.loads(text)
        properties = schema["properties"]
        # Keys that a vendor calls otherwise than the schema does must be columns all the same.
        for key in self.primary_keys:
            properties.setdefault(key, {"type": "string", "description": "Primary key, named in the settings."})
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
        if self.settings.unknown_fields == "keep":
            properties[EXTRA] = EXTRA_SCHEMA
        return schema

    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log what the SDK says of the stream; its errors for those who ask for details, as the tap tells them itself.

        To the SDK every exception is an unhandled error, even the one that ends its own tests after some rows.
        """
        super().log(message, *args, level=logging.DEBUG if level == logging.ERROR else level, **kwargs)

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says of this stream; what it leaves out stays as the stream has it."""
        primary_keys = self.primary_keys
        super().apply_catalog(catalog)
        self.primary_keys = self.primary_keys or primary_keys

    def check(self) -> None:
        """See that the stream can be synced as the catalog and the state say, before any request is sent.

        Raises:
            ConfigurationError: It cannot; the message names what to change.
        """
        if self.get_batch_config(self.config) and len(self.stream_maps) > 1:
            raise ConfigurationError(f"`stream_maps`: with `batch_config` there can be one map only of {self.name}")
        method, key = self.replication_method, self.replication_key
        if method not in {REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL}:
            raise ConfigurationError(f"catalog: {self.name} cannot be synced {method}, only FULL_TABLE or INCREMENTAL")
        if method == REPLICATION_FULL_TABLE:
            return
        if key is None:
            raise ConfigurationError(f"catalog: {self.name} needs a `replication-key` to be synced INCREMENTAL")
        if key not in self.effective_schema["properties"]:
            raise ConfigurationError(f"catalog: {self.name} has no property {key!r} that could be its replication key")
        _ = self.replication

    def run(self) -> None:
        """Sync the stream to its end, and say so in the state."""
        self.progress.result = "running"
        self.sync()
        self.complete()
        fewer = self.progress.fewer
        self.progress.result = f"complete, {fewer:,} rows fewer than counted" if fewer else "complete"

    def probe(self) -> None:
        """Read the first two pages with rows, write nothing, and log what they prove: what `--test` does.

        Of a range that is read in windows, it is one window's pages, the latest that has rows: a page of another would
        not prove the paging.
        """
        self.progress.result = "running"
        conform = Conformer(
            self.effective_schema,
            key_properties=self.primary_keys,
            keep_unknown=EXTRA in self.effective_schema["properties"],
            on_first_misfit=self._warn_of_misfit,
        )
        replication = self.replication
        spans = [span for spans in replication.spans() for span in spans] if replication else []
        ranges = [replication.params(span) for span in reversed(spans)] if replication else [{}]
        probe = Probe(self.connection.api.paginator, self.primary_keys, replication.key if replication else None)
        for range_params in ranges[:WINDOWS]:
            for page in self._pages(range_params):
                records = self._conform(conform, page)
                if replication is not None:
                    replication.admit(records)
                probe.add(records)
                for record in records:
                    deque(self._transform(record), maxlen=0)  # a stream map may fail
                if probe.is_enough:
                    break
            if probe.pages:
                break
        self.stream_log.info("ok, %s", probe.line(self.progress.total))

    @cached_property
    def replication(self) -> Replication | None:
        """From where to where the stream is read, and its bookmark; None where it is read whole."""
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        return Replication(
            self.name,
            str(self.replication_key),
            is_instant=self.is_timestamp_replication_key,
            state=self.stream_state,
            settings=self.settings,
            incremental=self.connection.api.incremental,
            began=datetime.fromtimestamp(self._initialized_at / 1000, tz=timezone.utc),
        )

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
        params = {**self.connection.api.params, **self.params, **(page.next_page_token or {})}
        return HTTPRequest(self.url_base + self.path, params={name: _as_text(value) for name, value in params.items()})

    def get_new_paginator(self) -> Paginator:  # type: ignore[override]  # ours also proves that nothing was skipped
        """A fresh paginator of the type in the API's settings."""
        paging = self.connection.api.paginator
        if isinstance(paging, OffsetPaging):
            return OffsetPaginator(paging, key=self._identity, notice=lambda text: self.stream_log.warning("%s", text))
        if isinstance(paging, CursorPaging):
            return CursorPaginator(paging, notice=lambda text: self.stream_log.info("%s", text))
        return SinglePagePaginator(paging)

    def _identity(self, row: Record) -> str:
        """What tells one row from another: its primary key."""
        return repr([row.get(key) for key in self.primary_keys])

    # Page

    def pages(self) -> Iterator[Page]:
        """The pages, each with only the rows that are new, as the API gave them."""
        if self.replication is None:
            yield from self._pages({})
            return
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
            request_for=lambda params: self.get_http_request(page=PageContext(None, {**range_params, **params})),
        )
        return fetcher.pages(self.get_new_paginator())

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
        conform = Conformer(
            self.effective_schema,
            key_properties=self.primary_keys,
            keep_unknown=EXTRA in self.effective_schema["properties"],
            on_first_misfit=self._warn_of_misfit,
        )
        self.findings = conform.findings
        try:
            yield from self._sync_pages(conform, write_messages=write_messages)
        except BatonDropped:
            raise  # somebody else writes
        except BaseException:
            self.writer.flush()
            raise
        self.writer.flush()

    def _sync_pages(self, conform: Conformer, *, write_messages: bool) -> Generator[Record, Any, Any]:
        """Sync each page in turn."""
        for page in self.pages():
            extras_before = conform.findings.rows_with_extra
            records = self._conform(conform, page)
            if self.replication is not None:
                records = self.replication.admit(records)
            if self.ABORT_AT_RECORD_COUNT is not None:
                records = records[: self.ABORT_AT_RECORD_COUNT - self.progress.rows]
            if write_messages:
                self._write(records, page.received)
            else:
                yield from self._mapped(records)
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
                f"`{self.api}.streams.{self.name}.primary_key` names the key"
            ) from None
        return records

    def _warn_of_misfit(self, name: str, reason: str) -> None:
        """Say once for a property that a value did not fit."""
        kept = EXTRA in self.effective_schema["properties"] and self.mask[("properties", EXTRA)]
        place = f"kept in `{EXTRA}`" if kept else "dropped"
        self.stream_log.warning(
            "`%s` had a value that does not fit (%s): %s; the property is null", name, reason, place
        )

    @cached_property
    def _writes_as_is(self) -> bool:
        """Whether records go out as they are: nothing deselected, mapped or flattened."""
        first, *others = self.stream_maps
        plain = type(first) is SameRecordTransform and not first.flattening_enabled
        return plain and not others and all(self.mask.values())

    def _mapped(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records as the first stream map makes them, without what is deselected."""
        if self._writes_as_is:
            yield from records
            return
        for record in records:
            for _, mapped in self._transform(record):
                yield mapped
                break

    def _transform(self, record: Record) -> Iterator[tuple[str, Record]]:
        """What a record becomes under each stream map: the stream's name there, and the record."""
        # A copy: the paginator compares the rows as they came with those of the next page.
        record = copy.deepcopy(record)
        pop_deselected_record_properties(record, self.schema, self.mask)
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield stream_map.stream_alias, mapped

    def _write(self, records: list[Record], received: datetime) -> None:
        """Write a page of records."""
        if self._writes_as_is:
            self.writer.write_records(self.name, records, version=self._stream_version, time_extracted=received)
            return
        for record in records:
            for alias, mapped in self._transform(record):
                self.writer.write_message(RecordMessage(alias, mapped, self._stream_version, received))

    # State

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: the replication keeps the bookmark from passing the moment the sync began, as an instant."""

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Nothing yet: the SDK calls this before the rows, and the target would delete what a failed sync lacks."""

    def complete(self) -> None:
        """Move the bookmark, activate the version, and write the state: after the last row of a sync that succeeded."""
        if self.replication is not None:
            self.replication.move_bookmark()
            self.progress.bookmark = str(self.replication.bookmark or "")
        elif self._stream_version is not None and not self.progress.fewer:
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
