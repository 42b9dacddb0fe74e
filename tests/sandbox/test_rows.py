"""The rows of the sandbox: believable, ordered, and the same for the same seed."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from importlib.resources import files
from itertools import pairwise

import pytest

from sandbox import Sandbox
from sandbox.streams import FIELDS, LINKS, STREAMS, Stream
from sandbox.timeline import Timeline
from tests.sandbox.client import ROWS, instant

pytestmark = pytest.mark.unit
SANDBOX = Sandbox(rows=ROWS)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_rows_are_believable_and_have_their_fields(stream: Stream) -> None:
    """Every field appears, none is unknown, and values are null or absent now and then."""
    rows = list(SANDBOX.rows(stream.name))
    fields = {name for names in FIELDS[stream.name].values() for name in names.split()}
    seen = {name for row in rows for name in row}
    assert fields <= seen <= fields | {"id", "updated_at", "timestamp", "links"}
    for name in fields:
        assert any(row.get(name, 0) is None for row in rows)
        assert any(name not in row for row in rows)
    for name in LINKS.get(stream.name, {}):
        assert any(row["links"][name] for row in rows if "links" in row)
    assert {type(row["id"]) for row in rows} == {int if stream.api == "analytics" else str}
    assert len({row["id"] for row in rows}) == ROWS


def test_fields_are_those_of_the_schemas() -> None:
    """Beyond the fields of the tap's schemas there are custom fields, and two for each of the other APIs."""
    extra = {}
    for stream in STREAMS:
        schema = json.loads((files("tap_feedback") / "schemas" / f"{stream.name}.json").read_text(encoding="utf-8"))
        known = set(schema["properties"]) - {"_extra"}
        seen = {name for row in SANDBOX.rows(stream.name) for name in row}
        assert known <= seen
        extra[stream.name] = seen - known
        if "links" in schema["properties"]:
            assert set(schema["properties"]["links"].get("properties", {})) == set(LINKS[stream.name])
    assert extra.pop("feedback_data") == {"language", "rating"}
    assert extra.pop("customer_support_data") == {"messages", "subject"}
    assert all(name.startswith(("cf_", "cv_")) for names in extra.values() for name in names)
    assert "cv_sample_segment.revenue" in extra["suggestions"]


def test_texts_are_of_many_kinds() -> None:
    """Texts have emoji, several scripts, line breaks, quotes, backslashes and percent signs."""
    text = "".join(row.get("feedback_text") or "" for row in SANDBOX.rows("feedback_data"))
    assert {"🌙", "検", "ש", "\n", '"', "\\", "%", "\t", "é"} <= set(text)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_updates_are_strictly_ordered_and_past(stream: Stream) -> None:
    """The time of the last update grows from row to row, has three notations, and is in the past."""
    rows = list(SANDBOX.rows(stream.name))
    assert all(instant(before) < instant(after) for before, after in pairwise(rows))
    assert instant(rows[-1]) < datetime.now(timezone.utc)
    texts = [row.get("updated_at") or row["timestamp"] for row in rows]
    notations = ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00+00:00")
    assert {len(text) for text in texts} == set(map(len, notations))
    assert sum(len(text) == 20 for text in texts) > ROWS * 0.8


def test_rows_depend_on_seed_stream_and_number_alone() -> None:
    """The same seed gives the same rows, however many there are; another seed gives others."""
    few, other = Sandbox(rows=20), Sandbox(rows=20, seed=2)
    for stream in STREAMS:
        rows = list(few.rows(stream.name))
        assert rows == list(SANDBOX.rows(stream.name))[:20]
        assert rows != list(other.rows(stream.name))


def test_timeline_counts_agree_with_its_rows() -> None:
    """After changes in many places, every slice and every count of a timeline agrees with the list of its rows."""
    timeline = Timeline.of(10)
    for number, now in ((3, 10**15), (9, 10**15), (0, 2 * 10**15), (3, 2 * 10**15)):
        timeline = timeline.updated(number, now).added(2, now)
    rows = list(timeline.rows(0, len(timeline)))
    assert sorted(number for number, _ in rows) == list(range(18))
    assert all(before < after for (_, before), (_, after) in pairwise(rows))
    for place, (_, when) in enumerate(rows):
        assert (timeline.before(when), timeline.before(when + 1)) == (place, place + 1)
        assert all(list(timeline.rows(place, end)) == rows[place:end] for end in range(place, 20))
    assert list(Timeline.of(0).added(2, 100).rows(0, 9)) == [(0, 99), (1, 100)]
