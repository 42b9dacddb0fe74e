"""Texts that every target can store."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_feedback.records.text import free_name, replace_unstorable


@pytest.mark.parametrize(
    ("record", "expected", "replaced"),
    [
        ({"a": "a\x00b\x00"}, {"a": "a\ufffdb\ufffd"}, 1),
        (
            {"a": {"n\ud800": ["\udfff", {"\x00": "clean \U0001f600 é"}]}},
            {"a": {"n\ufffd": ["\ufffd", {"\ufffd": "clean \U0001f600 é"}]}},
            3,
        ),
        ({"new\x00": "x"}, {"new\ufffd": "x"}, 1),
        ({"a\x00": 1, "a\ufffd": 2}, {"a\ufffd_": 1, "a\ufffd": 2}, 1),
        ({"a\x00": 1, "a\ud800": 2}, {"a\ufffd": 1, "a\ufffd_": 2}, 2),
        ({"a": [1, None, "é"], "ü": 1.5}, {"a": [1, None, "é"], "ü": 1.5}, 0),
    ],
)
def test_unstorable_characters(record: dict[str, Any], expected: dict[str, Any], replaced: int) -> None:
    """NUL characters and lone surrogates become U+FFFD in values and names, nested ones too, counted by text."""
    assert replace_unstorable(record) == replaced
    assert record == expected


@given(st.dictionaries(st.text(st.sampled_from("a\x00\ud800\ufffd_"), max_size=3), st.integers()))
def test_no_two_names_become_one(record: dict[str, int]) -> None:
    """Each member is still there, under a name that can be stored."""
    values = sorted(record.values())
    replace_unstorable(record)
    assert sorted(record.values()) == values
    assert not [name for name in record if "\x00" in name or "\ud800" in name]


def test_deep_nesting_is_no_obstacle() -> None:
    """A value nested deeper than calls can be is searched like any other."""
    deep: Any = "\x00"
    for _ in range(5000):
        deep = [deep]
    assert replace_unstorable({"id": 1, "new": deep}) == 1


def test_the_rows_of_the_page_stay() -> None:
    """Texts nested in a record are replaced in a copy, as the original row is still needed."""
    row = {"id": 1, "new": [{"a\x00": "\x00"}]}
    record = dict(row)
    replace_unstorable(record)
    assert record["new"] == [{"a\ufffd": "\ufffd"}]
    assert row == {"id": 1, "new": [{"a\x00": "\x00"}]}


@pytest.mark.parametrize(("taken", "free"), [([], "a"), (["a"], "a_"), (["a", "a_"], "a__")])
def test_a_free_name(taken: list[str], free: str) -> None:
    """A name gives way to those that are taken."""
    assert free_name("a", taken) == free
