"""Batch files: whole, valid, as configured, named before the state that covers them, and never removed."""

from __future__ import annotations

import gzip
import json
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec  # type: ignore[import-untyped]
import pytest

from tests.configs import STREAMS
from tests.runs import TAP, Run, api, catalog_of, sync
from tests.server import Drip, RecordedRequest, Server

if TYPE_CHECKING:
    from sandbox import Sandbox

NAMES = [stream for streams in STREAMS.values() for stream in streams]


def batch(root: object, compression: str | None = None, **settings: Any) -> dict[str, Any]:
    """Settings of batch files."""
    return {"encoding": {"format": "jsonl", "compression": compression}, "storage": {"root": str(root)}, **settings}


def content(path: str, compression: str | None) -> list[dict[str, Any]]:
    """The records of a file, read as its BATCH message says."""
    with fsspec.open(path, "rb") as file:
        whole = file.read()
    return [json.loads(line) for line in (gzip.decompress(whole) if compression == "gzip" else whole).splitlines()]


def batches_of(run: Run, stream: str) -> list[list[dict[str, Any]]]:
    """The records of each file of a stream."""
    return [
        content(path, message["encoding"].get("compression"))
        for message in run.messages
        if message["type"] == "BATCH" and message["stream"] == stream
        for path in message["manifest"]
    ]


def rows_of(run: Run, stream: str) -> list[dict[str, Any]]:
    """The records of all files of a stream."""
    return [row for rows in batches_of(run, stream) for row in rows]


def forums(*rows: dict[str, Any]) -> Server:
    """A server with one page of forums."""
    return Server(lambda request: {"forums": [*rows]})


@pytest.mark.parametrize("compression", ["gzip", "none", None])
def test_files_hold_what_records_would(sandbox: Sandbox, tmp_path: Path, compression: str | None) -> None:
    """Eight streams come in files as they come in RECORD messages, compressed only if that is set."""
    plain = sync(sandbox.config)
    run = sync({**sandbox.config, "batch_config": batch(tmp_path / "new" / "folder", compression)})
    assert run.error is None
    for name in NAMES:
        assert rows_of(run, name) == plain.records(name), name
        assert not run.records(name)
    assert run.state["bookmarks"].keys() == plain.state["bookmarks"].keys()
    assert {path.suffix for path in (tmp_path / "new" / "folder").iterdir()} == {
        ".gz" if compression == "gzip" else ".jsonl"
    }


def test_a_batch_comes_between_its_schema_and_the_state_that_covers_it(sandbox: Sandbox, tmp_path: Path) -> None:
    """A target that stops at any message has every row that its last state covers."""
    run = sync({**sandbox.config, "batch_config": batch(tmp_path, batch_size=100)})
    rows, announced = dict.fromkeys(NAMES, 0), set()
    for message in run.messages:
        if message["type"] == "SCHEMA":
            announced.add(message["stream"])
        elif message["type"] == "BATCH":
            assert message["stream"] in announced
            rows[message["stream"]] += sum(len(content(path, None)) for path in message["manifest"])
        else:
            done = {name for name, mark in message["value"]["bookmarks"].items() if "replication_key_value" in mark}
            assert all(rows[name] == 250 for name in done)
    assert set(rows.values()) == {250}


@pytest.mark.parametrize("rows", [[], [{"id": 1, "updated_at": "2024-01-01T00:00:00Z"}]])
def test_a_stream_without_rows_has_no_file(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """It has its SCHEMA all the same."""
    with forums(*rows) as server:
        config = {"analytics": api(server.url), "batch_config": batch(tmp_path)}
        run = sync(config, catalog=catalog_of(config, "forums"))
    kinds = [message["type"] for message in run.messages if message["type"] != "STATE"]
    assert kinds == ["SCHEMA", *(["BATCH"] if rows else [])]
    assert len(list(tmp_path.iterdir())) == len(rows)


@pytest.mark.parametrize(("size", "files"), [(1, 250), (99, 3), (100, 3), (250, 1), (1000, 1)])
def test_a_file_has_at_most_so_many_rows(sandbox: Sandbox, tmp_path: Path, size: int, files: int) -> None:
    """Rows go on in the next file, in their order."""
    config = {**sandbox.config, "batch_config": batch(tmp_path, batch_size=size)}
    run = sync(config, catalog=catalog_of(config, "forums"))
    found = batches_of(run, "forums")
    assert [len(rows) for rows in found] == [size] * (250 // size) + [250 % size] * (250 % size > 0)
    assert len(found) == files
    assert [row["id"] for row in rows_of(run, "forums")] == [row["id"] for row in sandbox.rows("forums")]


def test_a_file_is_bounded_in_bytes(tmp_path: Path) -> None:
    """A target holds a whole file in memory."""
    rows = [{"id": number, "updated_at": "2024-01-01T00:00:00Z", "name": "x" * 10**6} for number in range(80)]

    def respond(request: Any) -> dict[str, Any]:
        start = int(request.query.get("cursor", "0"))
        return {"forums": rows[start : start + 10], "pagination": {"cursor": str(start + 10)} if start < 70 else {}}

    with Server(respond) as server:
        config = {"analytics": api(server.url), "batch_config": batch(tmp_path)}
        run = sync(config, catalog=catalog_of(config, "forums"))
    assert [row["id"] for row in rows_of(run, "forums")] == [row["id"] for row in rows]
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) < 50 * 1024 * 1024


def test_stream_maps_have_files_each(sandbox: Sandbox, tmp_path: Path) -> None:
    """A stream that is mapped twice comes twice, each time as its map makes it."""
    maps = {"forums": {"__filter__": "id % 2 == 0"}, "other": {"__source__": "forums", "double": "id * 2"}}
    config = {**sandbox.config, "batch_config": batch(tmp_path), "stream_maps": maps}
    run = sync(config, catalog=catalog_of(sandbox.config, "forums"))
    ids = [row["id"] for row in sandbox.rows("forums")]
    assert [row["id"] for row in rows_of(run, "forums")] == [number for number in ids if number % 2 == 0]
    assert [row["double"] for row in rows_of(run, "other")] == [2 * number for number in ids]


def test_a_version_is_in_the_rows(sandbox: Sandbox, tmp_path: Path) -> None:
    """A target gives a version to the rows of RECORD messages only, so ACTIVATE_VERSION would delete those in files."""
    config = {**sandbox.config, "batch_config": batch(tmp_path), "emit_activate_version_messages": True}
    run = sync(config, catalog=catalog_of(config, "feedback_data", "forums"))
    (activated,) = (message for message in run.messages if message["type"] == "ACTIVATE_VERSION")
    assert {row["_sdc_table_version"] for row in rows_of(run, "feedback_data")} == {activated["version"]}
    assert not any("_sdc_table_version" in row for row in rows_of(run, "forums"))


def test_a_second_sync_leaves_the_files_of_the_first(sandbox: Sandbox, tmp_path: Path) -> None:
    """A target may still read them."""
    config = {**sandbox.config, "batch_config": batch(tmp_path)}
    catalog = catalog_of(config, "forums")
    first, second = (sync(config, catalog=catalog) for _ in range(2))
    assert batches_of(first, "forums") == batches_of(second, "forums")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("root", ["file://{}/with space & ünï#c%20", "{}/with space"])
def test_a_file_is_where_its_url_says(tmp_path: Path, root: str) -> None:
    """Targets of the SDK take what follows `file://` as a path, without decoding it."""
    with forums({"id": 1, "updated_at": "2024-01-01T00:00:00Z"}) as server:
        config = {
            "analytics": api(server.url),
            "batch_config": batch(root, storage={"root": root.format(tmp_path), "prefix": "x/y-"}),
            "stream_maps": {"forums": {"__alias__": "'a/b ?ü'"}},
        }
        run = sync(config, catalog=catalog_of(config, "forums"))
    (message,) = (message for message in run.messages if message["type"] == "BATCH")
    (path,) = message["manifest"]
    assert message["stream"] == "a/b ?ü"
    assert Path(path.removeprefix("file://")).read_bytes()
    assert Path(path).name.startswith("y-tap-feedback--a_b___-")


def test_a_remote_folder(sandbox: Sandbox) -> None:
    """The storage may be any that fsspec can write to."""
    config = {**sandbox.config, "batch_config": batch("memory://bucket/feedback", "gzip")}
    run = sync(config, catalog=catalog_of(config, "forums"))
    assert run.error is None
    (message,) = (message for message in run.messages if message["type"] == "BATCH")
    assert message["manifest"][0].startswith("memory://bucket/feedback/tap-feedback--forums-")
    assert [row["id"] for row in batches_of(run, "forums")[0]] == [row["id"] for row in sandbox.rows("forums")]


# Failures


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
def test_a_signal_leaves_no_part_of_a_file(tmp_path: Path, compression: str | None) -> None:
    """A stream that waits for its next page when the signal comes has its unfinished file removed, too."""
    folder = tmp_path / "batches"
    large = {"id": 1, "updated_at": "2024-01-01T00:00:00Z", "prompt": "x" * 300_000}
    pages = {"": {"forums": [large], "pagination": {"cursor": "2"}}}

    def respond(request: RecordedRequest) -> Any:
        return pages.get(request.query.get("cursor", "")) or Drip([b"", b""], 10)

    with Server(respond) as server:
        config = {"analytics": api(server.url), "batch_config": batch(folder, compression)}
        for name, value in (("config", config), ("catalog", catalog_of(config, "forums"))):
            (tmp_path / f"{name}.json").write_text(json.dumps(value), "utf-8")
        command = [TAP, *(f"--{name}={tmp_path / name}.json" for name in ("config", "catalog"))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as tap:
            while not list(folder.glob(".tap-feedback--forums-*.part")) and tap.poll() is None:
                time.sleep(0.005)
            tap.send_signal(signal.SIGTERM)
            tap.communicate(timeout=30)
    assert tap.returncode == 143
    assert not list(folder.iterdir())
