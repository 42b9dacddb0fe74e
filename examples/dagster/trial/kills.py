"""Kills of processes in the middle of a partition."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from feedback_loads.ranges import moment

if TYPE_CHECKING:
    from datetime import date

    from trial.instance import Instance
    from trial.vendor import Vendor

#: Number of requests for a partition after which its tap is killed; it needs 49 in all.
MIDDLE = 20


class Kills:
    """Kills a process of some partitions by SIGKILL, each once.

    Args:
        instance: Where the partitions run.
        apis: The vendor.
        victims: For each partition, its start and whether Dagster's process is killed, not the tap.
    """

    def __init__(self, instance: Instance, apis: Vendor, victims: dict[str, tuple[date, bool]]) -> None:
        self._instance, self._apis = instance, apis
        self.left = dict(victims)

    def __call__(self) -> None:
        """Kill what is in its middle now."""
        for partition, (start, is_run) in list(self.left.items()):
            attempt = self._instance.attempt(partition)
            sandbox = self._apis[partition.partition("|")[2]]
            wanted = ("updated_after", moment(start))
            if attempt and sum(wanted in request.query for request in sandbox.requests) >= MIDDLE:
                os.kill(_parent(attempt["process"]) if is_run else attempt["process"], signal.SIGKILL)
                del self.left[partition]


def _parent(process: int) -> int:
    """Return the parent of a process."""
    command = ["ps", "-o", "ppid=", "-p", str(process)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
