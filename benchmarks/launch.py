"""Launcher that measures a command: `python launch.py REPORT INTERVAL COMMAND …`.

It is a small separate process, as the peak memory of a process starts with that of its parent. If the interval is not
0, it also adds up the memory of all processes of the command, every so many seconds, which needs Linux.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from contextlib import suppress

MEMORY = re.compile(rb"^Pss: +(\d+) kB", re.MULTILINE)


def main(report: str, interval: float, command: list[str]) -> int:
    """Run the command, and return its exit code."""
    started = time.perf_counter()
    process = os.posix_spawnp(command[0], command, os.environ)
    peaks: dict[str, int] = {}
    over = threading.Event()
    sampler = threading.Thread(target=sample, args=(process, interval, over, peaks))
    if interval and sys.platform == "linux":
        sampler.start()
    _, status, used = os.wait4(process, 0)
    wall = time.perf_counter() - started
    over.set()
    # In bytes on macOS, in KiB elsewhere.
    memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    usage = {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "memory": peaks.pop("", memory), "programs": peaks}
    with open(report, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would add to the memory
        json.dump(usage, file)
    return os.waitstatus_to_exitcode(status) % 256


def sample(root: int, interval: float, over: threading.Event, peaks: dict[str, int]) -> None:
    """Put the peak memory of each program among a process and its descendants into `peaks`, and of all as `""`."""
    while not over.wait(interval):
        now = {"": 0}
        for process in tree(root):
            with suppress(OSError):  # it has ended
                name = read(process, "comm").decode().strip()
                found = MEMORY.search(read(process, "smaps_rollup"))
                size = int(found[1]) * 1024 if found else 0
                now[name] = now.get(name, 0) + size
                now[""] += size
        for name, size in now.items():
            peaks[name] = max(size, peaks.get(name, 0))


def tree(process: int) -> list[int]:
    """Return a process and its descendants."""
    found = [process]
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208 - as above
            for child in read(process, f"task/{thread}/children").split():
                found += tree(int(child))
    return found


def read(process: int, name: str) -> bytes:
    """Return the content of a process's file in `/proc`."""
    with open(f"/proc/{process}/{name}", "rb") as file:  # noqa: PTH123 - as above
        return file.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
