"""Share of a vendor's limit that each of several concurrent processes may use."""

from __future__ import annotations

from typing import Any

from feedback_loads.tenants import SettingsError

LIMIT = "requests_per_minute"


def shared(config: dict[str, Any], processes: int | None) -> dict[str, Any]:
    """Return the tap's settings with each `requests_per_minute` divided by a number of processes.

    Args:
        config: The settings of the tap, with the limits of the vendor.
        processes: Maximum number of processes that share these limits; None if it is not limited.

    Raises:
        SettingsError: A limit cannot be divided.
    """
    divided = {}
    for name, value in config.items():
        if name == LIMIT and value is not None:
            if processes is None:
                raise SettingsError(f"`{LIMIT}` cannot be shared, as the pool has no limit; set one in dagster.yaml")
            # In a minute that begins with a request, a process sends one more than its rate.
            share = value // processes - 1 if processes > 1 else value
            if share < 1:
                raise SettingsError(f"`{LIMIT}` is {value}, too few for {processes} processes; lower the pool's limit")
            divided[name] = share
        else:
            divided[name] = shared(value, processes) if isinstance(value, dict) else value
    return divided
