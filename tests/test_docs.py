"""The documents say what the code does."""

from __future__ import annotations

import yaml

from tap_feedback.tap import TapFeedback
from tests.meltano_settings import MELTANO_YML, PLUGIN_YML, definition, settings

PROJECT = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))
TAP = PROJECT["plugins"]["extractors"][0]


def test_meltano_lists_the_settings() -> None:
    """Meltano knows every setting, with its kind and whether it is a secret (see tests/meltano_settings.py)."""
    assert TAP["settings"] == settings()


def test_the_plugin_definition_is_that_of_the_project() -> None:
    """A project that adds the tap by its definition has the same settings (see tests/meltano_settings.py)."""
    assert PLUGIN_YML.read_text(encoding="utf-8") == definition()


def test_meltano_takes_fractions() -> None:
    """Meltano fails on the variable of an `integer` with a fraction in it, and cannot pass a `decimal` on."""
    kinds = {setting["name"]: setting["kind"] for setting in TAP["settings"]}
    assert kinds["analytics.incremental.window"] == kinds["feedback.timeout"] == "string"
    assert kinds["feedback.paginator.limit"] == "integer"
    assert "decimal" not in kinds.values()


def test_meltano_marks_the_secrets() -> None:
    """The keys of the three APIs are what Meltano must not show."""
    assert [setting["name"] for setting in TAP["settings"] if setting.get("sensitive")] == [
        "feedback.api_key",
        "analytics.api_key",
        "support.api_key",
    ]


def test_meltano_sets_nothing_by_itself() -> None:
    """A default would make an API take part that the user did not set."""
    assert [setting["name"] for setting in TAP["settings"] if "value" in setting] == []


def test_meltano_lists_the_capabilities() -> None:
    """Meltano uses of the tap what the tap says it can do."""
    assert sorted(TAP["capabilities"]) == sorted(capability.value for capability in TapFeedback.capabilities)


def test_meltano_has_no_reason_to_write_its_file_anew() -> None:
    """Without an id Meltano writes one into the file, which leaves a fresh clone changed."""
    assert PROJECT["project_id"]
