"""Promises on speed and memory, each with its measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import pipelines, tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.results import Result, Run

Promise = tuple[str, str, str]

#: Rows of each stream that the promises on pipelines are about, and for comparison.
MANY, FEW = 25_000, 5_000
#: Room for noise where two measurements should be equal.
NOISE = 1.05
#: Factor by which memory may grow.
GROWTH = 1.1
MOST_MEMORY = 120e6


def promises(run: Run) -> Iterator[Promise]:
    """Yield each promise, the measurement, and whether it was kept, if it was measured."""
    yield from of_pipelines(run)
    yield from of_second_runs(run)
    yield from of_memory(run)
    yield from of_one_stream(run)
    yield from of_eight_streams(run)
    yield from of_start_up(run)


def held(kept: bool) -> str:  # noqa: FBT001 - the only argument
    """Return whether a promise was kept, in a word."""
    return "kept" if kept else "**missed**"


def of_pipelines(run: Run) -> Iterator[Promise]:
    """Yield the promises on the first load."""
    scenario = f"postgres-{MANY}-first"
    dlt, plain = fastest_dlt(run, scenario), run.result(scenario, pipelines.PLAIN_PIPE.name)
    shipped, batch = run.result(scenario, pipelines.SHIPPED.name), run.result(scenario, pipelines.SHIPPED_BATCH.name)
    floors = (("with BATCH", batch, dlt, 2.0), ("as shipped", shipped, dlt, 1.15), ("as shipped", shipped, plain, 2.2))
    for words, ours, other, floor in floors:
        if ours and other:
            ratio = other.wall / ours.wall
            yield (
                f"200,000 rows by `meltano run` {words} into PostgreSQL: {floor:g} times as fast as {other.tool}",
                f"{ours.wall:.1f} s of {other.wall:.1f} s, {ratio:.2f} times",
                held(ratio >= floor),
            )


def of_second_runs(run: Run) -> Iterator[Promise]:
    """Yield the promise on a second run with nothing new."""
    scenario = f"postgres-{MANY}-same"
    dlt, ours = fastest_dlt(run, scenario), run.result(scenario, pipelines.SHIPPED.name)
    pipe = run.result(scenario, pipelines.PIPE.name)
    if dlt and ours:
        yield (
            f"a second run with nothing new, as shipped: at most the time of {dlt.tool} with an incremental cursor",
            f"{ours.wall:.1f} s of {dlt.wall:.1f} s" + (f"; {pipe.wall:.1f} s without Meltano" if pipe else ""),
            held(ours.wall <= dlt.wall),
        )


def of_memory(run: Run) -> Iterator[Promise]:
    """Yield the promises on the memory of both sides of the pipe."""
    for pipeline, words in ((pipelines.SHIPPED, "as shipped"), (pipelines.SHIPPED_BATCH, "with BATCH")):
        few, many = (run.result(f"postgres-{rows}-first", pipeline.name) for rows in (FEW, MANY))
        if few and many and few.programs and many.programs:
            sizes = [(few.programs.get(name, 0), many.programs.get(name, 0)) for name in pipelines.SIDES]
            yield (
                f"tap and target {words}: 200,000 rows within 10 % of the memory of 40,000",
                ", ".join(
                    f"{name} {before / 1e6:.0f} → {after / 1e6:.0f} MB"
                    for name, (before, after) in zip(pipelines.SIDES, sizes, strict=True)
                ),
                held(all(after <= GROWTH * before for before, after in sizes)),
            )


def fastest_dlt(run: Run, scenario: str) -> Result | None:
    """Return the faster of dlt's results in a scenario."""
    found = [run.result(scenario, pipeline.name) for pipeline in (pipelines.DLT, pipelines.DLT_PARALLEL)]
    return min((result for result in found if result), key=lambda result: result.wall, default=None)


def of_one_stream(run: Run) -> Iterator[Promise]:
    """Yield the promises on one stream by offsets, and on one by cursors."""
    for kind in ("offset", "cursor"):
        scenario = f"{kind}-100000"
        tap, bare = run.result(scenario, tools.TAP.name), run.result(scenario, tools.BARE_LOOP.name)
        if tap and bare:
            gross, net = tap.wall / bare.wall, tap.net / bare.net
            limit = "the time of the bare loop, without start-up" if kind == "offset" else "1.3 times the bare loop"
            yield (
                f"100,000 rows by {kind}s in at most {limit}",
                f"{gross:.2f} times; {net:.2f} without start-up",
                held(net <= NOISE if kind == "offset" else gross <= 1.3),  # noqa: PLR2004 - as it is promised
            )
        peers = [
            r
            for r in run.results
            if r.scenario == scenario and r.speaks in {"Singer", "Airbyte"} and r.tool != tools.TAP.name and not r.wrong
        ]
        if tap and peers:
            fastest = min(peers, key=lambda result: result.wall)
            ratio = fastest.wall / tap.wall
            yield (
                f"… and at least 3 times as fast as the fastest that writes messages ({fastest.tool})",
                f"{ratio:.2f} times; {min(r.net for r in peers) / tap.net:.2f} without start-up",
                held(ratio >= 3),  # noqa: PLR2004
            )
        large = run.result(f"{kind}-1000000", tools.TAP.name)
        if tap and large:
            yield (
                f"a million rows by {kind}s within 10 % of the memory of 100,000, and 120 MB",
                f"{large.memory / 1e6:.0f} MB, {large.memory / tap.memory - 1:+.0%}",
                held(large.memory <= GROWTH * tap.memory and large.memory < MOST_MEMORY),
            )


def of_eight_streams(run: Run) -> Iterator[Promise]:
    """Yield the promises on streams behind a slow network."""
    tap = run.result("all", tools.EIGHT_AT_A_TIME.name)
    if tap:
        ratio = tap.wall / (run.chain + tap.start_up)
        yield (
            "eight streams, `max_connections: 8`, in at most 1.2 times the longest chain of requests and start-up",
            f"{tap.wall:.2f} s, {ratio:.2f} times",
            held(ratio <= 1.2),  # noqa: PLR2004
        )
    windows, airbyte = run.result("all", tools.WINDOWS.name), run.result("all", tools.AIRBYTE.name)
    if tap and windows and airbyte:
        yield (
            "… and with time windows, which are not bound to that chain, at least twice as fast as the Airbyte CDK",
            f"{airbyte.wall / windows.wall:.2f} times; {airbyte.wall / tap.wall:.2f} without windows",
            held(airbyte.wall / windows.wall >= 2),  # noqa: PLR2004
        )
    tap, slow = run.result("latency", tools.TAP.name), run.result("latency", tools.ONE_AT_A_TIME.name)
    if tap and slow:
        yield (
            "pages fetched ahead at least 3 times as fast as one request at a time",
            f"{slow.wall / tap.wall:.2f} times; {slow.net / tap.net:.2f} without start-up",
            held(slow.net / tap.net >= 3),  # noqa: PLR2004
        )


def of_start_up(run: Run) -> Iterator[Promise]:
    """Yield the promise on start-up."""
    if run.commands:
        base, *others = run.commands.values()
        slowest = max(others) - base
        yield (
            "`--version`, `--discover` and a sync without rows: at most 0.05 s over importing the SDK",
            f"{slowest:.3f} s",
            held(slowest <= 0.05),  # noqa: PLR2004
        )
