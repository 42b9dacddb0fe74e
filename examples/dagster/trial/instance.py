"""Instance of Dagster in a temporary folder: its daemon, a backfill and the regular syncs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback_loads.states import FolderStore
from feedback_loads.tenants import read_settings
from trial.vendor import POOL, keys, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trial.vendor import Vendor

HERE = Path(__file__).parents[1]
DAGSTER = HERE / ".venv" / "bin"
TARGET = HERE / ".venv-target" / "bin" / "target-postgres"
TAP = HERE.parents[1] / ".venv" / "bin" / "tap-feedback"
MODULE = ("-m", "feedback_loads.project")
#: Seconds after which a backfill counts as failed.
TIMEOUT = 900


class Instance:
    """Dagster with its own home, states and settings.

    Args:
        folder: An empty folder.
        apis: The vendor.
        database: URI of the warehouse.
        schema: Beginning of the names of the schemas.
        backfill: The ranges.
        processes: The limit of the pool.
        requests_per_minute: The vendor's limit; None for none.
    """

    def __init__(
        self,
        folder: Path,
        apis: Vendor,
        database: str,
        *,
        schema: str,
        backfill: Mapping[str, Any],
        processes: int,
        requests_per_minute: int | None = None,
    ) -> None:
        self.store = FolderStore(folder / "states")
        self._folder = folder
        home = folder / "home"
        home.mkdir(parents=True)
        text = (HERE / "home" / "dagster.yaml").read_text(encoding="utf-8")
        (home / "dagster.yaml").write_text(
            re.sub(r"(default_limit|\blimit): .*", rf"\1: {processes}", text), encoding="utf-8"
        )
        given = json.loads((HERE / "tenants.json").read_text(encoding="utf-8"))
        given["target"]["config"]["default_target_schema"] = f"{schema}_{{tenant}}"
        given["target"]["command"][0] = str(TARGET)
        given |= {"tap": [str(TAP)], "backfill": backfill, "states": "states"}
        given["tenants"] = settings(apis, requests_per_minute=requests_per_minute)
        (folder / "tenants.json").write_text(json.dumps(given), encoding="utf-8")
        self.ranges = read_settings(folder / "tenants.json").ranges
        #: As in `2020-01|acme`.
        self.partitions = [f"{each.name}|{tenant}" for tenant in apis for each in self.ranges]
        self._environment = {
            **os.environ,
            **keys(apis),
            "DAGSTER_HOME": str(home),
            "FEEDBACK_LOADS": str(folder / "tenants.json"),
            "TARGET_POSTGRES_SQLALCHEMY_URL": database.replace("://", "+psycopg://", 1),
        }

    @contextmanager
    def _daemon(self) -> Iterator[None]:
        """Run Dagster's daemon, which starts the queued runs."""
        with (self._folder / "daemon.log").open("wb") as log:
            process = subprocess.Popen(
                [DAGSTER / "dagster-daemon", "run", *MODULE],
                cwd=HERE,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that one signal ends the runs as well
            )
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def backfill(self, *, meanwhile: Callable[[], None] = lambda: None) -> float:
        """Run the backfill to its end, and return the seconds that it took from the start of the daemon on.

        Args:
            meanwhile: Called several times a second.

        Raises:
            TimeoutError: Partitions were left when the time was over.
        """
        # Before the daemon, as the first process creates Dagster's databases.
        self._dagster("sensor", "start", *MODULE, f"{POOL}_backfill_sensor")
        started = time.monotonic()
        with self._daemon():
            while left := [partition for partition in self.partitions if not self._receipt(partition)]:
                if time.monotonic() - started > TIMEOUT:
                    raise TimeoutError(f"not loaded: {', '.join(left)}; see {self._folder}/daemon.log")
                meanwhile()
                time.sleep(0.1)
            return time.monotonic() - started

    @property
    def receipts(self) -> dict[str, dict[str, Any]]:
        """The receipts of partitions that are complete."""
        return {partition: found for partition in self.partitions if (found := self._receipt(partition))}

    @property
    def rows(self) -> int:
        """How many rows the last attempts have read."""
        return sum(receipt["rows"] for receipt in self.receipts.values())

    @property
    def concurrent(self) -> int:
        """How many loads ran concurrently, counting the last attempts."""
        runs: list[tuple[float, float]] = [
            (receipt["started"], receipt["started"] + receipt["seconds"]) for receipt in self.receipts.values()
        ]
        return max(sum(start <= moment < end for start, end in runs) for moment, _ in runs)

    def attempt(self, partition: str) -> dict[str, Any] | None:
        """Return the last attempt to load a partition."""
        name, _, tenant = partition.partition("|")
        return self.store.read(f"{tenant}/backfill/{name}.attempt")

    def _receipt(self, partition: str) -> dict[str, Any] | None:
        """Return the receipt of a partition, if it is complete."""
        name, _, tenant = partition.partition("|")
        return self.store.read(f"{tenant}/backfill/{name}.complete")

    def sync(self, tenant: str) -> None:
        """Run the regular sync of a tenant."""
        self._dagster("asset", "materialize", *MODULE, "--select", f"{POOL}/sync", "--partition", tenant)

    def _dagster(self, *arguments: str) -> None:
        """Run a command of Dagster to its end.

        Raises:
            SystemExit: It failed.
        """
        done = subprocess.run(
            [DAGSTER / "dagster", *arguments],
            cwd=HERE,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{done.stdout}\ndagster {' '.join(arguments)} failed with exit code {done.returncode}")
