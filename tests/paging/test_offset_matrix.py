"""The offset paginator, without HTTP, on servers of every size and habit: all rows come, or the sync fails."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.paging.offset import OffsetPaging
from tests.paging.simulator import Outcome, Refused, read

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = list[dict[str, Any]]


class Scripted:
    """A server whose responses are a function of the offset, the limit and the number of the request, from 1.

    The function returns rows, or the status of a refusal.
    """

    def __init__(self, respond: Callable[[int, int, int], Rows | int], total: int | None = None) -> None:
        self._respond = respond
        self._total = total
        self.requests = 0

    def answer(self, offset: int, limit: int) -> tuple[Rows, int | None]:
        """The rows of a page, and the total."""
        self.requests += 1
        found = self._respond(offset, limit, self.requests)
        if isinstance(found, int):
            raise Refused(found)
        return found, self._total


def rows(count: int) -> Rows:
    """This number of rows."""
    return [{"id": number} for number in range(count)]


def outcome_of(respond: Callable[[int, int, int], Rows | int], *, total: int | None = None, **settings: Any) -> Outcome:
    """How the paginator reads a server; a total that is given is one that the settings name."""
    path = None if total is None else "total"
    return read(Scripted(respond, total), OffsetPaging(total_path=path, **settings))


def check_complete(outcome: Outcome, count: int) -> None:
    """Each row came once, in order."""
    assert outcome.error is None
    assert outcome.keys == list(range(count))


# Pages of any size


@pytest.mark.parametrize("count", [0, 1, 2, 99, 100, 101, 199, 230])
@pytest.mark.parametrize("cap", [1, 7, 50, 100])
@pytest.mark.parametrize("overlap", [0, 1, 3])
def test_every_row_comes_however_the_server_caps_its_pages(count: int, cap: int, overlap: int) -> None:
    """A server that returns fewer rows than the limit is read to its end."""
    table = rows(count)
    check_complete(outcome_of(lambda start, limit, _: table[start : start + min(cap, limit)], overlap=overlap), count)


@pytest.mark.parametrize("sizes", [[10, 1], [10, 1, 1, 3], [1, 2, 3], [7, 1, 9, 2], [10, 10, 3]])
@pytest.mark.parametrize("overlap", [0, 1, 5])
def test_every_row_comes_however_the_sizes_of_pages_change(sizes: list[int], overlap: int) -> None:
    """A server that cuts pages by their bytes may return as few rows as two pages share, with more behind them."""
    table = rows(60)
    outcome = outcome_of(lambda start, _, number: table[start : start + sizes[number % len(sizes)]], overlap=overlap)
    check_complete(outcome, 60)


@pytest.mark.parametrize("overlap", [1, 2, 5])
@pytest.mark.parametrize("large", [{20, 21}, {0, 1}, {9, 10, 11, 12}, {58, 59}], ids=str)
def test_every_row_comes_if_large_rows_have_pages_of_their_own(large: set[int], overlap: int) -> None:
    """A server that cuts pages by their bytes returns two adjacent large rows one by one."""
    table = rows(60)

    def respond(start: int, _: int, __: int) -> Rows:
        end = next((number for number in sorted(large) if number > start), start + 10)
        return table[start : start + 1 if start in large else min(end, start + 10)]

    check_complete(outcome_of(respond, overlap=overlap), 60)


# Rows that come and go


@pytest.mark.parametrize("deleted", [1, 5, 60, 99, 100, 150])
@pytest.mark.parametrize("at", [2, 3, 4])
@pytest.mark.parametrize("first", [0, 40])
def test_no_row_is_missed_when_others_are_deleted(deleted: int, at: int, first: int) -> None:
    """Rows deleted in front of the offset shift the rest to the left; those that are there all along still come."""
    table = rows(430)

    def respond(start: int, limit: int, number: int) -> Rows:
        if number == at:
            del table[first : first + deleted]
        return table[start : start + limit]

    outcome = outcome_of(respond)
    assert outcome.error is None
    assert {row["id"] for row in table} <= set(outcome.keys)


@pytest.mark.parametrize("inserted", [1, 99, 100, 150])
@pytest.mark.parametrize("at", [2, 3, 4])
def test_no_row_is_missed_when_others_come_first(inserted: int, at: int) -> None:
    """Rows inserted at the front, as in an API that sorts newest first, shift the rest to the right."""
    table = rows(430)

    def respond(start: int, limit: int, number: int) -> Rows:
        if number == at:
            table[:0] = [{"id": 1000 + new} for new in range(inserted)]
        return table[start : start + limit]

    outcome = outcome_of(respond)
    assert outcome.error is None
    assert set(range(430)) <= set(outcome.keys)


@pytest.mark.parametrize(("overlap", "smallest"), [(1, 20), (1, 2), (1, 1), (5, 20), (5, 3)])
@pytest.mark.parametrize("seed", range(20))
def test_no_row_is_missed_whatever_changes_between_pages_of_any_size(overlap: int, smallest: int, seed: int) -> None:
    """Rows come and go anywhere on a server that cuts pages at random: none that is there all along is missed."""
    chance = random.Random(seed)  # noqa: S311 - made-up changes
    table = rows(chance.randint(20, 400))
    lasting = {row["id"] for row in table}

    def respond(start: int, _: int, number: int) -> Rows:
        for change in range(chance.randint(1, 4) if chance.random() < 0.4 else 0):
            if table and chance.random() < 0.5:
                lasting.discard(table.pop(chance.randrange(len(table)))["id"])
            else:
                table.insert(chance.randrange(len(table) + 1), {"id": 1000 + 10 * number + change})
        return table[start : start + chance.randint(smallest, 20)]

    outcome = outcome_of(respond, limit=20, overlap=overlap)
    assert outcome.error is None
    assert lasting <= set(outcome.keys)


@pytest.mark.parametrize("inserts", [True, False])
@pytest.mark.parametrize("end", [200, 404])
@pytest.mark.parametrize("at", range(2, 14))
@pytest.mark.parametrize(
    "size",
    [
        lambda start: 1,
        lambda start: 1 if 9 <= start <= 10 else 10,
        lambda start: (4, 1, 2)[start % 3],
        lambda start: 1 if start % 4 == 0 and start else 5,
    ],
)
def test_a_row_that_moves_while_the_end_is_proven_is_not_missed(
    size: Callable[[int], int], at: int, end: int, *, inserts: bool
) -> None:
    """Pages that are cut down to the rows they share look like the end: the tap checks again if rows moved."""
    table = rows(20)

    def respond(start: int, _: int, number: int) -> Rows | int:
        if number == at:
            table[:1] = [{"id": 1000}, table[0]] if inserts else []
        return end if start >= len(table) and end != 200 else table[start : start + size(start)]

    outcome = outcome_of(respond)
    assert outcome.error is None
    assert {row["id"] for row in table} - {1000} <= set(outcome.keys)


# Ends


def refusing(count: int, status: int, step: int = 1) -> Callable[[int, int, int], Rows | int]:
    """A server that refuses offsets behind its rows, or between its pages."""
    table = rows(count)
    return lambda start, _, __: status if start >= count or start % step else table[start : start + 100]


@pytest.mark.parametrize("count", [1, 99, 200, 230])
@pytest.mark.parametrize("status", [404, 416])
def test_an_api_that_refuses_offsets_behind_its_rows_has_an_end(status: int, count: int) -> None:
    """If only the last row came, a refused offset behind it is the end."""
    check_complete(outcome_of(refusing(count, status)), count)


@pytest.mark.parametrize("status", [400, 404, 416, 422])
@pytest.mark.parametrize(("count", "step"), [(99, 1), (99, 100), (200, 1), (230, 1), (230, 100)])
def test_a_refused_offset_behind_the_total_is_the_end(status: int, step: int, count: int) -> None:
    """If all rows that the API counts are read, any status at an offset behind them is the end."""
    check_complete(outcome_of(refusing(count, status, step), total=count), count)


@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("count", [50, 100, 200, 230, 300])
@pytest.mark.parametrize("status", [404, 416])
@pytest.mark.parametrize("step", [1, 100])
def test_a_refused_offset_behind_the_last_page_is_the_end(overlap: int, count: int, status: int, step: int) -> None:
    """Full or not, the last page is the last one if the API has nothing further on either."""
    check_complete(outcome_of(refusing(count, status, step), overlap=overlap), count)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("count", [1, 50, 150, 230])
def test_an_api_that_refuses_all_but_whole_pages_has_an_end(status: int, overlap: int, count: int) -> None:
    """Behind a short page, the next one would begin at the next multiple of the limit."""
    table = rows(count)
    respond = lambda start, limit, _: status if start % 100 else table[start : start + limit]  # noqa: E731 - one line
    check_complete(outcome_of(respond, overlap=overlap), count)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("overlap", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_a_capped_total_that_a_full_page_meets_is_no_end(status: int, overlap: int, *, whole: bool) -> None:
    """A search engine counts and serves its first 1,000 rows, and refuses the rest."""
    table = rows(1500)

    def respond(start: int, limit: int, _: int) -> Rows | int:
        start = start // 100 * 100 if whole else start
        return status if start + 100 > 1000 else table[start : start + limit]

    assert outcome_of(respond, total=1000, overlap=overlap).error == f"returned {status}"


@pytest.mark.parametrize("count", [50, 100, 150, 250, 300])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_an_api_that_repeats_its_last_page_has_an_end(count: int, *, counted: bool, whole: bool) -> None:
    """Some APIs serve the last page for any offset behind it."""
    table = rows(count)

    def respond(start: int, limit: int, _: int) -> Rows:
        start = min(start // limit, (count - 1) // limit) * limit if whole else max(0, min(start, count - limit))
        return table[start : start + limit]

    check_complete(outcome_of(respond, total=count if counted else None), count)
