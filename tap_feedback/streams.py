"""Shipped streams: the name, the path and the selector of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_feedback.client import AnalyticsAPI, FeedbackAPI, FeedbackStream, SupportAPI

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_feedback.declarations import Shipped


class FeedbackData(FeedbackAPI):
    """Feedback of customers."""

    name = "feedback_data"
    path = "/feedback"
    data_selector = "data"


class Forums(AnalyticsAPI):
    """Places where suggestions are collected."""

    name = "forums"
    path = "/forums"
    data_selector = "forums"


class ExternalAccounts(AnalyticsAPI):
    """Companies, as known to the customer's systems."""

    name = "external_accounts"
    path = "/external_accounts"
    data_selector = "external_accounts"


class ExternalUsers(AnalyticsAPI):
    """People, as known to the customer's systems."""

    name = "external_users"
    path = "/external_users"
    data_selector = "external_users"


class Features(AnalyticsAPI):
    """Pieces of product work that suggestions lead to."""

    name = "features"
    path = "/features"
    data_selector = "features"


class FeedbackRecords(AnalyticsAPI):
    """Pieces of feedback, which may be linked to a suggestion."""

    name = "feedback_records"
    path = "/feedback_records"
    data_selector = "feedback_records"


class Suggestions(AnalyticsAPI):
    """Ideas for the product, with those who support them."""

    name = "suggestions"
    path = "/suggestions"
    data_selector = "suggestions"


class CustomerSupportData(SupportAPI):
    """Requests of customers for support."""

    name = "customer_support_data"
    path = "/resource"
    data_selector = "data"


STREAM_TYPES: tuple[type[FeedbackStream], ...] = (
    FeedbackData,
    Forums,
    ExternalAccounts,
    ExternalUsers,
    Features,
    FeedbackRecords,
    Suggestions,
    CustomerSupportData,
)

#: The base classes of streams that only the settings define.
API_TYPES: dict[str, type[FeedbackStream]] = {kind.api: kind for kind in (FeedbackAPI, AnalyticsAPI, SupportAPI)}


def shipped(kinds: Iterable[type[FeedbackStream]] = STREAM_TYPES) -> Shipped:
    """Return the settings of streams, by API and name; by default those of the eight shipped streams."""
    found: dict[str, dict[str, dict[str, Any]]] = {api: {} for api in API_TYPES}
    for kind in kinds:
        found[kind.api][kind.name] = {  # type: ignore[misc]  # to the SDK it belongs to instances
            "path": kind.path,  # type: ignore[misc]
            "data_selector": kind.data_selector,
            "primary_key": list(kind.primary_keys),
            "replication_key": kind.replication_key,
        }
    return found
