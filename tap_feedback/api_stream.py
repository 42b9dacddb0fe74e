"""The half of a stream that faces its API: its settings, its requests, its pages."""

from __future__ import annotations

import logging
from abc import ABC
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.streams.rest import HTTPRequest, PageContext

from tap_feedback.columns import stream_schema
from tap_feedback.fetching import Fetcher, Source
from tap_feedback.hooks import hooks_of, is_overridden, refuse_dead_hooks
from tap_feedback.page import read_page
from tap_feedback.paging import Address, keys_by
from tap_feedback.progress import Progress
from tap_feedback.records.time_range import SyncClock, TimeRange
from tap_feedback.request import Assembler, RangeRequest, fill, of_parent
from tap_feedback.responses import check_body, check_status
from tap_feedback.restarts import Chain, Restarts
from tap_feedback.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_feedback.connection import Connection
    from tap_feedback.lock import StreamLock
    from tap_feedback.page import Page
    from tap_feedback.paging import Paginator
    from tap_feedback.paging.keys import Keys
    from tap_feedback.parents import Parents
    from tap_feedback.records.time_range import Bounds
    from tap_feedback.responses import Response
    from tap_feedback.row_order import RowOrder
    from tap_feedback.settings import General, Stream

    LoggerAdapter = logging.LoggerAdapter[logging.Logger]
else:
    LoggerAdapter = logging.LoggerAdapter  # which takes no type before Python 3.11


class StreamLogger(LoggerAdapter):
    """Begins each line with the stream's name: not every log shows the name of its logger."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Put the name in front."""
        return f"{self.logger.name.rpartition('.')[2]}: {msg}", kwargs


class ApiStream(RESTStream[dict[str, Any]], ABC):
    """A stream with its requests and its pages.

    Its settings, here called its declaration, have all that differs between streams. The class attributes of the
    streams that the tap ships are the defaults of theirs.

    Args:
        tap: The tap.
        declaration: The stream's settings.
        general: The settings that all APIs share.
        connection: The stream's API; None if that is not set, which is enough for discovery.
        lock: Held by the caller; released while a request is in flight.
    """

    api: ClassVar[str]
    data_selector: str
    primary_keys: Sequence[str] = ("id",)
    replication_key: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse an override that could not take effect.

        Raises:
            TypeError: There is one.
        """
        super().__init_subclass__(**kwargs)
        refuse_dead_hooks(cls)

    def __init__(
        self, tap: Tap, *, declaration: Stream, general: General, connection: Connection | None, lock: StreamLock
    ) -> None:
        self.declaration = declaration
        self.general = general
        self._connection = connection
        self.lock = lock
        self.name = declaration.name
        self.path = declaration.path
        self.primary_keys = declaration.primary_keys
        self.replication_key = declaration.replication_key
        self.progress = Progress(self.name)
        self.slots = Slots(declaration.requests_per_minute)
        self.selected_by_default = declaration.selected_by_default
        #: Of a child stream, the rows that it is read once for each of.
        self.parents: Parents | None = None
        self._notices: set[str] = set()
        self._began = tap.initialized_at
        super().__init__(tap, schema=stream_schema(declaration, keep_unknown=self.keeps_unknown))
        self.stream_log = StreamLogger(self.logger, {})

    @property
    def keeps_unknown(self) -> bool:
        """Whether fields that the schema lacks go into `_extra`."""
        return self.general.unknown_fields == "keep"

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

    # Requests

    @property
    def url_base(self) -> str:
        """Scheme, host and prefix of the API."""
        return self.connection.api.url_base

    @property  # type: ignore[misc]  # the declaration sets it
    def http_method(self) -> str:
        """The method of the requests."""
        return self.declaration.method

    @property
    def http_headers(self) -> dict[str, str]:
        """The headers that the stream adds to those of its API."""
        return dict(self.declaration.headers)

    @cached_property
    def _assembler(self) -> Assembler:
        return Assembler(self.declaration, self.connection.api.params)

    def get_url(self, context: Context | None) -> str:
        """The address of the stream; the context of a child has the fields of its parent's row."""
        path: str = fill(self.path, of_parent(context).get, in_path=True)
        return self.url_base + path

    def get_url_params(self, context: Context | None, next_page_token: RangeRequest | None) -> dict[str, Any]:
        """The query parameters of a request."""
        return self._assembler.params(next_page_token or RangeRequest(), of_parent(context))

    def prepare_request_payload(
        self,
        context: Context | None,
        next_page_token: RangeRequest | None,
    ) -> dict[str, Any] | None:
        """The JSON body of a request; None for a GET."""
        return self._assembler.body(next_page_token or RangeRequest(), of_parent(context))

    def get_http_request(self, *, page: PageContext[RangeRequest]) -> HTTPRequest:
        """The request for a page. A next link is followed as it is."""
        token = page.next_page_token
        if token is not None and token.page.url is not None:
            return HTTPRequest(token.page.url, self.http_method, headers=self.http_headers)
        return super().get_http_request(page=page)

    # Pages

    def get_new_paginator(self) -> Paginator:  # type: ignore[override]  # ours also proves that nothing was skipped
        """A fresh paginator of the type in the settings."""
        return self.declaration.paginator.start(
            keys=self.row_keys,
            notice=self._notice,
            address=Address(self.connection.api.base_url, self.connection.api.path_prefix, self.path),
        )

    @property
    def row_keys(self) -> Keys:
        """Returns the keys that tell the rows of a response apart, which lack what comes from the parent."""
        own = [name for name in self.primary_keys if name not in self.declaration.include_from_parent]
        return keys_by(own or self.primary_keys)

    def _notice(self, level: int, text: str) -> None:
        """Log what a paginator says, once for all parents and time ranges."""
        if text not in self._notices:
            self._notices.add(text)
            self.stream_log.log(level, "%s", text)

    def new_order(self, context: Context | None) -> RowOrder | None:  # noqa: ARG002 - FeedbackStream needs it
        """What checks the order of the rows of a chain; None if the settings promise none."""
        return None

    @property
    def passes(self) -> Sequence[Mapping[str, Any]]:
        """The parameters of each pass over the stream."""
        return self.declaration.passes or ({},)

    @cached_property
    def clock(self) -> SyncClock:
        """The moment the sync began."""
        return SyncClock(datetime.fromtimestamp(self._began / 1000, tz=timezone.utc))

    def range_between(self, start: datetime | None, end: datetime | None, *, is_whole: bool) -> TimeRange:
        """A range of time to request."""
        incremental, sends_end = self.declaration.incremental, self._assembler.sends_end
        return TimeRange(start, end, incremental=incremental, clock=self.clock, is_whole=is_whole, sends_end=sends_end)

    def chain(
        self, bounds: Bounds, params: Mapping[str, Any], context: Context | None = None, *, checks_order: bool = True
    ) -> Iterator[Page]:
        """The pages of one time range, in one pass. The first request is sent immediately.

        Args:
            bounds: Start and end of the range as the API wants them; None for an end that is open.
            params: The parameters of the pass.
            context: Of a child, the fields of its parent's row.
            checks_order: Whether rows must be in the order that the settings promise.
        """
        start, end = bounds
        first = self._chain(bounds, params, context, checks_order=checks_order)
        if self.declaration.paginator.max_pages is None:
            return first.pages
        restarts = Restarts(
            self.declaration,
            self.replication_key,
            self.row_keys,
            can_start=self._assembler.sends_start and self.is_timestamp_replication_key,
        )
        return restarts.pages(
            first, start, lambda start: self._chain((start, end), params, context, checks_order=checks_order)
        )

    def _chain(
        self, bounds: Bounds, params: Mapping[str, Any], context: Context | None, *, checks_order: bool
    ) -> Chain:
        """One chain, whose first request is sent immediately."""
        order = self.new_order(context) if checks_order else None
        source = Source(
            self.declaration.selection,
            lambda wanted: self.get_http_request(page=PageContext(context, RangeRequest(params, *bounds, page=wanted))),
            self.note_response,
            hooks_of(self),
            self.slots,
            order,
        )
        fetcher = Fetcher(self.connection, source, lock=self.lock, progress=self.progress, logger=self.stream_log)
        paginator = self.get_new_paginator()
        return Chain(fetcher.pages(paginator), paginator, order)

    def note_response(self, response: Response) -> None:
        """Let the clock know what time it is at the API. Responses come in the order of the pages."""
        self.clock.note(response.sent)

    def validate_response(self, response: requests.Response) -> None:
        """Check the status of a response, and that its body may be JSON.

        Raises:
            TransientError: The request is worth a retry.
            FatalAPIError: It is not.
        """
        check_status(response.status_code, response.headers, self.connection.api)
        check_body(response.content, response.status_code, response.headers, self.connection.api)

    def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        """The rows of a response."""
        now = datetime.now(timezone.utc)
        yield from read_page(response.content, self.declaration.selection, now, response.headers).rows

    @cached_property
    def post_processes(self) -> bool:
        """Whether a subclass overrides `post_process`."""
        return is_overridden(self, "post_process")

    def post_processed(self, page: Page) -> Page:
        """A page with what `post_process` makes of its rows."""
        rows = (self.post_process(row.copy(), self.context) for row in page.rows)
        return page._replace(rows=[row for row in rows if row is not None])
