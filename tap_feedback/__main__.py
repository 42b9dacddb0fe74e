"""Entry point of `tap-feedback` and `python -m tap_feedback`."""

from __future__ import annotations

import gc
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def main() -> None:
    """Run the command. Until a sync handles signals itself, a signal ends the process without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit)
    # The imports take a quarter of a second, in which a signal may come, too. What they make is kept, so a collection
    # in that time would find nothing. The command enables collections.
    gc.disable()
    from tap_feedback.tap import TapFeedback  # noqa: PLC0415

    TapFeedback.cli()


def _exit(number: int, _: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
