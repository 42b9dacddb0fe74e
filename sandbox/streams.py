"""The eight streams of the sandbox: their paths, their fields and their links."""

from __future__ import annotations

from typing import NamedTuple


class Stream(NamedTuple):
    """A stream, its API and the last part of its path there."""

    name: str
    api: str
    resource: str

    @property
    def selector(self) -> str:
        """The member of a response that holds the rows."""
        return self.resource if self.api == "analytics" else "data"


STREAMS = (
    Stream("feedback_data", "feedback", "feedback"),
    Stream("forums", "analytics", "forums"),
    Stream("external_accounts", "analytics", "external_accounts"),
    Stream("external_users", "analytics", "external_users"),
    Stream("features", "analytics", "features"),
    Stream("feedback_records", "analytics", "feedback_records"),
    Stream("suggestions", "analytics", "suggestions"),
    Stream("customer_support_data", "support", "resource"),
)

#: Fields by stream and kind of value; `id`, the time of the last update and the links are added.
FIELDS = {
    "feedback_data": {
        "customer": "customer_id",
        "body": "feedback_text",
        "rating": "rating",
        "language": "language",
    },
    "customer_support_data": {
        "customer": "customer_id",
        "moment": "created_at",
        "title": "subject",
        "bodies": "messages",
    },
    "forums": {
        "name": "name",
        "title": "prompt example welcome_message",
        "url": "portal_url",
        "mime": "welcome_message_mime_type",
        "flag": "is_open is_public is_private classic_voting category_required importance_enabled moderation_enabled",
        "count": "suggestions_count open_suggestions_count",
        "moment": "created_at",
    },
    "external_accounts": {
        "company": "name",
        "token": "external_id",
        "plan": "plan",
        "amount": "mrr revenue ltv",
        "count": "mrr_cents ltv_cents users_count requests_count supported_ideas_count",
        "rating": "nps",
        "flag": "is_blocker",
        "moment": "external_created_at last_active_at created_at",
        "custom_text": "cf_region",
        "custom_option": "cf_industry",
        "score": "cv_health cv_sample_segment.revenue",
    },
    "external_users": {
        "name": "name",
        "email": "email",
        "token": "external_id",
        "user_type": "type",
        "ip": "ip",
        "count": "seen_days",
        "moment": "external_created_at last_seen_at created_at",
        "custom_option": "cf_role",
        "custom_text": "cf_office",
        "score": "cv_activity",
    },
    "features": {
        "title": "name",
        "body": "description",
        "count": "position suggestions_count supporting_users_count supporting_accounts_count jira_link_count "
        "vsts_link_count supporter_mrr_cents",
        "amount": "supporter_revenue",
        "flag": "is_blocker",
        "moment": "created_at",
    },
    "feedback_records": {
        "body": "body",
        "mime": "body_mime_type",
        "channel": "channel source_type",
        "token": "source_guid",
        "url": "source_url",
        "rating": "severity",
        "score": "sentiment_score",
        "flag": "has_attachments",
        "moment": "created_at",
    },
    "suggestions": {
        "title": "title",
        "body": "body",
        "mime": "body_mime_type",
        "state": "state",
        "channel": "channel",
        "url": "admin_url portal_url redirect_url creator_referrer",
        "os": "creator_os",
        "browser": "creator_browser",
        "version": "creator_browser_version",
        "agent": "creator_user_agent",
        "average": "importance_score_average",
        "flag": "creator_mobile is_blocker",
        "count": "supporters_count account_supporters_count supporting_accounts_count votes_count comments_count "
        "notes_count requests_count merge_candidates_count jira_link_count vsts_link_count internal_flags_count "
        "all_internal_flags_count inappropriate_flags_count importance_low_count importance_medium_count "
        "importance_high_count importance_total_count satisfaction_promoter_count satisfaction_neutral_count "
        "satisfaction_detractor_count recent_engagement",
        "score": "importance_low_percent importance_medium_percent importance_high_percent "
        "supporter_satisfaction_score sentiment_score total_sentiment_score average_engagement engagement_trend "
        "cv_sample_segment.revenue",
        "amount": "supporter_mrr supporter_revenue",
        "moment": "approved_at closed_at first_support_at last_internal_flag_at created_at",
        "custom_option": "cf_priority",
        "custom_text": "cf_team",
    },
}

#: Links by stream, with the resource that each leads to.
LINKS = {
    "forums": {"updated_by": "users"},
    "external_accounts": {},
    "external_users": {"user": "users", "external_account": "external_accounts"},
    "features": {
        "created_by": "users",
        "updated_by": "users",
        "feature_status": "feature_statuses",
        "product_area": "product_areas",
        "roadmap": "roadmaps",
        "suggestions": "suggestions",
        "custom_fields": "custom_fields",
    },
    "feedback_records": {
        "user": "users",
        "supporter": "supporters",
        "suggestion": "suggestions",
        "ticket": "tickets",
        "created_by": "users",
        "updated_by": "users",
        "sfdc_opportunity": "sfdc_opportunities",
    },
    "suggestions": {
        "forum": "forums",
        "category": "categories",
        "status": "statuses",
        "created_by": "users",
        "captured_by": "users",
        "parent_suggestion": "suggestions",
        "ticket": "tickets",
        "last_status_update": "status_updates",
        "last_internal_status_update": "internal_status_updates",
        "last_supporter_message": "supporter_messages",
        "labels": "labels",
        "features": "features",
        "custom_fields": "custom_fields",
    },
}
#: The links that lead to several records.
PLURAL_LINKS = frozenset({"custom_fields", "features", "labels", "suggestions"})
