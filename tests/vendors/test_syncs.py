"""Presets against players of their vendors: all rows come out, as valid records, and a second sync reads what moved."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from sandbox.vendors.rows import UNKNOWN
from tap_feedback.records.conform import EXTRA
from tests.runs import api, errors_of, run_tap
from tests.vendors.stages import NAMES, WITH_CHILDREN, stage_of
from tools.vendors import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.vendors import Player
    from tools.playing import Played, Stage

#: Requests beside the pages: one for the proof of the end, or for a list that is empty or gone.
BESIDE = 2
#: Number of records of a stream that are all validated.
ALL = 300


def lists(stage: Stage) -> list[str]:
    """The streams of a preset that have no parent."""
    return [name for name in stage.streams if name not in stage.parents]


def test_the_vendors_with_children_are_listed() -> None:
    """The lists of tests below are complete."""
    assert [name for name in NAMES if stage_of(name).parents] == WITH_CHILDREN


@pytest.mark.parametrize("vendor", NAMES)
def test_every_row_of_every_list_comes_out(vendor: str) -> None:
    """All rows, valid against the schema, with one field that the schema does not know."""
    stage = stage_of(vendor)
    with stage.player() as player:
        check_whole(stage.play(player), player, lists(stage))


@pytest.mark.parametrize("vendor", WITH_CHILDREN)
def test_every_row_of_every_child_comes_out(vendor: str) -> None:
    """So do those of all parents, with their parent's key; a parent that is gone has none."""
    stage = stage_of(vendor)
    with stage.player(few=True) as player:
        played = stage.play(player, *stage.parents)
        check_whole(played, player, list(stage.parents))
        for child, parent in stage.parents.items():
            keys = {str(row.key) for row in player.rows(parent)}
            for column in stage.preset["streams"][child].get("include_from_parent", {}):
                assert {str(record[column]) for record in played.records[child]} <= keys


def check_whole(played: Played, player: Player, streams: list[str]) -> None:
    """Check that a sync wrote all rows of these streams, and nothing else."""
    assert (played.error, played.failures, played.warnings) == (None, {}, [])
    assert {name: played.names(name) for name in streams} == {name: player.names(name) for name in streams}
    for name in streams:
        validator = Draft7Validator(played.schemas[name], format_checker=FormatChecker())
        records = played.records[name]
        assert [record for record in records if record[EXTRA].keys() != {UNKNOWN}] == []
        # Contents repeat, so that of many records some have all of them.
        for record in [*records[:ALL], *records[ALL::5]]:
            validator.validate(record)
    sent = {name: player.served[name] for name in streams}
    most = {name: 2 * player.pages(name) + BESIDE * max(player.lists(name), 1) for name in streams}
    assert {name: sent[name] for name in streams if sent[name] > most[name]} == {}


def is_by_creation(player: Player, stream: str) -> bool:
    """Whether the API filters the rows of a stream by their creation."""
    return any(getattr(one, "by", "") == "created" for one in player.vendor.streams[stream].filters)


def expected(stage: Stage, player: Player, stream: str) -> set[str]:
    """The rows that a second sync may read: those since the newest one of the first, less the lookback."""
    incremental = {**stage.preset.get("incremental", {}), **stage.preset["streams"][stream].get("incremental", {})}
    lookback = timedelta(seconds=incremental.get("lookback", 0), days=4 if incremental.get("trust_filter") else 0)
    by = "created" if is_by_creation(player, stream) else "changed"
    start = max(getattr(row, by) for row in player.rows(stream)) - lookback
    return {row.name for row in player.rows(stream) if getattr(row, by) >= start.replace(hour=0, minute=0, second=0)}


def moved_later(stage: Stage, player: Player, streams: list[str]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Add a row to each stream and change one; what a second sync must read, and what it may."""
    may = {name: expected(stage, player, name) for name in streams}
    must: dict[str, set[str]] = {}
    for name in streams:
        must[name] = {player.add(name)}
        if not is_by_creation(player, name):
            row = player.rows(name)[1]
            row.change()
            must[name].add(row.name)
        may[name] |= must[name]
    return must, may


def incremental(stage: Stage, streams: list[str]) -> list[str]:
    """Those of the streams that have a replication key."""
    shipped = {name for name in streams if not stage.preset["streams"][name]}
    return [name for name in streams if name in shipped or stage.preset["streams"][name].get("replication_key")]


WITH_BOOKMARKS = [name for name in NAMES if incremental(stage_of(name), lists(stage_of(name)))]


@pytest.mark.parametrize("vendor", WITH_BOOKMARKS)
def test_a_second_sync_reads_what_moved(vendor: str) -> None:
    """A new row and a changed one, and no more rows than those of the bookmark's day and the lookback."""
    stage = stage_of(vendor)
    streams = incremental(stage, lists(stage))
    with stage.player() as player:
        first = stage.play(player, *streams)
        must, may = moved_later(stage, player, streams)
        second = stage.play(player, *streams, state=first.state)
    assert (second.error, second.failures, second.warnings) == (None, {}, [])
    found = {name: {*second.names(name)} for name in streams}
    assert {name: must[name] - found[name] for name in streams if must[name] - found[name]} == {}
    assert {name: found[name] - may[name] for name in streams if found[name] - may[name]} == {}


@pytest.mark.parametrize("vendor", WITH_BOOKMARKS)
def test_a_start_date_hides_no_row_since(vendor: str) -> None:
    """The API filters in its own way, and the tap leaves out no more."""
    stage, start = stage_of(vendor), datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=60)
    streams = incremental(stage, stage.streams)
    with stage.player(few=True) as player:
        played = stage.play(player, *streams, start_date=start.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert (played.error, played.failures, played.warnings) == (None, {}, [])
    for name in streams:
        by = "created" if is_by_creation(player, name) else "changed"
        assert {row.name for row in player.rows(name) if getattr(row, by) >= start} == {*played.names(name)}


def moving(stage: Stage) -> list[str]:
    """The children that are not read whole every time."""
    streams = stage.preset["streams"]
    return [name for name in stage.parents if {"replication_key", "parent_changed_field"} & streams[name].keys()]


@pytest.mark.parametrize("vendor", [name for name in WITH_CHILDREN if moving(stage_of(name))])
def test_a_second_sync_of_children_reads_what_moved(vendor: str) -> None:
    """A new row of a parent, or a changed one; if a field of the parents shows that, few of them are requested."""
    stage = stage_of(vendor)
    streams = moving(stage)
    with stage.player(few=True) as player:
        first = stage.play(player, *streams)
        must: dict[str, str] = {}
        for name in streams:
            player.rows(stage.parents[name])[0].change()
            if player.vendor.streams[name].is_object:
                player.rows(name)[0].change()
                must[name] = player.rows(name)[0].name
            else:
                must[name] = player.add(name)
        before = dict(player.served)
        second = stage.play(player, *streams, state=first.state)
    assert (second.error, second.failures) == (None, {})
    assert [name for name in streams if must[name] not in second.names(name)] == []
    for name in streams:
        if "parent_changed_field" in stage.preset["streams"][name]:
            assert player.served[name] - before[name] < before[name]


@pytest.mark.parametrize("vendor", NAMES)
def test_an_account_without_rows_is_complete(vendor: str) -> None:
    """No row is no failure."""
    stage = stage_of(vendor)
    with stage.player(is_empty=True) as player:
        played = stage.play(player, *stage.streams)
    assert (played.error, played.failures) == (None, {})
    assert sum(map(len, played.records.values())) == sum(len(player.rows(name)) for name in stage.streams)
    assert played.schemas.keys() == {*stage.streams}


@pytest.mark.parametrize("vendor", NAMES)
def test_a_wrong_key_is_named_by_each_stream(vendor: str) -> None:
    """In one line for each, which does not quote it."""
    stage = stage_of(vendor)
    with stage.player() as player:
        played = stage.play(player, *lists(stage), over={"api_key": "wrong-key-42"})
    assert played.error is not None
    assert played.failures.keys() == {*lists(stage)}
    assert [line for line in played.failures.values() if not re.search(r"`(\w+\.)?api_key`", line)] == []
    assert [line for line in played.failures.values() if "\n" in line or "wrong-key-42" in line] == []


@pytest.mark.parametrize("vendor", NAMES)
def test_a_missing_key_is_named_before_any_request(vendor: str) -> None:
    """By the name of the setting."""
    stage = stage_of(vendor)
    with stage.player() as player:
        played = stage.play(player, over={"api_key": ""})
    assert played.error is not None
    assert played.requests == 0


@pytest.mark.parametrize("vendor", ["canny", "help_scout"])
def test_a_wrong_key_ends_the_command_with_an_error(vendor: str, write: Callable[[str, Any], str]) -> None:
    """The exit code is 1, also if the API answers 200 with an error, or has no token for it."""
    stage = stage_of(vendor)
    with stage.player() as player:
        settings: dict[str, Any] = {**api(player.url), **player.access.settings, "vendor": vendor}
        run = run_tap("--config", write("config.json", {stage.api: settings}))
    assert run.returncode == 1
    assert run.stdout.count('"RECORD"') == 0
    assert all("\n" not in line for line in errors_of(run))


def test_the_command_prints_each_stream(capsys: pytest.CaptureFixture[str]) -> None:
    """With its columns, its rows at the player and those that came out."""
    assert main(["productboard"]) == 0
    printed = capsys.readouterr().out
    assert "stream " in printed
    assert printed.count("productboard_") == len(stage_of("productboard").streams)
