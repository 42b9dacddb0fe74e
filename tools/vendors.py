"""Check of vendors' presets, for those who write one: `python -m tools.vendors help_scout`.

It reads `tap_feedback/vendors/<name>.json`, checks what is in it (`tools/presets.py`), and syncs all of its streams
from the local player of the vendor, which is `sandbox/vendors/apis/<name>.py`. It prints each fault, and for each
stream the columns, the rows that the player has, the rows that came out, and the pages that it took. The exit code is
1 if anything is wrong.

Without a name it does so for all vendors, and prints a line for each.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from sandbox.vendors import players
from tap_feedback.declarations import vendors
from tools.playing import Stage
from tools.presets import faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.vendors import Player
    from tools.playing import Played


class Report(NamedTuple):
    """What came out of one stream."""

    stream: str
    columns: int
    at_player: int
    out: int
    pages: int
    fault: str


class Sums(NamedTuple):
    """What came out of all streams of a vendor."""

    vendor: str
    streams: int
    at_player: int
    out: int
    requests: int
    seconds: float
    fault: str


def main(arguments: Sequence[str]) -> int:
    """Check one vendor, or all; return the exit code."""
    unknown = [name for name in arguments if name not in vendors()]
    if unknown:
        print(f"there is no tap_feedback/vendors/{unknown[0]}.json; the vendors are {', '.join(vendors())}")
        return 1
    found = [check(name, in_detail=True) for name in arguments]
    if not arguments:
        print("vendor                     streams  at the player  rows out  requests  seconds")
        for name in vendors():
            found.append(sums := check(name))
            counts = f"{sums.streams:7}  {sums.at_player:13}  {sums.out:8}  {sums.requests:8}  {sums.seconds:7.1f}"
            print(f"{name:25}  {counts}{'  ' if sums.fault else ''}{sums.fault}", flush=True)
    return int(any(sums.fault for sums in found))


def check(vendor: str, *, in_detail: bool = False) -> Sums:
    """Check a vendor; print its faults and streams if asked."""
    lines = faults(vendor)
    if not lines and vendor not in players():
        lines = [f"there is no sandbox/vendors/apis/{vendor}.py"]
    if lines:
        if in_detail:
            print(*lines, sep="\n")
        return Sums(vendor, 0, 0, 0, 0, 0, f"{len(lines)} faults; see `python -m tools.vendors {vendor}`")
    stage, reports, requests, seconds = Stage(vendor), [], 0, 0.0
    for player, streams, played in plays(stage):
        reports += [report(stage, player, stream, played) for stream in streams]
        requests, seconds = requests + played.requests, seconds + played.seconds
        if in_detail:
            print(*played.warnings, sep="\n", end="\n" if played.warnings else "")
    if in_detail:
        print("stream                                    columns  at the player  rows out  pages")
        for one in reports:
            counts = f"{one.columns:7}  {one.at_player:13}  {one.out:8}  {one.pages:5}"
            print(f"{one.stream:40}  {counts}{'  ' if one.fault else ''}{one.fault}")
    fault = next((f"{one.stream}: {one.fault}" for one in reports if one.fault), "")
    at_player, out = (sum(getattr(one, name) for one in reports) for name in ("at_player", "out"))
    return Sums(vendor, len(reports), at_player, out, requests, seconds, fault)


def plays(stage: Stage) -> Iterator[tuple[Player, list[str], Played]]:
    """Sync the streams of a preset, and then its children, whose parents have fewer rows."""
    children = list(stage.parents)
    for streams in ([name for name in stage.streams if name not in children], children):
        if streams:
            with stage.player(few=streams is children) as player:
                yield player, streams, stage.play(player, *streams)


def report(stage: Stage, player: Player, stream: str, played: Played) -> Report:
    """What came out of a stream, and what is wrong with it."""
    at_player, out = player.names(stream), played.names(stream)
    fault = played.failures.get(stream, "") or played.error or ""
    if not fault and out != at_player:
        missing, twice = len({*at_player} - {*out}), len(out) - len({*out})
        fault = f"{missing} rows are missing, {twice} came twice, {len({*out} - {*at_player})} are unknown"
    return Report(stream, len(stage.columns[stream]), len(at_player), len(out), player.served[stream], fault)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
