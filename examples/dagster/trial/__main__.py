"""Command line of the trial: a backfill with kills, the same with one process, and one at a vendor with a limit."""

from __future__ import annotations

import signal
import sys
import tempfile
from datetime import date
from pathlib import Path

from demo.postgres import postgres
from feedback_loads.ranges import midnight
from sandbox import Limit
from trial.instance import Instance
from trial.kills import Kills
from trial.vendor import BACKFILL, HALF, TENANTS, change, vendor
from trial.warehouse import Comparison, compare

#: Seconds before each response: the limit of the backfill is the vendor, not the machine.
LATENCY = 1.0
#: Partitions that are killed in their middle, with their start, and whether Dagster's process is killed, not the tap.
VICTIMS = {
    "2020-07|acme": (date(2020, 7, 1), False),
    "2021-04|globex": (date(2021, 4, 1), False),
    "2020-10|initech": (date(2020, 10, 1), True),
}
#: Requests that the limited vendor allows in so many seconds; and how many the taps may send in a minute, a ninth less.
ALLOWED, PERIOD = 150, 20
PER_MINUTE = 400


def main() -> int:
    """Run the trial, and return the exit code: 0 if every row was loaded once and nothing failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="trial-") as name, postgres() as database:
        folder = Path(name)
        complete = [_with_kills(folder, database)]
        walls = {}
        for processes in (4, 1):
            loaded, walls[processes] = _timed(folder, database, processes)
            complete.append(loaded)
        print(f"\n4 processes are {walls[1] / walls[4]:.1f} times as fast as 1", flush=True)
        complete.append(_limited(folder, database))
    return 0 if all(complete) else 1


def _with_kills(folder: Path, database: str) -> bool:
    """Run the backfill with kills, then the regular syncs; return whether all rows are there."""
    with vendor(latency=LATENCY) as apis:
        instance = Instance(folder / "kills", apis, database, schema="kills", backfill=BACKFILL, processes=4)
        kills, changed = Kills(instance, apis, VICTIMS), list[int]()

        def meanwhile() -> None:
            kills()
            if not changed and len(instance.receipts) >= len(instance.partitions) / 2:
                changed.append(change(apis))

        _announce("Backfill with 4 processes, and kills of two taps and one run of Dagster", instance)
        wall = instance.backfill(meanwhile=meanwhile)
        print(f"\n{'partition':<16}{'attempts':>9}{'rows':>8}{'seconds':>9}")
        for partition, receipt in instance.receipts.items():
            print(f"{partition:<16}{receipt['attempts']:>9}{receipt['rows']:>8,}{receipt['seconds']:>9.1f}")
        print(f"{'all':<16}{'':>9}{instance.rows:>8,}{wall:>9.1f}, at most {instance.concurrent} at a time")
        print(f"\n{sum(changed)} rows changed meanwhile. The regular syncs continue from the handover", flush=True)
        for tenant in TENANTS:
            instance.sync(tenant)
        return _show(compare(database, apis, "kills")) and not kills.left


def _timed(folder: Path, database: str, processes: int) -> tuple[bool, float]:
    """Run the backfill with so many processes; return whether all rows are there, and the seconds."""
    schema = f"with_{processes}"
    with vendor(latency=LATENCY) as apis:
        instance = Instance(folder / schema, apis, database, schema=schema, backfill=BACKFILL, processes=processes)
        _announce(f"Backfill without kills, number of processes: {processes}", instance)
        wall = instance.backfill()
        print(f"{instance.rows:,} rows in {wall:.1f} s, at most {instance.concurrent} at a time; up to its end:")
        return _show(compare(database, apis, schema, before=midnight(instance.ranges[-1].end))), wall


def _limited(folder: Path, database: str) -> bool:
    """Run half of the backfill at a vendor with a limit; return whether each first attempt succeeded, with all rows."""
    limit = Limit(ALLOWED, PERIOD)
    with vendor(latency=0, limit=limit) as apis:
        instance = Instance(
            folder / "limited",
            apis,
            database,
            schema="limited",
            backfill=HALF,
            processes=4,
            requests_per_minute=PER_MINUTE,
        )
        allowed = f"{PER_MINUTE} of the {ALLOWED * 60 // PERIOD} requests a minute that the vendor allows"
        _announce(f"Backfill with 4 processes that share {allowed}", instance)
        wall = instance.backfill()
        requests = sum(len(sandbox.requests) for sandbox in apis.values())
        complete = _show(compare(database, apis, "limited", before=midnight(instance.ranges[-1].end)))
    attempts: int = sum(receipt["attempts"] for receipt in instance.receipts.values())
    print(f"{attempts} attempts, {requests:,} requests in {wall:.1f} s, of which the vendor refused {limit.refused}")
    return complete and attempts == len(instance.partitions)


def _announce(what: str, instance: Instance) -> None:
    print(f"\n{what}: {len(instance.partitions)} partitions", flush=True)


def _show(found: Comparison) -> bool:
    print(f"{found.at_the_vendor:,} rows at the vendor, {found.loaded:,} in the warehouse,", end=" ")
    print(f"{found.missing} missing, {found.surplus} twice or out of date", flush=True)
    return not found.missing and not found.surplus


if __name__ == "__main__":
    sys.exit(main())
