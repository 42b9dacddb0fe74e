"""Settings of the loads: the tenants, how their history is split, and the target."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from feedback_loads.ranges import Range, ranges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Environment variable with the path of the settings.
VARIABLE = "FEEDBACK_LOADS"
#: Names are parts of file names, of partition keys and of schemas in the warehouse.
NAME = re.compile(r"[A-Za-z0-9_-]+")


class SettingsError(ValueError):
    """A setting is missing or wrong. The message names it."""


@dataclass(frozen=True)
class Tenant:
    """An account at a vendor.

    Args:
        name: Its name.
        config: The tap's settings, without keys. A `start_date` applies to the backfill as well.
        keys: Environment variable with the key of each API, as in `{"analytics": "ACME_KEY"}`.
        streams: Streams to load; None for those that the tap selects.
        group: Name of the tenants that share a limit at a vendor; by default the host of the API.
    """

    name: str
    config: Mapping[str, Any]
    keys: Mapping[str, str] = field(default_factory=dict)
    streams: Sequence[str] | None = None
    group: str = ""

    @property
    def start(self) -> datetime | None:
        """The `start_date` in the tap's settings.

        Raises:
            SettingsError: It is not a date or date-time.
        """
        text = self.config.get("start_date")
        if not text:
            return None
        try:
            start = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise SettingsError(f"`tenants.{self.name}.config.start_date` is not a date or date-time") from None
        return start if start.tzinfo else start.replace(tzinfo=timezone.utc)

    @property
    def pool(self) -> str:
        """The group as a name that Dagster allows for a pool and an asset."""
        return re.sub(r"\W+", "_", self.group or _host(self.config))


def _host(config: Mapping[str, Any]) -> str:
    """Return the host of the first API in the tap's settings, or its vendor."""
    for api in config.values():
        if isinstance(api, dict):
            return urlsplit(api.get("base_url", "")).netloc or str(api.get("vendor", ""))
    return ""


@dataclass(frozen=True)
class Settings:
    """The settings in a file.

    Args:
        tenants: The tenants by name.
        ranges: The ranges of the backfill; empty if there is no backfill.
        tap: Command of the tap.
        target: Command of the target.
        target_config: Settings of the target. `{tenant}` in a text is replaced by the name of the tenant.
        target_environment: Environment variables of the target.
        states: Folder of the states.
        schedule: When the regular syncs run, as a cron expression in UTC.
    """

    tenants: Mapping[str, Tenant]
    ranges: Sequence[Range]
    tap: Sequence[str]
    target: Sequence[str]
    target_config: Mapping[str, Any]
    target_environment: Mapping[str, str]
    states: Path
    schedule: str

    @property
    def pools(self) -> dict[str, list[Tenant]]:
        """The tenants of each pool."""
        pools: dict[str, list[Tenant]] = {}
        for tenant in self.tenants.values():
            pools.setdefault(tenant.pool, []).append(tenant)
        return pools

    def range(self, name: str) -> Range:
        """Return the range of this name.

        Raises:
            SettingsError: There is no such range.
        """
        for each in self.ranges:
            if each.name == name:
                return each
        raise SettingsError(f"`backfill` has no range {name}")


def read_settings(path: Path | None = None) -> Settings:
    """Return the settings in a file.

    Args:
        path: Its path; None for the one in the environment variable FEEDBACK_LOADS, or `tenants.json`.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    path = path or Path(os.environ.get(VARIABLE, "tenants.json"))
    return settings_of(json.loads(path.read_text(encoding="utf-8")), path.parent)


def settings_of(given: Mapping[str, Any], folder: Path) -> Settings:
    """Return the settings in a JSON value.

    Args:
        given: The value.
        folder: The folder that a relative path of the states starts from.

    Raises:
        SettingsError: A setting is missing or wrong.
    """
    known = {"tenants", "backfill", "tap", "target", "states", "schedule"}
    _check("", given, known, required={"tenants", "target"})
    target = given["target"]
    _check("target.", target, {"command", "config", "environment"}, required={"command"})
    return Settings(
        tenants={name: _tenant(name, tenant) for name, tenant in given["tenants"].items()},
        ranges=tuple(_ranges(given.get("backfill"))),
        tap=given.get("tap", ["tap-feedback"]),
        target=target["command"],
        target_config=target.get("config", {}),
        target_environment=target.get("environment", {}),
        states=folder / given.get("states", "states"),
        schedule=given.get("schedule", "0 * * * *"),
    )


def _tenant(name: str, given: Mapping[str, Any]) -> Tenant:
    if not NAME.fullmatch(name):
        raise SettingsError(f"`tenants.{name}` is not a name: use letters, digits, `-` and `_`")
    _check(f"tenants.{name}.", given, {each.name for each in fields(Tenant)} - {"name"}, required={"config"})
    tenant = Tenant(name, **given)
    if not tenant.pool:
        raise SettingsError(f"`tenants.{name}` has no address; set `group`, or the `base_url` of its API")
    if tenant.config.get("end_date"):
        raise SettingsError(f"`tenants.{name}.config.end_date` would end its regular sync; remove it")
    return tenant


def _ranges(given: Mapping[str, Any] | None) -> list[Range]:
    if given is None:
        return []
    _check("backfill.", given, {"start", "end", "months"}, required={"start", "end"})
    try:
        return list(
            ranges(date.fromisoformat(given["start"]), date.fromisoformat(given["end"]), given.get("months", 3))
        )
    except ValueError as error:
        raise SettingsError(f"`backfill` is wrong: {error}") from None


def _check(place: str, given: Mapping[str, Any], known: set[str], *, required: set[str]) -> None:
    for name in sorted(given.keys() - known):
        raise SettingsError(f"`{place}{name}` is not a setting")
    for name in sorted(required - given.keys()):
        raise SettingsError(f"`{place}{name}` is missing")
