"""The offset paginator against thousands of random servers: complete, or failed, and never endless."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from tests.paging.simulator import ENDLESS, Maker, evidence, read

SERVERS, FLAGGED = 24_000, 3_000
PARTS = 8


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))])
def test_no_server_makes_the_paginator_lose_rows_unnoticed(part: int) -> None:
    """If the responses can show that rows are missing, the sync is complete or fails; and it always ends.

    A server has a reason (`Case.blind`) if no response shows what is lost there: an offset paginator without overlap
    cannot see rows that shift, for example. There, only what was shown must not be missing by the total.
    """
    outcomes: Counter[str] = Counter()
    for seed in range(part * SERVERS // PARTS, (part + 1) * SERVERS // PARTS):
        case = Maker(seed).make()
        outcome = read(case.world, case.paging)
        where = f"seed {seed}: {outcome}"
        if outcome.error is not None:
            assert outcome.requests < ENDLESS or case.blind, where
            outcomes["failed"] += 1
            continue
        missing = case.world.stood - set(outcome.keys)
        assert case.blind or not missing, f"{where} lacks {sorted(missing)}"
        assert not evidence(case.world, outcome, case.paging), where
        outcomes["complete" if not missing else "no response shows it"] += 1
    # Failing is not enough: most servers are read whole.
    assert outcomes["complete"] > 0.5 * SERVERS / PARTS
    assert outcomes["no response shows it"] < 0.1 * SERVERS / PARTS


def test_a_flag_that_says_whether_more_follows_loses_no_rows() -> None:
    """The flag ends a sync at a page that joined, and rules out other ends."""
    outcomes: Counter[str] = Counter()
    for seed in range(FLAGGED):
        case = Maker(seed).make()
        outcome = read(case.world, msgspec.structs.replace(case.paging, has_more_path="continues"))
        missing = case.world.stood - set(outcome.keys)
        assert outcome.error is not None or case.blind or not missing, f"seed {seed}: {outcome} lacks {sorted(missing)}"
        outcomes["failed" if outcome.error else "complete" if not missing else "no response shows it"] += 1
    assert outcomes["complete"] > 0.5 * FLAGGED


def test_requests_stay_within_a_bound() -> None:
    """A server on which nothing moves costs a request for each page, and a handful to learn its ways and its end."""
    read_ = 0
    for seed in range(4_000):
        case = Maker(seed).make()
        sizes = {case.world.size(offset, case.paging.limit) for offset in range(40)}
        rows = list(case.world.rows)
        if case.blind or len(sizes) > 1 or min(sizes) < 4:
            continue
        outcome = read(case.world, case.paging)
        if case.world.rows == rows:
            new_rows = min(sizes) - min(case.paging.overlap, min(sizes) - 1)
            assert outcome.requests <= len(rows) / max(new_rows, 1) + 10, f"seed {seed}: {outcome}"
            read_ += 1
    assert read_ > 300
