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
from trial.vendor import BACKFILL, POOL, keys, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
        processes: int,
        requests_per_minute: int | None = None,
    ) -> None:
        self.store = FolderStore(folder / "states")
        self._folder = folder
        home = folder / "home"
        home.mkdir(parents=True)
        text = (HERE / "home" / "dagster.yaml").read_text(encoding="utf-8")
        (home / "dagster.yaml").write_text(
            re.sub("default_limit: .*", f"default_limit: {processes}", text), encoding="utf-8"
        )
        given = json.loads((HERE / "tenants.json").read_text(encoding="utf-8"))
        given["target"]["config"]["default_target_schema"] = f"{schema}_{{tenant}}"
        given["target"]["command"][0] = str(TARGET)
        given |= {"tap": [str(TAP)], "backfill": BACKFILL, "states": "states"}
        given["tenants"] = settings(apis, requests_per_minute=requests_per_minute)
        (folder / "tenants.json").write_text(json.dumps(given), encoding="utf-8")
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

    def backfill(self, partitions: list[str], *, meanwhile: Callable[[], None] = lambda: None) -> float:
        """Run a backfill to its end, and return the seconds that it took from the start of the daemon on.

        Args:
            partitions: Its partitions, as in `2020-01|acme`.
            meanwhile: Called several times a second.

        Raises:
            TimeoutError: Partitions were left when the time was over.
        """
        # Before the daemon, as the first process creates Dagster's databases.
        job = f"{POOL}_backfill"
        self._dagster("job", "backfill", *MODULE, "-j", job, "--partitions", ",".join(partitions), "--noprompt")
        started = time.monotonic()
        with self._daemon():
            while left := [partition for partition in partitions if not self.receipt(partition)]:
                if time.monotonic() - started > TIMEOUT:
                    raise TimeoutError(f"not loaded: {', '.join(left)}; see {self._folder}/daemon.log")
                meanwhile()
                time.sleep(0.1)
            return time.monotonic() - started

    def attempt(self, partition: str) -> dict[str, Any] | None:
        """Return the last attempt to load a partition."""
        name, _, tenant = partition.partition("|")
        return self.store.read(f"{tenant}/backfill/{name}.attempt")

    def receipt(self, partition: str) -> dict[str, Any] | None:
        """Return the receipt of a partition, if it is complete."""
        name, _, tenant = partition.partition("|")
        return self.store.read(f"{tenant}/backfill/{name}.complete")

    def receipts(self, partitions: list[str]) -> dict[str, dict[str, Any]]:
        """Return the receipts of partitions that are complete."""
        return {partition: found for partition in partitions if (found := self.receipt(partition))}

    def rows(self, partitions: list[str]) -> int:
        """Return how many rows the last attempts have read."""
        return sum(receipt["rows"] for receipt in self.receipts(partitions).values())

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
