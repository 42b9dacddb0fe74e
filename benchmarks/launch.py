"""Launcher that measures a command: `python launch.py REPORT COMMAND …`.

It is a small separate process, as the peak memory of a process starts with that of its parent.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(report: str, command: list[str]) -> int:
    """Run the command, and return its exit code."""
    started = time.perf_counter()
    _, status, used = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
    wall = time.perf_counter() - started
    # In bytes on macOS, in KiB elsewhere.
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would add to the memory
        json.dump({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "memory": memory}, file)
    return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
