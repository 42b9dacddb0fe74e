"""The second page of an offset API: what it shows, as a table."""

from __future__ import annotations

import pytest

from tap_feedback.paging.probe import Verdict, judge

FIRST = ["a", "b", "c", "d"]
SECOND = ["e", "f", "g", "h"]
SHIFTED = ["d", "e", "f", "g"]


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ([FIRST], 4),
        ([[]], 4),
        ([FIRST, SECOND], 1),
        ([FIRST, SECOND, FIRST], Verdict.WHOLE_PAGES),
        ([FIRST, SECOND, ["b", "c", "d", "e"]], Verdict.MOVED),
        ([SECOND, SECOND], 1),
        ([SECOND, SECOND, SECOND], Verdict.WHOLE_PAGES),
        ([SECOND, SECOND, SHIFTED], Verdict.MOVED),
        ([[], SECOND], 1),
        ([[], SECOND, []], Verdict.WHOLE_PAGES),
        ([[], []], Verdict.MOVED),
        ([FIRST, []], 1),
        ([FIRST, FIRST], Verdict.SAME_PAGE),
        ([["x", "e"], ["e", "f"]], Verdict.MOVED),
    ],
)
def test_what_the_second_page_tells(seen: list[list[str]], verdict: Verdict | int) -> None:
    """The page with overlap, then without, then at offset 1, beside the first page."""
    assert judge(FIRST, seen, shared=1) == verdict


def test_a_first_page_of_one_row_has_no_offset_between() -> None:
    """Offset 1 is the second page itself."""
    assert judge(["a"], [["a"], ["b"]], shared=1) is Verdict.MOVED
