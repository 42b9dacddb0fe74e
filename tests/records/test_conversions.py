"""Conversions: nothing is lost, or the value does not fit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tap_feedback.records.conversions import (
    MISFIT,
    to_boolean,
    to_date,
    to_date_time,
    to_integer,
    to_integer_within,
    to_number,
    to_string,
)
from tests.records.conforming import exact

if TYPE_CHECKING:
    from collections.abc import Callable

to_int64 = to_integer_within(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("convert", "value", "expected"),
    [
        (to_string, 42, "42"),
        (to_string, 1.5, "1.5"),
        (to_string, Decimal("0.12345678901234567890"), "0.12345678901234567890"),
        (to_string, 2**70, "1180591620717411303424"),
        (to_string, True, "true"),
        (to_integer, "42", 42),
        (to_integer, "-7", -7),
        (to_integer, "0", 0),
        (to_integer, 42.0, 42),
        (to_integer, 1e23, 10**23),
        (to_integer, Decimal("1E+400"), 10**400),
        (to_integer, Decimal(f"{10**40 + 1}.0"), 10**40 + 1),
        (to_number, "42", 42),
        (to_number, "1.50", 1.5),
        (to_number, "-1e5", -1e5),
        (to_number, "0.12345678901234567890", Decimal("0.12345678901234567890")),
        (to_number, "1e400", Decimal("1E+400")),
        (to_number, "1e-400", Decimal("1E-400")),
        (to_boolean, "true", True),
        (to_boolean, "false", False),
        (to_date, "2024-02-29", "2024-02-29"),
        (to_date_time, "2024-01-01 00:00:00", "2024-01-01T00:00:00Z"),
        (to_int64, 2**63 - 1, 2**63 - 1),
        (to_int64, -(2**63), -(2**63)),
        (to_int64, "9223372036854775807", 2**63 - 1),
        (to_int64, 42.0, 42),
    ],
)
def test_what_loses_nothing(convert: Callable[[object], object], value: object, expected: object) -> None:
    """Each digit and each word is in the result."""
    assert exact(convert(value)) == exact(expected)


@pytest.mark.parametrize(
    ("convert", "values"),
    [
        (to_string, [{"a": 1}, ["a"], 10**5000]),
        (to_integer, [True, 1.5, Decimal("1.5"), Decimal("1E+999999"), Decimal("1E-999999999"), {}, []]),
        (to_integer, [" 42", "+42", "042", "-0", "4_2", "٤٢", "42\n", "1.0", "", "9" * 5000]),
        (to_number, ["NaN", "Infinity", ".5", "1,5", "1e99999999999999999999", False]),
        (to_boolean, [1, 0, "True", "", {}]),
        (to_date, ["2023-02-29", "0000-01-01", "2024-01-01T00:00:00Z", "2024-W01-1", "٢٠٢٤-01-01", 20240101, []]),
        (to_date_time, ["soon", 2024, True, {}, []]),
        (to_int64, [2**63, -(2**63) - 1, 2**70, "9223372036854775808", 1e23, True, 1.5]),
    ],
)
def test_what_does_not_fit(convert: Callable[[object], object], values: list[object]) -> None:
    """Values whose conversion would lose something, or that may mean something else."""
    assert [value for value in values if convert(value) is not MISFIT] == []
