"""Real targets: if the tap or the target is killed midway, a second run completes the target."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from psycopg2.sql import SQL, Identifier

from demo.meltano import ROOT
from sandbox import Sandbox
from tests.configs import STREAMS
from tests.runs import TAP

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.meltano

NAMES = [stream for streams in STREAMS.values() for stream in streams]
#: Requests that a whole sync of eight streams of 1,000 rows takes; some streams are then complete at half of them.
REQUESTS = 8 * 11


def run(
    sandbox: Sandbox, folder: Path, target: str, settings: dict[str, Any], *, state: str, kill: str = "", **more: Any
) -> str:
    """Pipe the tap, with more settings, into a target; the last state that the target gave on, else the one before.

    `kill` names the `tap` (by SIGTERM) or the `target` (by SIGKILL), when half of the requests have been answered.
    """
    paths = {name: folder / f"{name}.json" for name in ("config", "state", "settings")}
    paths["config"].write_text(json.dumps({**sandbox.config, **more}), "utf-8")
    paths["settings"].write_text(json.dumps(settings), "utf-8")
    paths["state"].write_text(state or "{}", "utf-8")
    sandbox.forget()
    binaries = ROOT / ".meltano" / "loaders" / target / "venv" / "bin"
    executable = binaries / {"target-postgres": "target-postgres-exact"}.get(target, target)
    log = (folder / "log.txt").open("ab")
    with (
        log,
        subprocess.Popen(
            [TAP, "--config", paths["config"], "--state", paths["state"]], stdout=subprocess.PIPE, stderr=log
        ) as tap,
        subprocess.Popen(
            [executable, "--config", paths["settings"]], stdin=tap.stdout, stdout=subprocess.PIPE, stderr=log
        ) as loader,
    ):
        assert tap.stdout is not None
        tap.stdout.close()  # so that the tap notices when the target dies
        while kill and len(sandbox.requests) < REQUESTS / 2:
            time.sleep(0.01)
        if kill:
            victim = tap if kill == "tap" else loader
            victim.send_signal(signal.SIGTERM if kill == "tap" else signal.SIGKILL)
        states, _ = loader.communicate(timeout=60)
        tap.wait(60)
    assert tap.returncode == {"": 0, "tap": 143, "target": 1}[kill], (folder / "log.txt").read_text("utf-8")
    return states.decode().strip().rpartition("\n")[2] or state


@pytest.mark.parametrize("kill", ["tap", "target"])
def test_postgres_is_whole_after_a_second_run(kill: str, postgres: str, tmp_path: Path) -> None:
    """With the tap or target-postgres killed midway, a second run brings the rows of the API, each once."""
    schema = f"after_{kill}"
    settings = {
        "sqlalchemy_url": postgres.replace("://", "+psycopg://", 1),
        "default_target_schema": schema,
        "load_method": "upsert",
    }
    with Sandbox(rows=1000, latency=0.02) as sandbox:
        state = run(sandbox, tmp_path, "target-postgres", settings, state="", kill=kill)
        sandbox.add("forums", 5)
        sandbox.update("suggestions", 3)
        run(sandbox, tmp_path, "target-postgres", settings, state=state)
        expected = {name: sorted(row["id"] for row in sandbox.rows(name)) for name in NAMES}
        newest = {row["id"]: row["updated_at"] for row in sandbox.rows("suggestions")}
    with closing(psycopg2.connect(postgres)) as connection, connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(SQL("SELECT id FROM {} ORDER BY id").format(Identifier(schema, name)))
            assert [row[0] for row in cursor] == expected[name], name
        cursor.execute(SQL("SELECT max(updated_at) FROM {}").format(Identifier(schema, "suggestions")))
        assert cursor.fetchall()[0][0].isoformat()[:19] == max(newest.values())[:19]


def test_rows_in_files_survive_a_version(postgres: str, tmp_path: Path) -> None:
    """ACTIVATE_VERSION deletes the rows that the API no longer has, and no row that came in a batch file."""
    settings = {
        "sqlalchemy_url": postgres.replace("://", "+psycopg://", 1),
        "default_target_schema": "batches",
        "hard_delete": True,
    }
    files = {"encoding": {"format": "jsonl"}, "storage": {"root": str(tmp_path / "batches")}}
    more: dict[str, Any] = {"emit_activate_version_messages": True, "batch_config": files}
    with Sandbox(rows=50) as sandbox, closing(psycopg2.connect(postgres)) as connection:
        for _ in range(2):
            run(sandbox, tmp_path, "target-postgres", settings, state="", **more)
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT id FROM batches.feedback_data ORDER BY id")
                assert [row[0] for row in cursor] == sorted(row["id"] for row in sandbox.rows("feedback_data"))
                cursor.execute("INSERT INTO batches.feedback_data (id) VALUES ('gone')")


def test_the_loader_passes_states_on_every_minute() -> None:
    """The SDK's target looks at an attribute for that, whose name may change."""
    python = ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin" / "python"
    code = (
        "from target_postgres_exact import ExactTarget; from target_postgres.target import TargetPostgres; "
        "name = '_MAX_RECORD_AGE_IN_MINUTES'; print(getattr(TargetPostgres, name), getattr(ExactTarget, name))"
    )
    assert subprocess.run([python, "-c", code], capture_output=True, check=True).stdout.split() == [b"5.0", b"1"]


@pytest.mark.parametrize("kill", ["tap", "target"])
def test_jsonl_is_whole_after_a_second_run(kill: str, tmp_path: Path) -> None:
    """With the tap or target-jsonl killed midway, a second run leaves no row of the API out."""
    settings = {"destination_path": str(tmp_path), "do_timestamp_file": False}
    with Sandbox(rows=1000, latency=0.02) as sandbox:
        state = run(sandbox, tmp_path, "target-jsonl", settings, state="", kill=kill)
        run(sandbox, tmp_path, "target-jsonl", settings, state=state)
        for name in NAMES:
            landed = {whole_row(line)["id"] for line in (tmp_path / f"{name}.jsonl").read_text("utf-8").splitlines()}
            assert {row["id"] for row in sandbox.rows(name)} <= landed, name


def whole_row(line: str) -> dict[str, Any]:
    """The row in a line; if a target that was killed left half a row, the one that the next run put behind it."""
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        return whole_row(line[line.index("{", 1) :])
    return row
