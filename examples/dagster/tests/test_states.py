"""States are stored as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feedback_loads.states import FolderStore

if TYPE_CHECKING:
    from pathlib import Path


def test_objects(tmp_path: Path) -> None:
    """An object is written, read, replaced and deleted by its name."""
    store = FolderStore(tmp_path / "states")
    assert store.read("acme/sync") is None
    store.delete("acme/sync")
    store.write("acme/sync", {"bookmarks": {}})
    store.write("acme/sync", {"bookmarks": {"forums": {}}})
    assert store.read("acme/sync") == {"bookmarks": {"forums": {}}}
    store.delete("acme/sync")
    assert store.read("acme/sync") is None


def test_a_write_that_fails(tmp_path: Path) -> None:
    """The object before it is kept."""
    store = FolderStore(tmp_path)
    store.write("sync", {"place": 1})
    with pytest.raises(TypeError):
        store.write("sync", {"place": object()})
    assert store.read("sync") == {"place": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["sync.json"]
