"""Hooks of the SDK: which overrides take effect, and which could not."""

from __future__ import annotations

from typing import Any

#: Hooks of the SDK that this tap has no use for, and what to use in their place.
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
    **dict.fromkeys(
        ("partitions", "parent_stream_type", "state_partitioning_keys", "get_child_context", "generate_child_contexts"),
        "streams have no partitions",
    ),
    **dict.fromkeys(("STATE_MSG_FREQUENCY", "is_sorted", "check_sorted"), "the tap writes STATE when it is proven"),
    **dict.fromkeys(("calculate_sync_cost", "update_sync_costs", "get_http_request_counter"), "it is never called"),
}


def refuse_dead_hooks(stream: type) -> None:
    """Refuse a class with an override that could not take effect.

    Raises:
        TypeError: There is one.
    """
    for name, instead in DEAD.items():
        if name in vars(stream):
            raise TypeError(f"{stream.__name__}.{name} would have no effect: {instead}")


def is_overridden(stream: Any, name: str) -> bool:
    """Whether a stream has a hook of its own, in place of the tap's or the SDK's."""
    owner = next(kind for kind in type(stream).__mro__ if name in vars(kind))
    return not owner.__module__.startswith(("tap_feedback.client", "singer_sdk."))
