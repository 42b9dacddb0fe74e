"""Vendor of the trial: an API for each of three tenants."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from sandbox import Limit, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANTS = ("acme", "globex", "initech")
#: Two years in quarters, for which the APIs have rows, and some more for the regular sync; and half of them.
BACKFILL = {"start": "2020-01-01", "end": "2022-01-01", "months": 3}
HALF = {**BACKFILL, "end": "2021-01-01"}
ROWS, SNAPSHOT_ROWS = 6_000, 300
#: The name of the pool that all three share.
POOL = "sandbox"

Vendor = dict[str, Sandbox]


@contextmanager
def vendor(*, latency: float, limit: Limit | None = None) -> Iterator[Vendor]:
    """Run the APIs, and yield them by tenant.

    Args:
        latency: Seconds before each response.
        limit: Limit that the tenants share.
    """
    with ExitStack() as stack:
        apis = {
            name: stack.enter_context(
                Sandbox(rows=ROWS, rows_of={"feedback_data": SNAPSHOT_ROWS}, seed=seed, latency=latency)
            )
            for seed, name in enumerate(TENANTS)
        }
        for sandbox in apis.values():
            sandbox.limit = limit
        yield apis


def settings(apis: Vendor, *, requests_per_minute: int | None) -> dict[str, Any]:
    """Return the tenants as in tenants.json: a stream that has no range, and six that have."""
    return {
        name: {
            "group": POOL,
            "keys": {api: f"{name}_{api}_key".upper() for api in ("feedback", "analytics")},
            "config": {
                api: {"base_url": sandbox.url, "requests_per_minute": requests_per_minute}
                for api in ("feedback", "analytics")
            },
        }
        for name, sandbox in apis.items()
    }


def keys(apis: Vendor) -> dict[str, str]:
    """Return the environment variables with the keys."""
    return {
        f"{name}_{api}_key".upper(): sandbox.keys[api]
        for name, sandbox in apis.items()
        for api in ("feedback", "analytics")
    }


def change(apis: Vendor) -> int:
    """Change old rows and add new ones, as happens during a backfill; return their number."""
    for sandbox in apis.values():
        for index in range(0, ROWS, 600):
            sandbox.update("suggestions", index)
        sandbox.add("suggestions", 5)
    return len(apis) * (ROWS // 600 + 5)
