"""The settings of the Meltano project, as a pipe needs them."""

from __future__ import annotations

from benchmarks.project import BATCH_JOB, JOB, Project, merged, nested


def test_names_with_dots_are_objects() -> None:
    """Dotted names and objects mean the same, and settings from the environment are left out."""
    assert nested({"a.b.c": 1, "a": {"b.d": 2}, "e": "$HOME", "f": {"g": "x"}}) == {
        "a": {"b": {"c": 1, "d": 2}},
        "f": {"g": "x"},
    }


def test_later_settings_win() -> None:
    """Objects are merged, and everything else is replaced."""
    assert merged({"a": {"b": 1, "c": [1]}, "d": 1}, {"a": {"c": [2]}}) == {"a": {"b": 1, "c": [2]}, "d": 1}


def test_jobs_have_their_settings() -> None:
    """A pipe uses the settings of the target in the shipped jobs, and those of BATCH."""
    project = Project()
    tap, target = project.plugins(JOB)
    assert tap == "tap-feedback"
    assert project.settings(target)["load_method"] == "upsert"
    tap, _ = project.plugins(BATCH_JOB)
    assert project.settings(tap)["batch_config"]["encoding"]["format"] == "jsonl"
