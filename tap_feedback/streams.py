"""The eight streams: what each is called, where it is, and where its rows stand in an answer."""

from __future__ import annotations

from tap_feedback.client import AnalyticsAPI, FeedbackAPI, FeedbackStream, SupportAPI


class FeedbackData(FeedbackAPI):
    """What customers said."""

    name = "feedback_data"
    path = "/feedback"
    data_selector = "data"


class Forums(AnalyticsAPI):
    """Places in which suggestions are collected."""

    name = "forums"
    path = "/forums"
    data_selector = "forums"


class ExternalAccounts(AnalyticsAPI):
    """Companies, as the customer's own systems know them."""

    name = "external_accounts"
    path = "/external_accounts"
    data_selector = "external_accounts"


class ExternalUsers(AnalyticsAPI):
    """People, as the customer's own systems know them."""

    name = "external_users"
    path = "/external_users"
    data_selector = "external_users"


class Features(AnalyticsAPI):
    """Pieces of product work that suggestions lead to."""

    name = "features"
    path = "/features"
    data_selector = "features"


class FeedbackRecords(AnalyticsAPI):
    """Single pieces of feedback, linked to a suggestion or not yet."""

    name = "feedback_records"
    path = "/feedback_records"
    data_selector = "feedback_records"


class Suggestions(AnalyticsAPI):
    """Ideas for the product, with those who support them."""

    name = "suggestions"
    path = "/suggestions"
    data_selector = "suggestions"


class CustomerSupportData(SupportAPI):
    """What customers asked the support for."""

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
