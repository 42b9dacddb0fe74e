"""Dagster's definitions: for each pool of tenants a backfill, a regular sync and its schedule."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import dagster as dg

from feedback_loads.handover import BackfillIncompleteError, missing
from feedback_loads.loads import Loader, Result
from feedback_loads.ranges import is_over
from feedback_loads.states import FolderStore
from feedback_loads.tenants import Settings, SettingsError, Tenant

#: Tag of a run with its pool, as in dagster.yaml.
POOL = "feedback_loads/pool"
#: An attempt waits 10, 20 and 40 seconds. The tap itself has retried each request before.
RETRIES = dg.RetryPolicy(max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def definitions(settings: Settings) -> dg.Definitions:
    """Return the definitions for some settings.

    Each run loads one partition, in a process that Dagster starts for it: one of the machine, or of a cluster, as
    `run_launcher` in dagster.yaml says. The assets of a pool share its limit, however their runs are started.
    """
    assets, jobs, schedules, sensors = [], [], [], []
    for pool, tenants in settings.pools.items():
        if settings.ranges:
            assets.append(_backfill(pool, tenants, settings))
            jobs.append(dg.define_asset_job(f"{pool}_backfill", [assets[-1]], tags={POOL: pool}))
            sensors.append(_sensor(jobs[-1], tenants, settings))
        assets.append(_sync(pool, tenants, settings))
        jobs.append(dg.define_asset_job(f"{pool}_sync", [assets[-1]], tags={POOL: pool}))
        schedules.append(_schedule(jobs[-1], tenants, settings))
    return dg.Definitions(
        assets=assets, jobs=jobs, schedules=schedules, sensors=sensors, executor=dg.in_process_executor
    )


def _backfill(pool: str, tenants: Sequence[Tenant], settings: Settings) -> dg.AssetsDefinition:
    partitions = dg.MultiPartitionsDefinition(
        {
            "tenant": dg.StaticPartitionsDefinition([tenant.name for tenant in tenants]),
            "range": dg.StaticPartitionsDefinition([each.name for each in settings.ranges]),
        }
    )

    @dg.asset(
        name="backfill",
        key_prefix=pool,
        group_name=pool,
        pool=pool,
        partitions_def=partitions,
        retry_policy=RETRIES,
        description="History of each tenant, in ranges of time.",
    )
    def backfill(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        key = context.partition_key
        assert isinstance(key, dg.MultiPartitionKey)  # noqa: S101 - for the type checker
        names = key.keys_by_dimension
        with _retries_if_they_help():
            return _materialized(_loader(context, pool, names["tenant"], settings).backfill(names["range"]))

    return backfill


def _sync(pool: str, tenants: Sequence[Tenant], settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name="sync",
        key_prefix=pool,
        group_name=pool,
        pool=pool,
        partitions_def=dg.StaticPartitionsDefinition([tenant.name for tenant in tenants]),
        deps=[dg.AssetKey([pool, "backfill"])] if settings.ranges else [],  # each tenant on all its ranges
        retry_policy=RETRIES,
        description="Regular sync of each tenant. It continues at the end of the backfill.",
    )
    def sync(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        with _retries_if_they_help():
            return _materialized(_loader(context, pool, context.partition_key, settings).sync())

    return sync


def _sensor(job: Any, tenants: Sequence[Tenant], settings: Settings) -> dg.SensorDefinition:
    """Return a sensor that runs the backfill: it requests each range that is left, once.

    Dagster retries these runs if their process is killed. It does not retry those of `dagster job backfill`.
    """

    @dg.sensor(name=f"{job.name}_sensor", job=job, minimum_interval_seconds=30)
    def sensor() -> Iterator[dg.RunRequest | dg.SkipReason]:
        store, is_complete = FolderStore(settings.states), True
        for tenant in tenants:
            for name in missing(store, tenant.name, settings.ranges):
                is_complete = False
                if is_over(settings.range(name).end):
                    key = dg.MultiPartitionKey({"tenant": tenant.name, "range": name})
                    yield dg.RunRequest(run_key=str(key), partition_key=key)
        if is_complete:
            yield dg.SkipReason("all ranges are complete")

    return sensor


def _schedule(job: Any, tenants: Sequence[Tenant], settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule of the regular syncs. It leaves out a tenant whose last sync or backfill is not complete."""

    @dg.schedule(name=f"{job.name}_schedule", job=job, cron_schedule=settings.schedule, execution_timezone="UTC")
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        store, skipped = FolderStore(settings.states), []
        for tenant in tenants:
            running = dg.RunsFilter(
                job_name=job.name,
                tags={"dagster/partition": tenant.name},
                statuses=[
                    dg.DagsterRunStatus.QUEUED,
                    dg.DagsterRunStatus.NOT_STARTED,
                    dg.DagsterRunStatus.STARTING,
                    dg.DagsterRunStatus.STARTED,
                    dg.DagsterRunStatus.CANCELING,
                ],
            )
            if context.instance.get_runs_count(running):
                skipped.append(f"{tenant.name}: the last sync is running")
            elif not store.read(f"{tenant.name}/sync") and (left := missing(store, tenant.name, settings.ranges)):
                skipped.append(f"{tenant.name}: the backfill lacks {', '.join(left)}")
            else:
                yield dg.RunRequest(partition_key=tenant.name)
        if len(skipped) == len(tenants):
            yield dg.SkipReason("; ".join(skipped))

    return schedule


def _loader(context: dg.AssetExecutionContext, pool: str, tenant: str, settings: Settings) -> Loader:
    return Loader(
        settings,
        settings.tenants[tenant],
        FolderStore(settings.states),
        processes=_limit(context.instance, pool),
        echo=partial(print, file=sys.stderr, flush=True),  # Dagster keeps it as the log of the step
    )


def _limit(instance: dg.DagsterInstance, pool: str) -> int | None:
    """Return the maximum number of concurrent runs of a pool; None if it is not limited."""
    limits: dict[str, int] = {each.name: each.limit for each in instance.event_log_storage.get_pool_limits()}
    default: int | None = instance.get_concurrency_config().pool_config.default_pool_limit
    return limits.get(pool, default)


@contextmanager
def _retries_if_they_help() -> Iterator[None]:
    """Fail without a retry if a setting is wrong or the backfill is not complete."""
    try:
        yield
    except (BackfillIncompleteError, SettingsError) as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _materialized(result: Result) -> dg.MaterializeResult[Any]:
    """Return a load with its figures as metadata. Dagster draws the numbers over time."""
    streams = [
        dg.TableRecord({"stream": name, "rows": rows, "seconds": round(result.log.seconds.get(name, 0), 1)})
        for name, rows in sorted(result.log.rows.items())
    ]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": result.log.rows.total(),
            "seconds": round(result.wall, 1),
            "attempt": result.attempt,
            **({"streams": dg.MetadataValue.table(streams)} if streams else {}),
            "summary": dg.MetadataValue.md(f"```\n{result.log.summary}```"),
            "state": dg.MetadataValue.json(result.state),
        }
    )
