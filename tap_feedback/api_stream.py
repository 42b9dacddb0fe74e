"""API side of a stream: its settings, its requests, its pages."""

from __future__ import annotations

from abc import ABC
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import RESTStream
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.streams.rest import HTTPRequest, PageContext

from tap_feedback.chains import pages_of
from tap_feedback.columns import stream_schema
from tap_feedback.hooks import is_overridden, refuse_dead_hooks
from tap_feedback.page import read_page
from tap_feedback.paging import Address, keys_by
from tap_feedback.progress import Progress
from tap_feedback.records.time_range import SyncClock, TimeRange
from tap_feedback.request import Assembler, RangeRequest, fill, of_parent
from tap_feedback.responses import check_body, check_status
from tap_feedback.slots import Slots
from tap_feedback.stream_log import StreamLogger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_feedback.checkpoint import Mark
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


class ApiStream(RESTStream[dict[str, Any]], ABC):
    """A stream with its requests and its pages.

    Everything that differs between streams is in the stream's settings, here called its declaration. The class
    attributes of a shipped stream are the defaults of its settings.

    Args:
        tap: The tap.
        declaration: The stream's settings.
        general: The settings that all APIs share.
        connection: The stream's API. None if the API is not set, which is enough for discovery.
        lock: Held by the caller; released while a request is in flight.
    """

    api: ClassVar[str]
    data_selector: str
    primary_keys: Sequence[str] = ("id",)
    replication_key: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Reject overrides that would have no effect.

        Raises:
            TypeError: The class has such an override.
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
        """Whether fields missing from the schema go into `_extra`."""
        return self.general.unknown_fields == "keep"

    @property
    def connection(self) -> Connection:
        """The stream's API.

        Raises:
            ConfigurationError: The API is not set.
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
    def assembler(self) -> Assembler:
        """Puts the requests together."""
        return Assembler(self.declaration, self.connection.api.params)

    def get_url(self, context: Context | None) -> str:
        """Return the address of the stream; the context of a child has the fields of its parent's row."""
        path: str = fill(self.path, of_parent(context).get, in_path=True)
        return self.url_base + path

    def get_url_params(self, context: Context | None, next_page_token: RangeRequest | None) -> dict[str, Any]:
        """Return the query parameters of a request."""
        return self.assembler.params(next_page_token or RangeRequest(), of_parent(context))

    def prepare_request_payload(
        self,
        context: Context | None,
        next_page_token: RangeRequest | None,
    ) -> dict[str, Any] | None:
        """Return the JSON body of a request; None for a GET."""
        return self.assembler.body(next_page_token or RangeRequest(), of_parent(context))

    def get_http_request(self, *, page: PageContext[RangeRequest]) -> HTTPRequest:
        """Return the request for a page. A next link is followed unchanged, in a POST with the body of the stream."""
        token = page.next_page_token
        if token is not None and token.page.url is not None:
            body = self.prepare_request_payload(page.stream_context, token)
            return HTTPRequest(token.page.url, self.http_method, headers=self.http_headers, data=body)
        return super().get_http_request(page=page)

    # Pages

    def get_new_paginator(self) -> Paginator:  # type: ignore[override]  # this one also proves that nothing was skipped
        """Return a fresh paginator of the type in the settings."""
        return self.declaration.paginator.start(
            keys=self.row_keys,
            notice=self._notice,
            address=Address(self.connection.api.base_url, self.connection.api.path_prefix, self.path),
        )

    @property
    def row_keys(self) -> Keys:
        """A function that returns the keys of a response's rows, without the fields from the parent."""
        own = [name for name in self.primary_keys if name not in self.declaration.include_from_parent]
        return keys_by(own or self.primary_keys)

    def _notice(self, level: int, text: str) -> None:
        """Log a notice of a paginator, once for all parents and time ranges."""
        if text not in self._notices:
            self._notices.add(text)
            self.stream_log.log(level, "%s", text)

    def new_order(self, context: Context | None) -> RowOrder | None:  # noqa: ARG002 - FeedbackStream needs it
        """Return a check of the order of a chain's rows; None if the settings do not promise an order."""
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
        """Return a time range to request."""
        incremental, sends_end = self.declaration.incremental, self.assembler.sends_end
        return TimeRange(start, end, incremental=incremental, clock=self.clock, is_whole=is_whole, sends_end=sends_end)

    def range_pages(
        self,
        bounds: Bounds,
        params: Mapping[str, Any],
        context: Context | None = None,
        *,
        checks_order: bool = True,
        mark: Mark | None = None,
    ) -> Iterator[Page]:
        """Return the pages of one time range, in one pass. The first request is sent immediately.

        Args:
            bounds: Start and end of the range in the API's format; None for an open end.
            params: The parameters of the pass.
            context: Of a child, the fields of its parent's row.
            checks_order: Whether rows must be in the order that the settings promise.
            mark: Notes how far the rows reach, if they come in ascending order.
        """
        return pages_of(self, bounds, params, context, checks_order=checks_order, mark=mark)

    def note_response(self, response: Response) -> None:
        """Pass the API's clock on. Responses come in the order of the pages."""
        self.clock.note(response.sent)

    def validate_response(self, response: requests.Response) -> None:
        """Check the status of a response, and that its body could be JSON.

        Raises:
            TransientError: A retry may help.
            FatalAPIError: A retry would not help.
        """
        check_status(response.status_code, response.headers, self.connection.api)
        check_body(response.content, response.status_code, response.headers, self.connection.api)

    def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        """Yield the rows of a response."""
        now = datetime.now(timezone.utc)
        yield from read_page(response.content, self.declaration.selection, now, response.headers).rows

    @cached_property
    def post_processes(self) -> bool:
        """Whether a subclass overrides `post_process`."""
        return is_overridden(self, "post_process")

    def post_processed(self, page: Page) -> Page:
        """Return a page with each row replaced by the result of `post_process`."""
        rows = (self.post_process(row.copy(), self.context) for row in page.rows)
        return page._replace(rows=[row for row in rows if row is not None])
