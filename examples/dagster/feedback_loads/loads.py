"""Loads: the regular sync of a tenant, and one range of its backfill."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedback_loads import pipe
from feedback_loads.catalog import discover, schema_messages, selected, splittable
from feedback_loads.handover import handover, receipt, receipt_name
from feedback_loads.limits import shared
from feedback_loads.log import Log
from feedback_loads.pipe import Command
from feedback_loads.ranges import is_over, midnight, moment
from feedback_loads.tenants import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedback_loads.catalog import Catalog
    from feedback_loads.states import StateStore
    from feedback_loads.tenants import Settings, Tenant

#: The only variable of the tap that is taken over.
LOG_LEVEL = "TAP_FEEDBACK_LOGLEVEL"
#: How often to try to create the tables. Concurrent processes may all create the same table, and all but one fail.
TRIES = 5


class LoadError(Exception):
    """A load failed."""


@dataclass(frozen=True)
class Result:
    """What a load did.

    Args:
        log: What is worth keeping of the tap's log.
        started: When it started, in seconds since 1970.
        wall: Its duration in seconds.
        attempt: Its number among the attempts to load the same, beginning with 1.
        state: The last state.
    """

    log: Log
    started: float
    wall: float
    attempt: int
    state: dict[str, Any]


class Loader:
    """Runs the loads of a tenant.

    Args:
        settings: The settings.
        tenant: The tenant.
        store: The storage of states.
        processes: Maximum number of concurrent processes that share the tenant's limit; None if it is not limited.
        echo: Receives each line of the logs.
    """

    def __init__(
        self,
        settings: Settings,
        tenant: Tenant,
        store: StateStore,
        *,
        processes: int | None,
        echo: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._tenant = tenant
        self._store = store
        self._config = shared(dict(tenant.config), processes)
        self._echo = echo

    def sync(self) -> Result:
        """Run the regular sync, from the last state on that the target stored, or from the handover on.

        Raises:
            BackfillIncompleteError: The backfill is not complete.
            LoadError: The sync failed. The state of the streams that are complete is kept.
        """
        name = f"{self._tenant.name}/sync"
        state = self._store.read(name) or handover(self._store, self._tenant.name, self._settings.ranges)
        with tempfile.TemporaryDirectory() as folder:
            catalog = selected(discover(self._tap(Path(folder), self._config)), self._tenant.streams)
            return self._run(Path(folder), self._config, catalog, name, state)

    def backfill(self, range_name: str) -> Result:
        """Load one range. If an attempt failed, continue from its state; if the range is complete, load it again.

        Raises:
            LoadError: The range failed.
            SettingsError: The range is not over, so rows would come into it later.
        """
        each, tenant = self._settings.range(range_name), self._tenant.name
        if not is_over(each.end):
            raise SettingsError(f"`backfill`: {range_name} ends on {each.end}; run it after that day")
        name = f"{tenant}/backfill/{range_name}"
        if self._store.read(receipt_name(tenant, each)):
            self._store.delete(name)
            self._store.delete(f"{name}.attempt")
            self._store.delete(receipt_name(tenant, each))
        config, start = {**self._config, "end_date": moment(each.end)}, self._tenant.start
        # The first range has no start other than the tenant's, so that it contains the rows before it.
        if each != self._settings.ranges[0] and not (start and start > midnight(each.start)):
            config["start_date"] = moment(each.start)
        catalog = self._tables()
        if start and start >= midnight(each.end):
            result = Result(Log(), time.time(), 0, 1, {})  # the tenant has no rows in this range
        else:
            with tempfile.TemporaryDirectory() as folder:
                result = self._run(Path(folder), config, catalog, name, self._store.read(name) or {})
        figures = {"attempts": result.attempt, "started": result.started, "seconds": result.wall}
        rows = result.log.rows.total()
        self._store.write(receipt_name(tenant, each), receipt(each, splittable(catalog), rows=rows, **figures))
        return result

    def _tables(self) -> Catalog:
        """Return the catalog of the backfill, for which the target has created the tables.

        Raises:
            LoadError: The target failed.
        """
        text = json.dumps([self._tenant.config, self._tenant.streams], sort_keys=True)
        name = f"{self._tenant.name}/catalogs/{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if known := self._store.read(name):
            return known
        with tempfile.TemporaryDirectory() as folder:
            catalog = selected(discover(self._tap(Path(folder), self._config)), self._tenant.streams)
            catalog = selected(catalog, list(splittable(catalog)))
            target = self._target(Path(folder))
            if all(pipe.feed(target, schema_messages(catalog)) for _ in range(TRIES)):
                raise LoadError(f"{self._tenant.name}: the target could not create the tables")
        self._store.write(name, catalog)
        return catalog

    def _run(self, folder: Path, config: dict[str, Any], catalog: Catalog, name: str, state: dict[str, Any]) -> Result:
        """Run the pipe, and keep each state that the target has stored."""
        for file, value in (("catalog", catalog), ("state", state)):
            (folder / f"{file}.json").write_text(json.dumps(value), encoding="utf-8")
        tap = self._tap(
            folder, config, "--catalog", str(folder / "catalog.json"), "--state", str(folder / "state.json")
        )
        log, states = Log(), [state]
        attempt = (self._store.read(f"{name}.attempt") or {"attempt": 0})["attempt"] + 1

        def on_start(process: int) -> None:
            self._store.write(f"{name}.attempt", {"attempt": attempt, "host": socket.gethostname(), "process": process})

        def on_state(value: dict[str, Any]) -> None:
            self._store.write(name, value)
            states[:] = [value]

        def on_line(process: str, line: str) -> None:
            if process == "tap":
                log.add(line)
            self._echo(f"{process}: {line}")

        started = time.time()
        try:
            pipe.run(tap, self._target(folder), on_start=on_start, on_state=on_state, on_line=on_line)
        except pipe.PipeError as error:
            raise LoadError("; ".join([f"{name}: {error}", *log.errors])) from None
        return Result(log, started, time.time() - started, attempt, states[0])

    def _tap(self, folder: Path, config: dict[str, Any], *arguments: str) -> Command:
        """Return the tap's command. The keys are only in its environment, and no file contains them."""
        path = folder / "tap.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        environment = {
            name: value
            for name, value in self._environment().items()
            if not name.startswith("TAP_FEEDBACK_") or name == LOG_LEVEL
        }
        for api, variable in self._tenant.keys.items():
            if variable not in os.environ:
                raise SettingsError(f"`tenants.{self._tenant.name}.keys.{api}`: the variable {variable} is not set")
            environment[f"TAP_FEEDBACK_{api.upper()}_API_KEY"] = os.environ[variable]
        return Command([*self._settings.tap, "--config", str(path), "--config=ENV", *arguments], environment)

    def _target(self, folder: Path) -> Command:
        """Return the target's command."""
        path = folder / "target.json"
        config = {
            key: value.replace("{tenant}", self._tenant.name) if isinstance(value, str) else value
            for key, value in self._settings.target_config.items()
        }
        path.write_text(json.dumps(config), encoding="utf-8")
        environment = {**self._environment(), **self._settings.target_environment}
        return Command([*self._settings.target, "--config", str(path)], environment)

    def _environment(self) -> dict[str, str]:
        """Return this process's environment without the keys of any tenant."""
        keys = {variable for tenant in self._settings.tenants.values() for variable in tenant.keys.values()}
        return {name: value for name, value in os.environ.items() if name not in keys}
