"""Storage of states and receipts, which every machine that runs a load must reach."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol


class StateStore(Protocol):
    """JSON objects by name, as in `acme/sync`.

    On a cluster, use `FolderStore` on a shared volume, or write these three methods for an object store or a table. A
    write must replace the object as a whole.
    """

    def read(self, name: str) -> dict[str, Any] | None:
        """Return an object; None if it does not exist."""

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Create or replace an object."""

    def delete(self, name: str) -> None:
        """Delete an object, if it exists."""


class FolderStore:
    """Objects as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def read(self, name: str) -> dict[str, Any] | None:
        """Return an object; None if it does not exist."""
        try:
            text = self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        value: dict[str, Any] = json.loads(text)
        return value

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Create or replace an object. After a crash, the file has either the old or the new one."""
        path, text = self._path(name), json.dumps(value)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)

    def delete(self, name: str) -> None:
        """Delete an object, if it exists."""
        self._path(name).unlink(missing_ok=True)
