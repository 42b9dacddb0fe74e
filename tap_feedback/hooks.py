"""Hooks of the SDK: which overrides take effect, and which would not."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import requests
from singer_sdk.exceptions import FatalAPIError, RetriableAPIError

from tap_feedback.responses import RefusedError
from tap_feedback.retry import TransientError
from tap_feedback.wait_headers import requested_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from singer_sdk.streams.rest import HTTPRequest

    from tap_feedback.responses import Response
    from tap_feedback.settings import Retry

#: The modules of the classes whose hooks do not count as overrides.
TAP_AND_SDK = ("tap_feedback.api_stream", "tap_feedback.ranged_stream", "tap_feedback.client", "singer_sdk.")
#: Hooks of the SDK that this tap never calls, and what to use in their place.
DEAD = {
    **dict.fromkeys(("records_jsonpath", "next_page_token_jsonpath"), "set `data_selector` or `paginator`"),
    **dict.fromkeys(("request_records", "get_records"), "override `parse_response` or `post_process`"),
    **dict.fromkeys(("authenticator", "requests_session", "request_decorator"), "set `auth` and `retry`"),
    **dict.fromkeys(
        ("prepare_request", "build_prepared_request", "allow_redirects", "payload_as_json"),
        "override `get_http_request`",
    ),
    **dict.fromkeys(
        ("backoff_handler", "backoff_jitter", "backoff_runtime", "extra_retry_statuses", "timeout"),
        "set `retry` and `timeout`, or override `backoff_wait_generator`",
    ),
    **dict.fromkeys(("partitions", "state_partitioning_keys"), "streams have no partitions"),
    **dict.fromkeys(
        ("parent_stream_type", "get_child_context", "generate_child_contexts"),
        "set `parent` and `include_from_parent` of the child",
    ),
    **dict.fromkeys(("STATE_MSG_FREQUENCY", "is_sorted", "check_sorted"), "the tap writes STATE when it is proven"),
    **dict.fromkeys(
        ("compare_start_date", "get_starting_timestamp", "get_starting_replication_key_value"),
        "set `start_date` and `incremental`",
    ),
    **dict.fromkeys(("get_batch_config", "get_batches"), "set `batch_config`"),
    "response_error_message": "override `validate_response`",
    "user_agent": "set `user_agent`",
    "TYPE_CONFORMANCE_LEVEL": "the tap makes records fit their schema",
    **dict.fromkeys(
        (
            *("calculate_sync_cost", "update_sync_costs", "log_sync_costs", "get_http_request_counter"),
            "finalize_state_progress_markers",
        ),
        "it is never called",
    ),
}


def refuse_dead_hooks(stream: type) -> None:
    """Reject a class with an override that would have no effect.

    Raises:
        TypeError: The class has such an override.
    """
    for name, instead in DEAD.items():
        if _is_changed(stream, name):
            raise TypeError(f"{stream.__name__}.{name} would have no effect: {instead}")


def is_overridden(stream: Any, name: str) -> bool:
    """Return whether a stream overrides a hook of the tap or the SDK."""
    return _is_changed(type(stream), name)


def _is_changed(stream: type, name: str) -> bool:
    """Return whether a class or a base of it, perhaps a mixin, has this name in place of the tap or the SDK."""
    owner = next((kind for kind in stream.__mro__ if name in vars(kind)), None)
    return owner is not None and not owner.__module__.startswith(TAP_AND_SDK)


class Hooks(NamedTuple):
    """The hooks for responses and retries that a stream overrides; None for the others."""

    validate_response: Callable[[requests.Response], None] | None = None
    parse_response: Callable[[requests.Response], Iterable[dict[str, Any]]] | None = None
    backoff_wait_generator: Callable[[], Generator[float, Any, None]] | None = None
    backoff_max_tries: Callable[[], int | None] | None = None


def hooks_of(stream: Any) -> Hooks:
    """Return the hooks that a stream overrides."""
    return Hooks(*(getattr(stream, name) if is_overridden(stream, name) else None for name in Hooks._fields))


def as_requests(response: Response, request: HTTPRequest) -> requests.Response:
    """Return a response as the SDK's hooks expect it."""
    found = requests.Response()
    found.status_code = response.status
    found.headers.update(response.headers)
    found.url = request.url
    found.reason = HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else ""
    found._content = response.body  # noqa: SLF001 - it has no other way in
    return found


def validate(
    hook: Callable[[requests.Response], None], response: Response, request: HTTPRequest, policy: Retry
) -> None:
    """Validate a response with a stream's hook.

    Raises:
        TransientError: The hook raised RetriableAPIError.
        RefusedError: The hook raised FatalAPIError for a status that is an error.
    """
    try:
        hook(as_requests(response, request))
    except RetriableAPIError as error:
        wait = requested_wait(response.headers, policy.wait_headers)
        is_refused = response.status == HTTPStatus.TOO_MANY_REQUESTS
        raise TransientError(str(error), retry_after=wait, refused=is_refused) from None
    except RefusedError:
        raise
    except FatalAPIError as error:
        if response.status < HTTPStatus.BAD_REQUEST:
            raise
        raise RefusedError(str(error), response.status) from None


class Waits:
    """The waits of a stream before the retries of one request.

    Args:
        generator: The hook that yields seconds, as the library `backoff` expects: its first value is not a wait.
    """

    def __init__(self, generator: Callable[[], Generator[float, Any, None]] | None) -> None:
        self._generator = generator() if generator else None
        if self._generator is not None:
            next(self._generator)

    def instead_of(self, seconds: float, failure: TransientError) -> float:
        """Return the wait after a failure, unless the API asked for one."""
        if self._generator is None or failure.retry_after or failure.pause:
            return seconds
        return float(self._generator.send(failure))


def with_tries(policy: Retry, hook: Callable[[], int | None] | None) -> Retry:
    """Return a policy with the number of tries that a stream's hook allows."""
    most = hook() if hook else None
    return policy if most is None else msgspec.structs.replace(policy, max_retries=most - 1)
