"""Presets as files: each is right and complete, and the check of contributors finds what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.vendors import players
from tap_feedback.declarations import vendors
from tools import presets
from tools.presets import FOLDER, faults, shared_names
from tools.vendors import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("vendor", vendors())
def test_a_preset_has_no_faults(vendor: str) -> None:
    """It is complete, its settings are right, and each stream has a schema with its keys."""
    assert faults(vendor) == []


def test_each_vendor_has_a_player() -> None:
    """A preset that cannot be played is not tested."""
    assert players() == vendors()


def test_no_stream_name_comes_twice() -> None:
    """A target makes a table of each name."""
    assert shared_names() == []


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("api", "sales", "`api` must be one of"),
        ("limits", None, "`limits` is missing"),
        ("limits", "Unknown", "`limits` must be a sentence"),
        ("verified.by", "hearsay", "`verified.by` must be one of"),
        ("verified.on", "yesterday", "`verified.on` must be a date"),
        ("verified.source", "a friend", "`verified.source` must be a URL"),
        ("needs.api_key", "a key", "`needs.api_key` must be a phrase"),
        ("why", {"paginator.nothing": "Text."}, "`why` names `paginator.nothing`, which the preset does not set"),
        ("off", ["gorgias_nothing"], "`off` names `gorgias_nothing`, which is no stream"),
        ("retry", {"tries": 3}, "`support.retry.tries` is not a setting"),
        ("streams.tickets", {"path": "/a"}, "`streams.tickets` must begin with `gorgias_`"),
        ("streams.gorgias_tags.path", None, "`streams.gorgias_tags.path` is missing"),
        ("streams.gorgias_tags.primary_key", "key", "`schemas.gorgias_tags` lacks `key`"),
        ("streams.gorgias_tags.replication_key", "at", "`schemas.gorgias_tags` lacks `at`"),
        ("streams.gorgias_tags.parent", "gorgias_x", "`streams.gorgias_tags.parent` is no stream of the preset"),
        ("schemas.gorgias_tags", None, "`schemas.gorgias_tags` is missing"),
        ("schemas.gorgias_tags.id", {"type": "integer"}, "`schemas.gorgias_tags.id` needs a description"),
        ("schemas.gorgias_tags.id.type", ["integer", "null"], "`schemas.gorgias_tags.id` must have one of the types"),
        ("schemas.gorgias_tags.id.format", "time", "`schemas.gorgias_tags.id` must have the format"),
    ],
)
def test_a_fault_is_found(path: str, value: object, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line names what is wrong."""
    found: dict[str, Any] = json.loads((FOLDER / "gorgias.json").read_text(encoding="utf-8"))
    node = found
    *steps, last = path.split(".")
    for step in steps:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    (tmp_path / "gorgias.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    monkeypatch.setattr(presets, "FOLDER", tmp_path)
    assert any(fault.startswith(line) for fault in faults("gorgias")), faults("gorgias")


def test_a_column_that_comes_twice_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's JSON would silently take the last one."""
    text = (FOLDER / "gorgias.json").read_text(encoding="utf-8").replace('"limits":', '"title": "Twice", "limits":', 1)
    (tmp_path / "gorgias.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(presets, "FOLDER", tmp_path)
    assert faults("gorgias") == ["`title` comes twice in one object"]


def test_a_file_that_is_not_json_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comma too many is the likeliest fault."""
    (tmp_path / "gorgias.json").write_text('{"api": "support",}', encoding="utf-8")
    monkeypatch.setattr(presets, "FOLDER", tmp_path)
    (line,) = faults("gorgias")
    assert line.startswith("gorgias.json is not JSON: ")


def test_the_command_knows_the_vendors(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not there is answered with those that are."""
    assert main(["help_skout"]) == 1
    assert "the vendors are aha, canny," in capsys.readouterr().out
