"""Meltano project as it is shipped: the settings of its plugins, so that a plain pipe is measured with the same."""

from __future__ import annotations

from typing import Any

import yaml

from benchmarks.measure import ROOT

#: Jobs of the project.
JOB, BATCH_JOB = "tap-feedback-to-postgres", "tap-feedback-to-postgres-batch"


class Project:
    """The project in `meltano.yml`."""

    def __init__(self) -> None:
        read = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
        self._plugins = {plugin["name"]: plugin for kind in read["plugins"].values() for plugin in kind}
        self._jobs = {job["name"]: " ".join(job["tasks"]).split() for job in read["jobs"]}

    def plugins(self, job: str) -> list[str]:
        """Return the names of a job's plugins: the tap, and the target."""
        return self._jobs[job]

    def settings(self, plugin: str) -> dict[str, Any]:
        """Return the settings of a plugin with those that it inherits, without those that refer to the environment."""
        found = self._plugins[plugin]
        inherited = self.settings(found["inherit_from"]) if "inherit_from" in found else {}
        return merged(inherited, nested(found.get("config", {})))

    def variables(self, plugin: str) -> dict[str, str]:
        """Return the environment variables of a plugin with those that it inherits."""
        found = self._plugins[plugin]
        inherited = self.variables(found["inherit_from"]) if "inherit_from" in found else {}
        return {**inherited, **found.get("env", {})}


def nested(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as objects, whose names may be dotted, without those that refer to the environment."""
    made: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, str) and "$" in value:
            continue
        first, dot, rest = name.partition(".")
        if dot:
            made = merged(made, {first: nested({rest: value})})
        else:
            made = merged(made, {first: nested(value) if isinstance(value, dict) else value})
    return made


def merged(settings: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Return settings with others, which win."""
    made = dict(settings)
    for name, value in others.items():
        known = made.get(name)
        made[name] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return made
