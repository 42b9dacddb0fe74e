"""Settings as typed objects: of an API, of its streams, and of the tap."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tap_feedback.auth import Auth
from tap_feedback.batch_settings import BatchSettings
from tap_feedback.fields import Count, DottedPath, Headers, Json, Name, Params, Scalar, Seconds, UrlPath, text_of
from tap_feedback.page import Selection
from tap_feedback.paging import Paging

Instant = Annotated[datetime, text_of("date-time")]


class Incremental(Struct, frozen=True, forbid_unknown_fields=True):
    """How a time range is requested."""

    start_param: Annotated[
        Name | None,
        Meta(
            description="Parameter for the start of the time range, or its path in the body of a POST; null to omit it."
        ),
    ] = None
    end_param: Annotated[
        Name | None,
        Meta(
            description="Parameter for the end of the time range, or its path in the body of a POST; null to omit it."
        ),
    ] = None
    format: Annotated[
        Annotated[str, text_of("time-format")],
        Meta(description="Format of a time in a request: a strftime pattern, `epoch` or `epoch_ms`."),
    ] = "%Y-%m-%dT%H:%M:%SZ"
    lookback: Annotated[Seconds, Meta(description="Number of seconds before the bookmark to read again.")] = 0
    window: Annotated[
        Annotated[float, Meta(ge=0.04, le=36500)] | None,
        Meta(
            description="Length in days, at least 0.04, of the windows to split the time range into, several of which "
            "are read concurrently; the state follows the windows that are complete; needs `start_param` and "
            "`end_param`; null to read it as a whole."
        ),
    ] = None
    initial_value: Annotated[
        Annotated[str, text_of("date-time")] | None,
        Meta(
            description="Start to send if there is no bookmark and no `start_date`, also in a FULL_TABLE sync, as a "
            "date or date-time: for an API that hides older rows unless a start is requested. An open end is then sent "
            "as the moment the sync began; null for none."
        ),
    ] = None
    row_order: Annotated[
        Literal["asc", "desc"] | None,
        Meta(
            description="Order in which the API sorts rows by the replication key, which is checked row by row: `asc`, "
            "with which the state follows the rows, or `desc`, which stops behind a whole page of rows that are too "
            "old; null if it is not known."
        ),
    ] = None
    trust_filter: Annotated[
        bool,
        Meta(
            description="Whether to write all rows that the API returns, because it filters by another field than the "
            "replication key; needs `start_param`."
        ),
    ] = False


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """Which failures are retried, how often and when."""

    max_retries: Annotated[
        int, Meta(ge=0, le=100, description="Maximum number of retries after a transient failure.")
    ] = 3
    backoff_factor: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Base of the waits: the n-th is this to the power of n, in seconds; 0 for no waits.",
        ),
    ] = 2
    statuses: Annotated[
        tuple[Annotated[int, Meta(ge=400, le=599)], ...], Meta(description="HTTP statuses to retry.")
    ] = (429, 500, 502, 503, 504)
    max_wait: Annotated[Seconds, Meta(description="Longest wait to accept from the API, in seconds.")] = 300
    wait_headers: Annotated[
        tuple[Annotated[str, text_of("header-name")], ...],
        Meta(description="Response headers that say how long to wait, in order of preference."),
    ] = ("Retry-After",)


class StreamSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of one stream."""

    path: Annotated[UrlPath, Meta(description="Path of the stream, after `path_prefix`.")]
    method: Annotated[Literal["GET", "POST"], Meta(description="HTTP method of the requests.")] = "GET"
    params: Annotated[Params, Meta(description="Query parameters of every request.")] = {}
    headers: Annotated[Headers, Meta(description="Headers of every request.")] = {}
    json: Annotated[Json, Meta(description="JSON body of every request, which must be a POST.")] = {}
    data_selector: Annotated[
        DottedPath | Annotated[tuple[DottedPath, ...], Meta(min_length=1)],
        Meta(description="Dotted path of the rows, or a list of paths; `$` is the response itself."),
    ]
    data_selector_empty_ok: Annotated[
        bool, Meta(description="Whether a response without `data_selector` is an empty page.")
    ] = False
    single_object: Annotated[
        bool, Meta(description="Whether `data_selector` is the path of one object, which is the only row.")
    ] = False
    primary_key: Annotated[
        Name | Annotated[tuple[Name, ...], Meta(min_length=1)],
        Meta(description="Name of the primary key, or a list of names."),
    ] = "id"
    replication_key: Annotated[Name | None, Meta(description="Name of the replication key; null for none.")] = None
    schema: Annotated[
        Json | Literal["infer"],
        Meta(description='JSON Schema of the columns by name, or "infer" to derive them from rows during discovery.'),
    ] = {}
    passes: Annotated[
        tuple[Params, ...],
        Meta(description="List of `params`: the stream is read once with each, as one table."),
    ] = ()
    requests_per_minute: Annotated[
        Count | None, Meta(description="Maximum number of requests per minute; null for only the API's limit.")
    ] = None
    parent: Annotated[
        Name | None,
        Meta(
            description="Name of the stream whose rows this one is read once for each of, with `{parent.<field>}` in "
            "`path`, `params` or `json`; null for none."
        ),
    ] = None
    include_from_parent: Annotated[
        dict[Name, DottedPath], Meta(description="Fields of the parent's row to add to each row, by name of column.")
    ] = {}
    parent_changed_field: Annotated[
        DottedPath | None,
        Meta(
            description="Field of the parent's row with a time that moves whenever the rows below it change; only "
            "parents that changed since the last sync are then read; null to read all."
        ),
    ] = None


class Stream(StreamSettings, frozen=True, kw_only=True):
    """One stream, with everything that its API and its vendor set for it.

    `columns` has the JSON Schemas of the columns in `schema` and in the vendor's preset. `infers` says whether other
    columns are derived from rows, `selected_by_default` whether the stream is read without a catalog. `given` has the
    names of the settings that the user set.
    """

    name: str
    paginator: Paging
    incremental: Incremental
    columns: Json = {}
    infers: bool = False
    selected_by_default: bool = True
    given: tuple[str, ...] = ()

    @property
    def primary_keys(self) -> tuple[str, ...]:
        """The names of the primary key's properties."""
        return (self.primary_key,) if isinstance(self.primary_key, str) else self.primary_key

    @property
    def selection(self) -> Selection:
        """Where the rows of a response are."""
        paths = (self.data_selector,) if isinstance(self.data_selector, str) else self.data_selector
        return Selection(paths, empty_ok=self.data_selector_empty_ok, single_object=self.single_object)


class ApiSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of one API, without its streams."""

    vendor: Annotated[Name | None, Meta(description="Name of a shipped preset.")] = None
    base_url: Annotated[
        Annotated[str, text_of("address", "without-user", "without-query")],
        Meta(description="Scheme and host of the API, as in `https://api.example.com`."),
    ]
    api_key: Annotated[
        Annotated[str, text_of("secret", secret=True, writeOnly=True)],
        Meta(description="Key, token or client secret; `auth` says how it is sent."),
    ]
    path_prefix: Annotated[
        Annotated[str, text_of("url-prefix")], Meta(description="Prefix of the path of every stream.")
    ] = "/v1"
    variables: Annotated[
        dict[Name, Scalar], Meta(description="Values for `{name}` in paths, parameters and JSON bodies.")
    ] = {}
    auth: Annotated[Auth, Meta(description="How the key is sent.")]
    paginator: Annotated[Paging, Meta(description="How pages are requested.")]
    incremental: Annotated[Incremental, Meta(description="How a time range is requested.")] = Incremental()
    retry: Annotated[Retry, Meta(description="Which failures are retried, how often and when.")] = Retry()
    timeout: Annotated[
        float, Meta(gt=0, le=315_360_000, description="Maximum time for one request with its response, in seconds.")
    ] = 60
    max_connections: Annotated[int, Meta(ge=1, le=64, description="Maximum number of concurrent requests.")] = 4
    requests_per_minute: Annotated[
        Count | None, Meta(description="Maximum number of requests per minute; null for no limit.")
    ] = None
    headers: Annotated[Headers, Meta(description="Headers of every request.")] = {}
    params: Annotated[Params, Meta(description="Query parameters of every request.")] = {}


class Api(ApiSettings, frozen=True, kw_only=True):
    """The settings of one API, with its name and its streams."""

    name: str
    streams: dict[str, Stream] = {}

    def __repr__(self) -> str:
        """Return the name alone, as the rest holds secrets."""
        return f"Api({self.name})"

    @property
    def url_base(self) -> str:
        """The URL in front of a stream's path."""
        return self.base_url + self.path_prefix


class General(Struct, frozen=True, kw_only=True):
    """The settings that all APIs share."""

    start_date: Annotated[
        Instant | None,
        Meta(description="Start of the changes to read in incremental streams, as a date or date-time; null for none."),
    ] = None
    end_date: Annotated[
        Instant | None,
        Meta(
            description="End (exclusive) of the changes to read in incremental streams, as `start_date`; null for none."
        ),
    ] = None
    user_agent: Annotated[
        Annotated[str, text_of("header-value")] | None,
        Meta(description="`User-Agent` to send; null for the tap's own."),
    ] = None
    unknown_fields: Annotated[
        Literal["keep", "drop"],
        Meta(description="Treatment of fields missing in a schema: `keep` puts them into `_extra`, `drop` drops them."),
    ] = "keep"
    emit_activate_version_messages: Annotated[
        bool, Meta(description="Whether to write ACTIVATE_VERSION after a complete FULL_TABLE sync.")
    ] = False
    batch_config: Annotated[
        BatchSettings | None,
        Meta(description="Files to pass records in, which BATCH messages name; null for RECORD messages."),
    ] = None


class Settings(General, frozen=True, kw_only=True):
    """All settings; `apis` has those that are set."""

    apis: dict[str, Api]


def without_retries(api: Api) -> Api:
    """Return the settings of an API without retries."""
    return msgspec.structs.replace(api, retry=msgspec.structs.replace(api.retry, max_retries=0))
