"""The probe finds how an API pages, over HTTP, and a sync with what it prints reads every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.probe.players import (
    STREAM,
    Player,
    by_cursor,
    by_hal,
    by_header,
    by_link,
    by_offset,
    by_page,
    by_row,
    probe,
    rows,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

#: Players, the place of their rows, and the settings of the paginator that must be found.
SHAPES: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {
    "offset": (
        by_offset,
        "data.list",
        {"type": "offset", "offset_param": "skip", "limit_param": "take", "total_path": "meta.total", "limit": 50},
    ),
    "page from 1": (
        by_page(1),
        "reviews",
        {"type": "page_number", "page_param": "page", "base_page": 1, "total_path": "total_pages", "limit": 100},
    ),
    "page from 0": (by_page(0), "reviews", {"type": "page_number", "base_page": 0, "limit_param": "per_page"}),
    "cursor": (
        by_cursor,
        "items",
        {"type": "cursor", "cursor_param": "cursor", "cursor_path": "next_cursor", "has_more_path": "has_more"},
    ),
    "absolute link": (by_link("absolute"), "results", {"type": "json_link", "next_url_path": "links.next"}),
    "link from the root": (by_link("root"), "results", {"type": "json_link", "limit_param": "page_size"}),
    "link of a query": (by_link("query"), "results", {"type": "json_link", "limit": 30}),
    "Link header": (by_header, "$", {"type": "header_link", "limit_param": "per_page"}),
    "HAL": (by_hal, "_embedded.reviews", {"type": "page_number", "base_page": 0, "limit_param": "size"}),
    "last row": (by_row, "data", {"type": "cursor", "cursor_param": "starting_after", "cursor_row_path": "id"}),
}


@pytest.mark.parametrize("count", [120, 23])
@pytest.mark.parametrize("shape", SHAPES)
def test_pages_are_found_and_read(shape: str, count: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever follows the first page is found and proven, even if all rows fit into the first page."""
    player, selector, paginator = SHAPES[shape]
    made = rows(count)
    found = probe(Player(made, player), caplog)
    assert found.missing == {}
    assert found.stream["data_selector"] == selector
    assert found.stream["primary_key"] == "id"
    assert found.stream["replication_key"] == "updated_at"
    for name, value in paginator.items():
        if name != "limit" or count > 100:
            assert found.paginator[name] == value, name
    assert sorted(found.run.ids(STREAM)) == [row["id"] for row in made]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_claimed_that_loses_rows_later(shape: str, count: int, caplog: pytest.LogCaptureFixture) -> None:
    """With few rows the probe may be unable to decide, or to see a cap; a later sync is whole, or it fails."""
    found = probe(Player(rows(count), SHAPES[shape][0]), caplog, grown=250)
    if STREAM in found.missing:
        assert count < 3
    elif found.run.error is None:
        assert sorted(found.run.ids(STREAM)) == [row["id"] for row in rows(250)]
    else:
        assert found.paginator["type"] == "single_page"


def test_a_bare_array_without_pages(caplog: pytest.LogCaptureFixture) -> None:
    """A list that no parameter changes, of a number of rows that is no page size, is one page."""
    found = probe(Player(rows(37), whole), caplog)
    assert found.paginator == {"type": "single_page"}
    assert len(found.run.ids(STREAM)) == 37


def test_one_object(caplog: pytest.LogCaptureFixture) -> None:
    """A response that is one object with a key is the only row."""
    found = probe(lambda _: {"id": "a-1", "name": "Acme", "seats": 3, "owner": {"id": 1}}, caplog)
    assert found.stream["single_object"] is True
    assert found.run.records(STREAM) == [
        {"id": "a-1", "name": "Acme", "seats": 3, "owner": {"id": 1}, "_extra": None},
    ]
