"""Batch files of syncs that fail or are ended: no part of a file, and no state beyond the files."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import fsspec  # type: ignore[import-untyped]
import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from tests.runs import TAP, Run, api, catalog_of, sync
from tests.server import Server
from tests.test_batches import batch, batches_of, forums, rows_of

if TYPE_CHECKING:
    from sandbox import Sandbox


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ("/dev/null/folder", "Not a directory"),
        ("/proc/folder", "No such file or directory"),
        ("nothing://bucket", "Unsupported filesystem: 'nothing'"),
        ("s3://bucket", "s3fs"),
    ],
)
def test_a_folder_that_cannot_be_used(sandbox: Sandbox, root: str, words: str) -> None:
    """The message names the setting, and no request is sent."""
    config = {**sandbox.config, "batch_config": batch(root)}
    run = sync(config)
    assert run.error is not None
    assert run.error.startswith("`batch_config.storage.root` cannot be used: ")
    assert words in run.error
    assert not sandbox.requests


def test_a_stream_that_fails_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    """What no message names is removed, and the bookmark stays."""
    pages = {"": {"forums": [{"id": 1, "updated_at": "2024-01-01T00:00:00Z"}], "pagination": {"cursor": "2"}}}
    with Server(lambda request: pages.get(request.query.get("cursor", ""), {"error": "gone"})) as server:
        config = {"analytics": api(server.url, retry={"max_retries": 0}), "batch_config": batch(tmp_path)}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert "forums" in run.failures
    assert not batches_of(run, "forums")
    assert not list(tmp_path.iterdir())
    assert "replication_key_value" not in run.state["bookmarks"].get("forums", {})


class Broken(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A remote storage that takes one file, then fails as drivers do, with a message that quotes a key."""

    protocol = "broken"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    error: ClassVar[Exception] = ValueError()

    def put_file(self, *args: Any, **kwargs: Any) -> None:
        """Take a file."""
        if self.store:
            raise self.error
        super().put_file(*args, **kwargs)


fsspec.register_implementation("broken", Broken)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("invalid: key=f00d"), "ValueError"),
        (OSError(5, "the storage does not know the key f00d"), "Input/output error"),
        (OSError("the storage does not know the key f00d"), "OSError"),
    ],
)
@pytest.mark.filterwarnings("ignore:UPath 'broken'")
def test_a_remote_folder_that_fails(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The stream fails, its bookmark stays, the files so far count, and the message quotes nothing of the driver's."""
    caplog.set_level("INFO")
    monkeypatch.setattr(Broken, "error", error)
    Broken.store.clear()
    rows = [{"id": each, "updated_at": f"2024-01-0{each}T00:00:00Z"} for each in (1, 2, 3)]
    with forums(*rows) as server:
        config = {"analytics": api(server.url), "batch_config": batch("broken://bucket", batch_size=2)}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.failures == {
        "forums": f"a batch file cannot be written ({reason}); check `batch_config.storage`",
    }
    assert [row["id"] for row in rows_of(run, "forums")] == [1, 2]
    assert '"metric":"batch_count","value":1' in caplog.text
    assert run.state == {"bookmarks": {"forums": {}}}


def test_a_file_that_vanishes_before_it_has_its_name(tmp_path: Path) -> None:
    """The stream fails with the reason, without a path, and its bookmark stays."""
    rows = [{"id": each, "updated_at": "2024-01-01T00:00:00Z", "name": "x" * 1000} for each in range(1000)]

    def respond(request: Any) -> dict[str, Any]:
        if "cursor" not in request.query:
            return {"forums": rows, "pagination": {"cursor": "2"}}
        while not (found := [path for path in tmp_path.iterdir() if "forums" in path.name]):
            time.sleep(0.005)
        found[0].unlink()
        return {"forums": [{**rows[0], "id": 1000}], "pagination": {}}

    with Server(respond) as server:
        config = {"analytics": api(server.url), "batch_config": batch(tmp_path)}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.failures == {
        "forums": "a batch file cannot be written (No such file or directory); check `batch_config.storage`"
    }
    assert run.state == {"bookmarks": {"forums": {}}}


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_full_disk(sandbox: Sandbox, tmp_path: Path, compression: str | None) -> None:
    """The streams fail with the reason, no state moves, and no part of a file is left."""
    folder = tmp_path / "batches"
    config = {**sandbox.config, "batch_config": batch(folder, compression)}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    done = subprocess.run(
        [TAP, "--config", tmp_path / "config.json"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert done.returncode == 1
    assert "forums failed: a batch file cannot be written (File too large); check `batch_config.storage`" in done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert {message["type"] for message in messages} == {"SCHEMA", "STATE"}
    assert not any("replication_key_value" in mark for mark in messages[-1]["value"]["bookmarks"].values())
    assert not list(folder.iterdir())


def test_a_signal_leaves_whole_files_only(sandbox: Sandbox, tmp_path: Path) -> None:
    """Each file is named and whole, and the last state covers no row of a file that was not."""
    folder = tmp_path / "batches"
    sandbox.latency = 0.02
    config = {**sandbox.config, "batch_config": batch(folder, batch_size=100)}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    with subprocess.Popen(
        [TAP, "--config", tmp_path / "config.json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as tap:
        while len(sandbox.requests) < 12 and tap.poll() is None:
            time.sleep(0.005)
        tap.send_signal(signal.SIGTERM)
        out, _ = tap.communicate(timeout=30)
    assert tap.returncode == 143
    run = Run(messages=[json.loads(line) for line in out.splitlines()])
    named = [path for message in run.messages if message["type"] == "BATCH" for path in message["manifest"]]
    assert sorted(path.name for path in folder.iterdir()) == sorted(Path(path).name for path in named)
    for name, mark in run.state["bookmarks"].items():
        if "replication_key_value" in mark:
            assert len(rows_of(run, name)) == 250


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_a_request_leaves_no_part_of_a_file(
    tmp_path: Path, compression: str | None, number: signal.Signals
) -> None:
    """The stream's own thread waits for the API, so it cannot remove its file."""
    rows = [{"id": each, "updated_at": "2024-01-01T00:00:00Z", "name": "x" * 1000} for each in range(1000)]

    def respond(request: Any) -> dict[str, Any]:
        if "cursor" in request.query:
            server.closing.wait(30)
        return {"forums": rows, "pagination": {"cursor": "2"}}

    folder = tmp_path / "batches"
    with Server(respond) as server:
        config = {"analytics": api(server.url), "batch_config": batch(folder, compression)}
        (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
        (tmp_path / "catalog.json").write_text(json.dumps(catalog_of(config, "forums")), "utf-8")
        with subprocess.Popen(
            [TAP, "--config", tmp_path / "config.json", "--catalog", tmp_path / "catalog.json"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as tap:
            while tap.poll() is None and not (
                folder.is_dir() and any("forums" in path.name for path in folder.iterdir())
            ):
                time.sleep(0.005)
            tap.send_signal(number)
            tap.wait(30)
    assert tap.returncode == 128 + number
    assert not list(folder.iterdir())
