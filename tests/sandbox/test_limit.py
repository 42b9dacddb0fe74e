"""The limit of the sandbox, as vendors have it."""

from __future__ import annotations

import pytest

from sandbox import Limit, Sandbox
from sandbox.exchange import Refused
from tests.sandbox.client import get


def test_a_period_has_so_many_requests() -> None:
    """In no period of ten seconds are more requests allowed, and a refusal says when the next one is."""
    limit = Limit(2, 10)
    limit.take(100)
    limit.take(104)
    for moment, wait in ((105, "5"), (109.5, "1")):
        with pytest.raises(Refused) as caught:
            limit.take(moment)
        assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": wait})
    limit.take(110)
    with pytest.raises(Refused):
        limit.take(113)
    limit.take(114)
    assert limit.refused == 3


def test_sandboxes_may_share_a_limit() -> None:
    """Several accounts at a vendor may have one limit."""
    limit = Limit(2, 60)
    with Sandbox() as first, Sandbox() as second:
        first.limit = second.limit = limit
        statuses = [get(sandbox, "/v1/forums").status_code for sandbox in (first, second, first, second)]
    assert statuses == [200, 200, 429, 429]
