"""What is needed to play each vendor, made once."""

from __future__ import annotations

from functools import cache

from sandbox.vendors import players
from tools.playing import Stage

NAMES = players()
WITH_CHILDREN = sorted(
    {"aha", "featurebase", "freshdesk", "frill", "front", "help_scout", "intercom", "jira_service_management"}
    | {"surveymonkey", "survicate", "typeform", "zendesk"}
)


@cache
def stage_of(vendor: str) -> Stage:
    """The preset of a vendor, as it is shipped."""
    return Stage(vendor)
