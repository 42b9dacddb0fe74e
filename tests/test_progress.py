"""Progress lines, and the summary."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from tap_feedback.progress import HEADINGS, Progress, extras, summary


@pytest.mark.parametrize(
    ("counts", "start"),
    [
        ({}, "forums: 0 rows in 0 pages, 0 rows/s"),
        ({"rows": 1234567, "pages": 12346}, "forums: 1,234,567 rows in 12,346 pages, "),
        ({"rows": 1, "pages": 1}, "forums: 1 row in 1 page, "),
        ({"rows": 50, "pages": 1, "totals": {1: 2000}}, "forums: 50 rows in 1 page, 2 % of 2,000, "),
        ({"rows": 1999, "pages": 20, "totals": {1: 2000}}, "forums: 1,999 rows in 20 pages, 99 % of 2,000, "),
        ({"rows": 3000, "pages": 30, "totals": {1: 2000}}, "forums: 3,000 rows in 30 pages, 100 % of 2,000, "),
        ({"rows": 0, "pages": 1, "totals": {1: 0}}, "forums: 0 rows in 1 page, 0 rows/s"),
        ({"rows": 0, "pages": 1, "totals": {1: -1}}, "forums: 0 rows in 1 page, 0 rows/s"),
    ],
)
def test_line(counts: dict[str, int], start: str) -> None:
    """A line has rows, pages, the percentage of a known total, which is at most 100, and the rate."""
    line = Progress("forums", **counts).line  # type: ignore[arg-type]
    assert line.startswith(start)
    assert line.endswith(" rows/s")


def test_rate() -> None:
    """The rate is the average since the stream began."""
    line = Progress("forums", rows=50_000, pages=1, started=time.monotonic() - 100).line
    assert 495 <= int(line.rpartition(", ")[2].removesuffix(" rows/s")) <= 500


def test_rate_of_the_first_moment() -> None:
    """A clock that has not advanced does not cause a division by zero."""
    assert Progress("forums", rows=1, started=time.monotonic() + 9).line.endswith(" 1,000 rows/s")


def test_line_of_a_stream_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API that says nothing for a while looks like a tap that hangs, unless the line says what it waits for."""
    now = 0.0
    monkeypatch.setattr("tap_feedback.progress.time", SimpleNamespace(monotonic=lambda: now))
    progress = Progress("forums", rows=50, pages=1, started=0.0)
    with progress.waiting("a response"):
        now = 2.0
        brief = progress.line
        now = 15.0
        long = progress.line
    assert brief == "forums: 50 rows in 1 page, 25 rows/s"
    assert long == "forums: 50 rows in 1 page, 3 rows/s, waiting 15 s for a response"
    assert progress.line == "forums: 50 rows in 1 page, 3 rows/s"


def test_summary() -> None:
    """Each stream has a line; numbers are right-aligned, texts left-aligned, and no line ends with a blank."""
    streams = [
        Progress("forums", 12, 1, bookmark="2024-01-31", result="complete"),
        Progress("feedback_data", 1234567, 12346, 3, 14.04, 8, totals={1: 1000000, 2: 500000}, result="failed"),
    ]
    assert summary(streams).splitlines() == [
        "stream              rows      total   pages  retries  waited  rows with extras  bookmark    result",
        "forums                12                  1        0   0.0 s                 0  2024-01-31  complete",
        "feedback_data  1,234,567  1,500,000  12,346        3  14.0 s                 8              failed",
    ]


def test_summary_of_nothing() -> None:
    """Without streams, there are only the headings."""
    assert summary([]) == "  ".join(HEADINGS)


def test_extras_have_one_line() -> None:
    """Rows, names and counts, and no more names than a person reads."""
    assert extras(0, [], [], 0) == ""
    assert extras(12, ["cf_tier", "cv_arr"], [], 0) == "12 rows had 2 unknown fields: cf_tier, cv_arr"
    assert extras(1, ["a"], ["nps"], 3) == (
        "1 row had 1 unknown field: a; 1 row had 1 field that did not fit: nps; "
        "3 texts had characters that cannot be stored"
    )
    assert extras(0, ["a"], ["nps"], 1) == "1 text had characters that cannot be stored"
    many = extras(1000, [f"f{number}" for number in range(1000)], [], 0)
    assert many.startswith("1,000 rows had 1,000 unknown fields: f0, f1, ")
    assert many.endswith("f19 and 980 more")


def test_names_forge_no_lines() -> None:
    """A field name of the API can neither break a log line nor control a terminal."""
    forged = "a\n2026-11-21 12:00:00,000 | ERROR    | forged"
    shown = r"a\n2026-11-21 12:00:00,000 | ERROR    | forged"
    assert extras(1, [forged], ["\x1b[2J\u2028\x85"], 0) == (
        rf"1 row had 1 unknown field: {shown}; 1 row had 1 field that did not fit: \x1b[2J\u2028\x85"
    )
    progress = Progress(forged, bookmark=forged)
    assert progress.line.startswith(f"{shown}: 0 rows")
    assert progress.cells[0] == progress.cells[7] == shown
    assert len(summary([progress]).splitlines()) == 2


def test_long_names_do_not_fill_the_log() -> None:
    """A field may be called by a question of a survey."""
    assert len(extras(1, ["How likely are you " * 1000] * 20, [], 0)) < 2000
