"""Records of any API: nothing is lost, and every target can store them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import closing
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_feedback.records.timestamps import parse_instant
from tests.records.conforming import CHECKER
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "suggestions"
SCHEMA: dict[str, Any] = json.loads((files("tap_feedback") / "schemas" / f"{STREAM}.json").read_text("utf-8"))
PROPERTIES: dict[str, dict[str, Any]] = SCHEMA["properties"]
EXTRA = "_extra"


def load(rows: list[str], **options: Any) -> Run:
    """Sync rows that are given as JSON texts, five to a page."""
    pages = [rows[start : start + 5] for start in range(0, len(rows), 5)]

    def respond(request: RecordedRequest) -> Reply:
        number = int(request.query.get("cursor", 0))
        cursor = json.dumps(number + 1 if number + 1 < len(pages) else None)
        body = f'{{"{STREAM}": [{",".join(pages[number])}], "pagination": {{"cursor": {cursor}}}}}'
        return Reply(body.encode())

    with Server(respond) as server:
        config = {"analytics": api(server.url), **options}
        return sync(config, catalog=catalog_of(config, STREAM))


def records(run: Run) -> list[dict[str, Any]]:
    """The records of a run that went well, with every digit of their numbers, each valid against the SCHEMA."""
    assert run.error is None, run.failures
    validator = Draft202012Validator(run.schema(STREAM)["schema"], format_checker=CHECKER)
    messages = [json.loads(line, parse_float=Decimal) for line in run.lines]
    found = [message["record"] for message in messages if message["type"] == "RECORD"]
    for record in found:
        validator.validate(record)
    assert not re.search(r"\\u(0000|d[89a-f])", "".join(run.lines), re.IGNORECASE)
    return found


# What is the same


def stored(value: Any) -> Any:
    """A value, with what no target can store replaced in its texts and names."""
    if isinstance(value, str):
        return re.sub("[\x00\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, list):
        return [stored(item) for item in value]
    return {stored(name): stored(item) for name, item in value.items()} if isinstance(value, dict) else value


def same(sent: Any, out: Any) -> bool:
    """Whether two values are the same, numbers digit for digit."""
    if isinstance(sent, dict) and isinstance(out, dict):
        return sent.keys() == out.keys() and all(same(item, out[name]) for name, item in sent.items())
    if isinstance(sent, list) and isinstance(out, list):
        return len(sent) == len(out) and all(map(same, sent, out))
    if isinstance(sent, bool) or isinstance(out, bool):
        return sent is out
    if isinstance(sent, (int, Decimal)) and isinstance(out, (int, Decimal)):
        return Decimal(sent) == Decimal(out)
    return type(sent) is type(out) and bool(sent == out)


def means_the_same(sent: Any, out: Any, subschema: dict[str, Any]) -> bool:
    """Whether a value was converted to the type of a property without a loss."""
    if subschema.get("format") == "date-time":
        return isinstance(out, str) and is_same_instant(sent, out)
    if isinstance(sent, bool) or isinstance(out, bool):
        return str(sent).lower() == str(out).lower()
    try:
        return Decimal(str(sent)) == Decimal(str(out))
    except InvalidOperation:  # one of them is a text other than a number
        return False


def is_same_instant(sent: Any, out: str) -> bool:
    """Whether a text of RFC 3339 in UTC is the instant that an epoch or another text means, with all its digits."""
    if isinstance(sent, str) and not re.fullmatch(r"-?\d{9,13}(\.\d+)?", sent, re.ASCII):
        match = re.fullmatch(r"(.{10})(?:[T ](.{5}(?::\d\d)?)(\.\d+)?(Z|[+-].{5})?)?", sent, re.ASCII)
        assert match is not None
        zone = "+00:00" if match[4] in {None, "Z"} else match[4]
        local = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}{zone}")
        return out == f"{local.astimezone(timezone.utc).isoformat()[:19]}{match[3] or ''}Z"
    whole, _, fraction = out.removesuffix("Z").partition(".")
    moment = datetime.fromisoformat(whole + "+00:00") - datetime(1970, 1, 1, tzinfo=timezone.utc)
    seconds = Fraction(moment // timedelta(seconds=1)) + Fraction(f"0.{fraction or 0}")
    return seconds in (Fraction(Decimal(sent)), Fraction(Decimal(sent)) / 1000)


def missing(sent: dict[str, Any], record: dict[str, Any]) -> list[str]:
    """The names of sent values that are neither in a record nor in its `_extra`."""
    extra = record[EXTRA] or {}
    assert extra or record[EXTRA] is None

    def is_kept(name: str, value: Any) -> bool:
        """A value is in `_extra` under its name; the name gives way to another one that would be the same."""
        names = [key for key in extra if key.rstrip("_") == name.rstrip("_")]
        return any(same(value, extra[key]) for key in names)

    def is_there(name: str, value: Any, out: Any, subschema: dict[str, Any]) -> bool:
        """A value is in its place, or in `_extra`; of an object, each member."""
        if same(value, out) or means_the_same(value, out, subschema):
            return True
        if not isinstance(value, dict) or not isinstance(out, dict):
            return out is None and is_kept(name, value)
        members = subschema.get("properties", {})
        return all(is_there(f"{name}.{key}", item, out.get(key), members.get(key, {})) for key, item in value.items())

    return [
        name
        for name, value in stored(sent).items()
        if not (
            is_there(name, value, record.get(name), PROPERTIES[name]) if name in PROPERTIES else is_kept(name, value)
        )
    ]


# Whatever an API can send

NUMBERS = st.one_of(
    st.integers().map(str),
    st.sampled_from(
        [str(number) for power in (31, 53, 63, 64, 70) for number in (2**power, 2**power - 1, -(2**power))]
    ),
    st.sampled_from(["1e400", "-1e-400", "1E+5", "0.12345678901234567890", "12345678901234567890.123", "-0", "-0.0"]),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True, alphabet=None),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
TIMES = st.one_of(
    st.datetimes().map(str),
    st.datetimes(timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=5, minutes=30))])).map(
        datetime.isoformat
    ),
    st.sampled_from(["0000-00-00", "2024-02-30", "2024-01-31", "2024-01-31T12:34Z", "1704067200", "1704067200123.5"]),
)
ANY_CHARACTER = st.characters(codec=None, exclude_categories=())
TEXTS = st.one_of(
    st.text(ANY_CHARACTER, max_size=20),
    st.sampled_from(["", "\x00", "\ud800", "a\udfff\x00", "true", "42", "4.20", "NaN", "\u2028", "👋", "x" * 5000]),
    NUMBERS,
    TIMES,
)
NAMES = st.one_of(
    st.sampled_from(sorted(PROPERTIES.keys() - {"id"})),
    st.sampled_from(
        ["", EXTRA, "_extra_", "links.forum", "cv_segment.revenue", "\x00", "\x00\ud800", "ID", "type", "record"]
    ),
    st.text(ANY_CHARACTER, max_size=10).filter(lambda name: name != "id"),  # each row has its own
)


def objects_of(values: st.SearchStrategy[str], names: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
    """JSON texts of objects, whose names remain distinct when they are stored."""
    members = st.lists(st.tuples(names, values), max_size=most, unique_by=lambda member: stored(member[0]))
    return members.map(lambda pairs: f"{{{','.join(f'{json.dumps(name)}:{value}' for name, value in pairs)}}}")


SCALARS = st.one_of(st.sampled_from(["null", "true", "false"]), NUMBERS, TEXTS.map(json.dumps))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]"),
        objects_of(inner, st.one_of(NAMES, st.sampled_from(sorted(PROPERTIES["links"]["properties"]))), 4),
    ),
    max_leaves=6,
)
ROWS = st.lists(objects_of(VALUES, NAMES, 12), min_size=1, max_size=25)


def with_ids(rows: list[str]) -> list[str]:
    """The rows, numbered."""
    return [f'{{"id":{number}{"" if row == "{}" else ","}{row[1:]}' for number, row in enumerate(rows)]


def decode(row: str) -> dict[str, Any]:
    """A row with every digit of its numbers."""
    decoded: dict[str, Any] = json.loads(row, parse_float=Decimal)
    return decoded


def examples(count: int) -> settings:
    """So many examples, the same each time; as each takes a sync, a failing one is not made smaller."""
    phases = (Phase.explicit, Phase.generate)
    return settings(max_examples=count, phases=phases)


@examples(20)
@given(ROWS.map(with_ids))
def test_nothing_is_lost(rows: list[str]) -> None:
    """Any object from an API becomes a valid record, with every value in its place or in `_extra`."""
    out = records(load(rows))
    assert [record["id"] for record in out] == list(range(len(rows)))
    lost = {row: missing(decode(row), record) for row, record in zip(rows, out, strict=True)}
    assert not {row: names for row, names in lost.items() if names}


@examples(8)
@given(ROWS.map(with_ids))
def test_unknown_fields_can_be_dropped(rows: list[str]) -> None:
    """With `unknown_fields: drop`, records have what fits of the properties of the schema, and nothing else."""
    kept, dropped = records(load(rows)), records(load(rows, unknown_fields="drop"))
    assert [{**record, EXTRA: None} for record in dropped] == [{**record, EXTRA: None} for record in kept]
    for record in dropped:
        assert record.keys() <= PROPERTIES.keys()


def nested(record: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """A flattened record with its JSON decoded, and `links` in one piece again."""
    links = {name: record.pop(f"links__{name}", None) for name in PROPERTIES["links"]["properties"]}
    for name, subschema in PROPERTIES["links"]["properties"].items():
        if "array" in subschema["type"] and links[name] is not None:
            links[name] = decode(links[name])
    extra = None if record[EXTRA] is None else decode(record[EXTRA])
    return {**record, "links": links if isinstance(sent.get("links"), dict) else None, EXTRA: extra}


@examples(15)
@given(ROWS.map(with_ids), st.sampled_from([1, 3]))
def test_nothing_is_lost_by_flattening(rows: list[str], depth: int) -> None:
    """Every record has only the columns of its SCHEMA, fits them, and has every value somewhere."""
    flat = {"flattening_enabled": True, "flattening_max_depth": depth}
    for more in ({}, {"unknown_fields": "drop"}):
        run = load(rows, **flat, **more)
        assert run.error is None, run.failures
        schema = run.schema(STREAM)["schema"]
        validator = Draft202012Validator(schema, format_checker=CHECKER)
        out = [decode(line)["record"] for line in run.lines if line.startswith('{"type":"RECORD"')]
        assert [record["id"] for record in out] == list(range(len(rows)))
        for row, record in zip(rows, out, strict=True):
            validator.validate(record)
            assert record.keys() <= schema["properties"].keys()
            assert more or not missing(decode(row), nested(record, decode(row)))


# Hostile rows

MANY = {f"cf_{number}": number for number in range(1000)}
LONG = "Grüße 👋 " * 500_000

#: What an API sends beside the id, and what comes out: properties that are not null, and `_extra`.
HOSTILE: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None]] = {
    "NUL": (r'"title": "a\u0000b"', {"title": "a�b"}, None),
    "NUL in a name": (r'"a\u0000": "\u0000"', {}, {"a�": "�"}),
    "lone surrogate": (r'"title": "\ud800x", "body": "x\udfff"', {"title": "�x", "body": "x�"}, None),
    "lone surrogate within": (r'"cf": {"a": [{"b": "\udfff"}]}', {}, {"cf": {"a": [{"b": "�"}]}}),
    "surrogate pair": (r'"title": "\ud83d\udc4b"', {"title": "👋"}, None),
    "line ends": (r'"title": "\n\r\t\u0085\u2028\u0001\\N\\x00"', {"title": "\n\r\t\x85\u2028\x01\\N\\x00"}, None),
    "largest count": ('"votes_count": 9223372036854775807', {"votes_count": 2**63 - 1}, None),
    "smallest count": ('"votes_count": -9223372036854775808', {"votes_count": -(2**63)}, None),
    "2**63": ('"votes_count": 9223372036854775808', {}, {"votes_count": 2**63}),
    "2**70": ('"votes_count": 1180591620717411303424', {}, {"votes_count": 2**70}),
    "2**70 as text": ('"votes_count": "1180591620717411303424"', {}, {"votes_count": "1180591620717411303424"}),
    "2**70 as a number": ('"supporter_mrr": 1180591620717411303424', {"supporter_mrr": 2**70}, None),
    "2**70 in links": ('"links": {"forum": 1180591620717411303424}', {"links": {"forum": 2**70}}, None),
    "2**70 unknown": ('"cf": 1180591620717411303424', {}, {"cf": 2**70}),
    "1e400": ('"supporter_mrr": 1e400', {"supporter_mrr": Decimal("1e400")}, None),
    "1e400 unknown": ('"cf": [1e400]', {}, {"cf": [Decimal("1e400")]}),
    "1e400 as a count": ('"votes_count": 1e400', {}, {"votes_count": Decimal("1e400")}),
    "1e-400": ('"supporter_mrr": -1e-400', {"supporter_mrr": Decimal("-1e-400")}, None),
    "twenty digits": (
        '"supporter_mrr": 0.12345678901234567890',
        {"supporter_mrr": Decimal("0.1234567890123456789")},
        None,
    ),
    "twenty digits unknown": ('"cf": 1234567890.1234567890', {}, {"cf": Decimal("1234567890.123456789")}),
    "number as text": (
        '"supporter_mrr": "1.50", "votes_count": "7"',
        {"supporter_mrr": Decimal("1.5"), "votes_count": 7},
        None,
    ),
    "no date": ('"closed_at": "0000-00-00"', {}, {"closed_at": "0000-00-00"}),
    "no such day": ('"closed_at": "2023-02-29T00:00:00Z"', {}, {"closed_at": "2023-02-29T00:00:00Z"}),
    "offset": ('"closed_at": "2024-01-01T00:30:00.5+05:30"', {"closed_at": "2023-12-31T19:00:00.5Z"}, None),
    "epoch": ('"closed_at": 1704067200123', {"closed_at": "2024-01-01T00:00:00.123Z"}, None),
    "empty texts": (
        '"title": "", "closed_at": "", "votes_count": "", "supporter_mrr": "", "is_blocker": "", "links": ""',
        {"title": ""},
        dict.fromkeys(("closed_at", "votes_count", "supporter_mrr", "is_blocker", "links"), ""),
    ),
    "odd names": (
        '"": 1, "cv_segment.revenue": 1.5, "_extra": {"x": 1}, "_sdc_batched_at": "x", "Title": "T", "\\"; --": null',
        {},
        {
            "": 1,
            "cv_segment.revenue": Decimal("1.5"),
            EXTRA: {"x": 1},
            "_sdc_batched_at": "x",
            "Title": "T",
            '"; --': None,
        },
    ),
    "many fields": (json.dumps(MANY)[1:-1], {}, MANY),
    "5 MB": (f'"body": {json.dumps(LONG)}', {"body": LONG}, None),
    "5 MB unknown": (f'"cf": {json.dumps(LONG, ensure_ascii=False)}', {}, {"cf": LONG}),
    "nested": (f'"cf": {"[" * 300}"\\u0000"{"]" * 300}', {}, {"cf": json.loads(f'{"[" * 300}"�"{"]" * 300}')}),
}


@pytest.fixture(scope="module")
def hostile() -> Run:
    """A sync of the hostile rows, numbered from 0."""
    return load(with_ids([f"{{{members}}}" for members, _, _ in HOSTILE.values()]))


def test_hostile_rows(hostile: Run) -> None:
    """Rows that break loads elsewhere come out valid, with every value where it belongs."""
    for record, (name, (_, expected, extra)) in zip(records(hostile), HOSTILE.items(), strict=True):
        there = {key: value for key, value in record.items() if value is not None and key not in {"id", EXTRA}}
        assert same(expected, there), name
        assert same(extra, record[EXTRA]) or record[EXTRA] is extra is None, name


@pytest.mark.parametrize(("sent", "out"), [("x", "x"), (r"\u0000", "�")])
def test_deep_nesting(sent: str, out: str) -> None:
    """Everything that can be decoded is written, at any depth, whether or not a character has to be replaced."""
    depth = 700
    run = load([f'{{"id": 1, "cf": {"[" * depth}"{sent}"{"]" * depth}}}'])
    assert run.error is None, run.failures
    assert f'{"[" * depth}"{out}"{"]" * depth}' in "".join(run.lines)


def test_hostile_rows_in_postgres(hostile: Run, target_postgres: Path, postgres: str, tmp_path: Path) -> None:
    """The same rows land in PostgreSQL through target-postgres without an error, value by value as they went out."""
    config = tmp_path / "config.json"
    url = postgres.replace("://", "+psycopg://", 1)
    config.write_text(json.dumps({"sqlalchemy_url": url, "default_target_schema": "hostile"}))
    loaded = subprocess.run(
        [target_postgres, "--config", config],
        input="".join(f"{line}\n" for line in hostile.lines),
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**os.environ, "PGTZ": "UTC"},  # as meltano.yml has it
    )
    assert loaded.returncode == 0, loaded.stderr[-2000:]
    with closing(psycopg2.connect(postgres)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(row)::text FROM hostile.{STREAM} AS row ORDER BY id")  # noqa: S608 - a constant
        landed = [json.loads(text, parse_float=Decimal) for (text,) in cursor]
    for record, row, name in zip(records(hostile), landed, HOSTILE, strict=True):
        for key, value in record.items():
            if PROPERTIES.get(key, {}).get("format") == "date-time" and value is not None:
                assert parse_instant(row[key]) == parse_instant(value), name
            else:
                assert same(value, row[key]), name
