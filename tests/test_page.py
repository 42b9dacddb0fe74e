"""Responses decoded without loss, and rows found where the settings say."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.page import MISSING, NotDataError, Selection, decode, lookup, read_page
from tap_feedback.retry import TransientError

NOW = datetime(2024, 1, 31, tzinfo=timezone.utc)
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("lead", [b"", BOM])
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-7", -7),
        ("9223372036854775808", 2**63),
        (str(2**70), 2**70),
        (str(-(2**70)), -(2**70)),
        ("0.1", 0.1),
        ("1.10", 1.1),
        ("1.0", 1.0),
        ("-0.0", -0.0),
        ("1e5", 1e5),
        ("1.5E-3", 0.0015),
        ("0.30000000000000004", 0.30000000000000004),
        ("12345678901234567890.12345", Decimal("12345678901234567890.12345")),
        ("0.1000000000000000055511151231257827", Decimal("0.1000000000000000055511151231257827")),
        ("1e400", Decimal("1e400")),
        ("-1e400", Decimal("-1e400")),
        ("1e-400", Decimal("1e-400")),
    ],
)
def test_numbers_keep_their_digits(text: str, number: float | Decimal, lead: bytes) -> None:
    """A number is a double only if that keeps each of its digits, whichever decoder reads it."""
    value, _ = decode(lead + f"[{text}]".encode())
    assert (value, type(value[0]), str(value[0])) == ([number], type(number), str(number))


@pytest.mark.parametrize(
    ("body", "value", "unstorable"),
    [
        (b'"plain"', "plain", False),
        (b'"\\u00e9"', "é", False),
        (b'"\\ud83d\\ude00"', "😀", False),
        (b'"a\\u0000b"', "a\0b", True),
        (b'"\\ud800"', "\ud800", True),
        (b'{"\\udfff": ["\\ud800x"]}', {"\udfff": ["\ud800x"]}, True),
        (BOM + b'{"a": null}', {"a": None}, True),
        ('{"a": "é\u2028"}'.encode(), {"a": "é\u2028"}, False),
        (b" [true, false, null] \n", [True, False, None], False),
    ],
)
def test_texts(body: bytes, value: Any, unstorable: bool) -> None:  # noqa: FBT001 - a case
    """Texts come as they are; the page says if one may be unstorable."""
    assert decode(body) == (value, unstorable)


@pytest.mark.parametrize("lead", [b"", BOM])
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"<html>", b"[1", b'{"a": "b', b'{"a":}', b"[1]x", b"[1,]", b"'a'"),
        *(b"NaN", b"[NaN]", b"[Infinity]", b"[-Infinity]", b'["\\ud800", NaN]'),
        *(b"\xff", b'"\xff"', b'"\xed\xa0\x80"', "[1]".encode("utf-16")),
        *(b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000),
        *(b"1e9999999999999999999", b"[1" + b"0" * 5000 + b"]"),
    ],
)
def test_what_is_no_json(body: bytes, lead: bytes) -> None:
    """What is not JSON, or too deep or too large to be read, may come right the next time."""
    with pytest.raises(TransientError, match="the response is not JSON"):
        decode(lead + body)


@pytest.mark.parametrize("cut", range(1, 40))
def test_cut_json(cut: int) -> None:
    """JSON that is cut anywhere never passes for a whole response."""
    body = b'{"data": [{"id": "1", "n": [1, {}]}], "next": null}'
    assert decode(body)
    with pytest.raises(TransientError):
        decode(body[:-cut])


@pytest.mark.parametrize(
    ("response", "path", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": {"b": {"c": []}}}, "a.b.c", []),
        ({"a": None}, "a", None),
        ([1], "$", [1]),
        (None, "$", None),
        ({"a": {"b": 0}}, "$.a.b", 0),
        ({"a": 1}, "b", MISSING),
        ({"a": None}, "a.b", MISSING),
        ({"a": [1]}, "a.0", MISSING),
        ({"a": "text"}, "a.text", MISSING),
        ([], "a", MISSING),
        (None, "a", MISSING),
        ({"a.b": 1}, "a.b", MISSING),
    ],
)
def test_lookup(response: Any, path: str, value: Any) -> None:
    """A dotted path leads through objects only."""
    assert lookup(response, path) is value or lookup(response, path) == value != MISSING


@pytest.mark.parametrize(
    ("response", "selector", "rows"),
    [
        ({"data": [{"id": 1}, {}]}, "data", [{"id": 1}, {}]),
        ({"meta": {"items": [{"id": 1}]}}, "meta.items", [{"id": 1}]),
        ([{"id": 1}], "$", [{"id": 1}]),
        ({"data": []}, "data", []),
        ({"data": None}, "data", []),
        (None, "$", []),
    ],
)
def test_rows(response: Any, selector: str, rows: list[Any]) -> None:
    """Rows are where the selector says; null is an empty page, and the response comes along."""
    page = read_page(json.dumps(response).encode(), Selection((selector,)), NOW)
    assert (page.rows, page.response, page.received, page.unstorable) == (rows, response, NOW, False)


def test_no_content() -> None:
    """A response without a body, as of status 204, is an empty page."""
    page = read_page(b"", Selection(("data",)), NOW)
    assert page.rows == []
    assert page.response is MISSING


def test_unstorable_texts_are_told() -> None:
    """The page says that its texts need a look."""
    assert read_page(b'{"data": [{"id": "\\u0000"}]}', Selection(("data",)), NOW).unstorable


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"code": 4, "count": 1}, "the response has no `data`: it is an object with the keys code, count"),
        ({}, "the response has no `data`: it is an empty object"),
        ([{"data": []}], "the response has no `data`: it is a list"),
        ("geheim", "the response has no `data`: it is text"),
        (None, "the response has no `data`: it is null"),
        (True, "the response has no `data`: it is true or false"),
        (4711, "the response has no `data`: it is a number"),
    ],
)
def test_missing_rows(response: Any, words: str) -> None:
    """A response without the selector's key is worth a retry; the error names the keys that are there, and no value."""
    with pytest.raises(NotDataError) as caught:
        read_page(json.dumps(response).encode(), Selection(("data",)), NOW)
    assert str(caught.value) == words
    assert caught.value.hint == "; check `data_selector`"


@pytest.mark.parametrize("response", [{"error": "geheim", "code": 4}, {"message": "geheim"}, {"Errors": ["geheim"]}])
def test_an_error_instead_of_rows_points_at_the_key(response: Any) -> None:
    """Many APIs report a wrong key under status 200."""
    with pytest.raises(NotDataError) as caught:
        read_page(json.dumps(response).encode(), Selection(("data",)), NOW)
    assert caught.value.hint == "; it looks like an error: check `api_key` first, then `data_selector`"


def test_keys_are_named_in_measure() -> None:
    """Ten keys are named, in one line, and none at full length if it is long."""
    names = ["k" * 80, "k" * 81, "a\nforged line", *(f"k{number}" for number in range(10))]
    with pytest.raises(TransientError) as caught:
        read_page(json.dumps(dict.fromkeys(names)).encode(), Selection(("data",)), NOW)
    shown = f"{'k' * 80}, {'k' * 79}…, a\\nforged line, {', '.join(names[3:10])}, …"
    assert str(caught.value).endswith(f"the keys {shown}")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"name": "hidden"}, "`data` is an object with the keys name, not a list of objects"),
        ("hidden", "`data` is text, not a list of objects"),
        (1, "`data` is a number, not a list of objects"),
        (False, "`data` is true or false, not a list of objects"),
        ([{}, "hidden"], "row 2 of `data` is text, not an object"),
        ([None], "row 1 of `data` is null, not an object"),
        ([{}, {}, [1]], "row 3 of `data` is a list, not an object"),
    ],
)
def test_what_are_no_rows(value: Any, words: str) -> None:
    """Anything but a list of objects is final; the message says what it is, without its content."""
    with pytest.raises(FatalAPIError) as caught:
        read_page(json.dumps({"data": value}).encode(), Selection(("data",)), NOW)
    assert str(caught.value) == f"{words}; check `data_selector`"


@pytest.mark.parametrize(
    "response",
    [
        {"data": None, "error": {"code": 429}},
        {"data": None, "errors": ["timeout"]},
        {"data": [], "error": "offset is too large"},
        {"data": [{"id": 1}], "errors": [{"message": "shard 3 timed out"}]},
        {"data": None, "success": False, "message": "internal error"},
        {"data": [], "ok": False},
        {"data": [{"id": 1}], "incomplete_results": True},
        {"data": [], "status": "error"},
        {"data": [], "code": 401},
        {"data": None, "statusCode": "429"},
        {"data": [], "success": "false"},
        {"data": [], "error": {"code": 429}},
    ],
)
def test_an_error_beside_the_rows_is_no_page(response: Any) -> None:
    """A response that reports a failure is sent for again, whether or not it has rows: some of them may be missing."""
    with pytest.raises(NotDataError, match="the response reports a failure in `") as caught:
        read_page(json.dumps(response).encode(), Selection(("data",)), NOW)
    assert "check `api_key`" in caught.value.hint


@pytest.mark.parametrize(
    "beside",
    [
        {"error": None, "errors": [], "success": True, "status": "ok", "message": "200 OK"},
        {"error": {"code": 0, "message": "success"}, "code": 0},
        {"error": {"code": "ok", "message": "", "log_id": "x17"}, "code": 200, "status": 200},
        {"error": "0", "errors": {"items": []}, "success": 1, "statusCode": 200},
        {"error": "none", "errors": [None], "fault": {"has_error": False}, "code": "404"},
        {"error": False, "partial": False, "errors": {}, "timed_out": False},
        {"status": "open", "error_count": 3, "message": "no more rows"},
    ],
)
@pytest.mark.parametrize("rows", [[], None, [{"id": 1, "error": "of the row itself"}]])
def test_what_only_looks_like_an_error_is_none(beside: dict[str, Any], rows: Any) -> None:
    """Many envelopes have a place for an error that is empty."""
    assert read_page(json.dumps({"data": rows, **beside}).encode(), Selection(("data",)), NOW).rows == (rows or [])


def test_an_error_beside_nested_rows_is_found() -> None:
    """The error may be at any step of the path to the rows; the rows themselves may have such a name."""
    nested = {"result": {"items": [], "error": "limit reached"}}
    with pytest.raises(NotDataError, match="`error`"):
        read_page(json.dumps(nested).encode(), Selection(("result.items",)), NOW)
    assert read_page(b'{"errors": [{"id": 1}]}', Selection(("errors",)), NOW).rows == [{"id": 1}]
