"""Dagster runs each partition, limits them by pool, and shows their figures."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from feedback_loads.definitions import POOL, definitions
from feedback_loads.tenants import settings_of

pytestmark = pytest.mark.process

#: A tap with one stream, which writes one row, its settings as a state, and a METRIC point.
TAP = """
import json, sys
schema = {"properties": {"id": {}, "updated_at": {"format": "date-time"}}}
stream = {"tap_stream_id": "forums", "replication_key": "updated_at", "replication_method": "INCREMENTAL",
          "key_properties": ["id"], "schema": schema, "metadata": [{"breadcrumb": [], "metadata": {}}]}
if "--discover" in sys.argv:
    print(json.dumps({"streams": [stream]}))
else:
    config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
    state = json.load(open(sys.argv[sys.argv.index("--state") + 1]))
    prefix = "2026-01-01 00:00:00,000 | INFO     | x | "
    metric = {"metric": "record_count", "value": 5, "tags": {"stream": "forums"}}
    print(prefix + "METRIC: " + json.dumps(metric), file=sys.stderr)
    print(prefix + "Summary:\\nforums  complete", file=sys.stderr)
    print(json.dumps({"config": config, "before": state}))
"""
TARGET = "import sys; [print(line.strip()) for line in sys.stdin if 'SCHEMA' not in line]"


def made(folder: Path, **config: Any) -> dg.Definitions:
    """The definitions for two tenants that share a pool."""
    tenant = {"config": {"analytics": {"base_url": "https://api.example.com", **config}}}
    given = {
        "backfill": {"start": "2023-01-01", "end": "2023-07-01"},
        "tap": [sys.executable, "-c", TAP],
        "target": {"command": [sys.executable, "-c", TARGET]},
        "tenants": {"acme": tenant, "globex": tenant},
    }
    return definitions(settings_of(given, folder))


def run(made: dg.Definitions, job: str, partition: str, instance: dg.DagsterInstance) -> dict[str, Any]:
    """Run a partition, and return the metadata of its asset."""
    done = made.resolve_job_def(job).execute_in_process(partition_key=partition, instance=instance)
    (event,) = done.get_asset_materialization_events()
    return {name: each.value for name, each in event.materialization.metadata.items()}


def test_partitions(tmp_path: Path) -> None:
    """A backfill has each tenant with each range, a sync each tenant; both are in the pool of the host."""
    defs = made(tmp_path)
    backfill, sync = (defs.resolve_job_def(f"api_example_com_{name}") for name in ("backfill", "sync"))
    assert backfill.partitions_def
    assert sync.partitions_def
    assert set(backfill.partitions_def.get_partition_keys()) == {
        "2023-01|acme",
        "2023-04|acme",
        "2023-01|globex",
        "2023-04|globex",
    }
    assert sync.partitions_def.get_partition_keys() == ["acme", "globex"]
    pools = {node.definition.pool for job in (backfill, sync) for node in job.nodes}  # type: ignore[attr-defined]
    assert pools == {"api_example_com"}


def test_a_backfill_and_its_handover(tmp_path: Path) -> None:
    """A range shows rows, summary and state; the sync continues after the last one."""
    defs = made(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        first = run(defs, "api_example_com_backfill", "2023-01|acme", instance)
        assert first["dagster/row_count"] == 5
        assert first["summary"] == "```\nforums  complete\n```"
        assert first["attempt"] == 1
        assert first["state"]["config"]["end_date"] == "2023-04-01T00:00:00Z"
        second = run(defs, "api_example_com_backfill", "2023-04|acme", instance)
        assert second["state"]["config"]["start_date"] == "2023-04-01T00:00:00Z"
        after = run(defs, "api_example_com_sync", "acme", instance)["state"]
    assert "end_date" not in after["config"]
    assert after["before"]["bookmarks"]["forums"]["replication_key_value"] == "2023-07-01T00:00:00Z"


def test_the_pool_shares_the_limit(tmp_path: Path) -> None:
    """Each process gets its part of the limit, as the pool says; without a limit of the pool, the run fails."""
    overrides = {"concurrency": {"pools": {"granularity": "run", "default_limit": 4}}}
    job, partition = "api_example_com_backfill", "2023-01|acme"
    defs = made(tmp_path, requests_per_minute=100)
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=overrides) as instance:
        assert run(defs, job, partition, instance)["state"]["config"]["analytics"]["requests_per_minute"] == 24
        instance.event_log_storage.set_concurrency_slots("api_example_com", 10)
        assert run(defs, job, partition, instance)["state"]["config"]["analytics"]["requests_per_minute"] == 9


def failed(defs: dg.Definitions, job: str, partition: str, instance: dg.DagsterInstance) -> str:
    """Run a partition that fails without a retry, and return the error."""
    done = defs.resolve_job_def(job).execute_in_process(
        partition_key=partition, instance=instance, raise_on_error=False
    )
    (failure,) = [event for event in done.all_events if event.is_step_failure]
    assert not [event for event in done.all_events if event.is_step_up_for_retry]
    return str(failure.step_failure_data.error)


def test_failures_that_no_retry_changes(tmp_path: Path) -> None:
    """A sync before the end of the backfill, and a limit that cannot be shared as the pool has none."""
    defs = made(tmp_path, requests_per_minute=100)
    with dg.DagsterInstance.ephemeral() as instance:
        lacking = failed(made(tmp_path), "api_example_com_sync", "acme", instance)
        assert "the backfill lacks 2023-01, 2023-04; run these partitions first" in lacking
        unlimited = failed(defs, "api_example_com_backfill", "2023-01|acme", instance)
        assert "the pool has no limit; set one in dagster.yaml" in unlimited


def test_the_backfill(tmp_path: Path) -> None:
    """The sensor requests each range that is left, in the pool that dagster.yaml limits, until all are complete."""
    defs = made(tmp_path)
    sensor = defs.resolve_sensor_def("api_example_com_backfill_sensor")
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        run(defs, "api_example_com_backfill", "2023-01|acme", instance)
        context = dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
        requests = sensor.evaluate_tick(context).run_requests or ()
        assert [request.partition_key for request in requests] == ["2023-04|acme", "2023-01|globex", "2023-04|globex"]
        assert {request.run_key for request in requests} == {request.partition_key for request in requests}
        assert defs.resolve_job_def("api_example_com_backfill").tags == {POOL: "api_example_com"}
        for request in requests:
            run(defs, "api_example_com_backfill", str(request.partition_key), instance)
        assert str(sensor.evaluate_tick(context).skip_message) == "all ranges are complete"


def test_the_schedule(tmp_path: Path) -> None:
    """It leaves out tenants whose backfill is not complete, and says so."""
    defs = made(tmp_path)
    schedule = defs.resolve_schedule_def("api_example_com_sync_schedule")
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        context = dg.build_schedule_context(instance=instance, repository_def=defs.get_repository_def())
        skipped = schedule.evaluate_tick(context)
        assert not skipped.run_requests
        assert "acme: the backfill lacks 2023-01, 2023-04" in str(skipped.skip_message)
        for each in ("2023-01", "2023-04"):
            run(defs, "api_example_com_backfill", f"{each}|globex", instance)
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    assert request.partition_key == "globex"


def test_the_instance() -> None:
    """The shipped dagster.yaml sends no telemetry and limits the pools by runs."""
    text = (Path(__file__).parents[1] / "home" / "dagster.yaml").read_text("utf-8")
    assert "enabled: false" in text.partition("telemetry:")[2].partition("\n\n")[0]
    assert "granularity: run" in text
    assert f"- key: {POOL}\n" in text
    assert set(re.findall(r"limit: (\d+)", text)) == {"4"}
    assert json.loads((Path(__file__).parents[1] / "tenants.json").read_text("utf-8"))
