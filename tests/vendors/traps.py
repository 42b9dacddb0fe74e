"""Settings of presets without which a vendor would silently lose rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.vendors.stages import NAMES, stage_of
from tools.playing import Stage

if TYPE_CHECKING:
    from sandbox.vendors import Player
    from tools.playing import Played

Change = dict[str, Any]


@dataclass(frozen=True)
class Trap:
    """A setting that a preset must have.

    Args:
        stream: The stream that would lose rows.
        change: The setting, taken away (None) or with another value; relative to the stream if it begins with a dot.
        failure: What the stream says without the setting; empty if it just loses rows.
    """

    stream: str
    change: Change
    failure: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def vendor(self) -> str:
        """The vendor's name."""
        return next(name for name in NAMES if self.stream.startswith(name))

    def without(self) -> Stage:
        """The preset without the setting."""
        change = {
            f"streams.{self.stream}{path}" if path.startswith(".") else path: value
            for path, value in self.change.items()
        }
        return Stage(self.vendor, change)


def read(stage: Stage, stream: str, **more: Any) -> tuple[Player, Played]:
    """Sync one stream from a player that is as `more` says."""
    with stage.player(few=stream in stage.parents, **more) as player:
        return player, stage.play(player, stream)


def check(trap: Trap) -> None:
    """Check that a stream is read whole, and that it is not if the setting is taken away."""
    player, played = read(stage_of(trap.vendor), trap.stream, **trap.more)
    assert (played.failures, played.error) == ({}, None)
    assert played.names(trap.stream) == player.names(trap.stream)
    player, played = read(trap.without(), trap.stream, **trap.more)
    if trap.failure:
        assert trap.failure in (played.failures.get(trap.stream) or played.error or "")
    else:
        assert {*played.names(trap.stream)} < {*player.names(trap.stream)}
