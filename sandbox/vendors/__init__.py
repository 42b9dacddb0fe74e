"""Local players of vendors' APIs, each in the shape of the real one, with rows made from the columns of a preset."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from sandbox.vendors import apis
from sandbox.vendors.collection import Vendor
from sandbox.vendors.player import Player

__all__ = ["Player", "Vendor", "players", "vendor"]


def players() -> list[str]:
    """Return the names of all vendors that can be played."""
    return sorted(module.name for module in iter_modules(apis.__path__))


@cache
def vendor(name: str) -> Vendor:
    """Return what the API of a vendor is like.

    Raises:
        ModuleNotFoundError: It cannot be played.
    """
    found: Vendor = import_module(f"{apis.__name__}.{name}").VENDOR
    return found
