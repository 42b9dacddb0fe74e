"""Concurrent processes together keep the limit of a vendor."""

from __future__ import annotations

import pytest

from feedback_loads.limits import shared
from feedback_loads.tenants import SettingsError

CONFIG = {
    "analytics": {"requests_per_minute": 100, "streams": {"forums": {"requests_per_minute": 10}}},
    "start_date": "",
}


def test_each_process_has_its_share() -> None:
    """In any minute, all together send at most as many requests as the limit, for an API and for a stream."""
    divided = shared(CONFIG, 3)
    assert divided["analytics"] == {"requests_per_minute": 32, "streams": {"forums": {"requests_per_minute": 2}}}
    assert shared(CONFIG, 1) == CONFIG


@pytest.mark.parametrize(("processes", "words"), [(None, "dagster.yaml"), (6, "too few for 6 processes")])
def test_a_limit_that_cannot_be_shared(processes: int | None, words: str) -> None:
    """Rather than exceed the limit, the load does not begin."""
    with pytest.raises(SettingsError, match=words):
        shared(CONFIG, processes)


def test_no_limit() -> None:
    """Without a limit nothing is shared."""
    assert shared({"analytics": {"requests_per_minute": None}}, None) == {"analytics": {"requests_per_minute": None}}
