"""Conforming of any JSON object: every record validates, and nothing is lost."""

from __future__ import annotations

import copy
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_feedback.records.conform import EXTRA, EXTRA_SCHEMA
from tests.records.conforming import CHECKER, KINDS, SCHEMA, conformer, exact


def json_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Values as the decoders give them."""
    scalars = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(10**15), 10**15).map(str),
        st.floats(allow_nan=False, allow_infinity=False),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.datetimes().map(str),
        texts,
    )
    names = st.one_of(st.sampled_from(["forum", "labels", "strict"]), texts)
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
        max_leaves=6,
    )


def records(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Records that have a key, known properties with any value, and unknown ones."""
    names = st.one_of(st.sampled_from([*KINDS, EXTRA, "links.forum"]), texts)
    rest = st.dictionaries(names, json_values(texts), max_size=6)
    return st.builds(lambda key, members: {**members, "id": key}, st.integers(), rest)


CLEAN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
ANY = st.text(st.characters(), max_size=8)


@given(records(ANY))
def test_every_record_validates_and_can_be_written(record: dict[str, Any]) -> None:
    """For any object from the API, the record validates and its JSON holds no NUL."""
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], EXTRA: EXTRA_SCHEMA}}
    conformed = conformer()(record)
    Draft202012Validator(schema, format_checker=CHECKER).validate(conformed)
    assert b"\\u0000" not in msgspec.json.Encoder(decimal_format="number").encode(conformed)


def is_kept(before: object, after: object) -> bool:
    """Whether a value is the same, or the same number or truth value in another type."""
    if exact(before) == exact(after):
        return True
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(is_kept, before, after))
    if isinstance(before, bool) or isinstance(after, bool):
        return str(before).lower() == str(after).lower()
    try:
        return Decimal(str(before)) == Decimal(str(after))
    except InvalidOperation:  # a text that is no number
        return False


@given(records(CLEAN))
def test_nothing_is_lost(record: dict[str, Any]) -> None:
    """Every property of the input is in the record or, unchanged, in `_extra`, and numbers are the same numbers."""
    before = copy.deepcopy(record)
    after = conformer()(record)
    extra = after.pop(EXTRA) or {}
    assert after.keys() <= before.keys()
    for name, value in before.items():
        if name in extra:
            assert exact(extra[name]) == exact(value)
            assert after.get(name) is None
        elif name in {"date_time", "either"} and value is not None:
            assert after[name] is not None
        elif name == "links" and isinstance(value, dict):
            for member, item in value.items():
                kept = [after[name].get(member), extra.get(f"links.{member}"), extra.get(f"links.{member}_")]
                assert any(is_kept(item, other) for other in kept if other is not None or item is None)
        else:
            assert is_kept(value, after[name])


@given(records(CLEAN))
def test_conforming_twice_changes_nothing_more(record: dict[str, Any]) -> None:
    """A record that fits is left as it is."""
    once = conformer()(record)
    del once[EXTRA]
    assert conformer()(copy.deepcopy(once)) == {**once, EXTRA: None}
