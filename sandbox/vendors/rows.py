"""Rows of a vendor's stream, made from its columns."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING, Any

from sandbox.values import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Columns = dict[str, Any]
Written = Callable[[datetime], Any]

#: A field that no preset knows. Its value names the row.
UNKNOWN = "x_new_field"
#: Rows that differ in more than key and times; after these the contents repeat.
POOL = 7
#: The rows were created over this time, and the last change of one was a day ago.
SPAN, QUIET = timedelta(days=400), timedelta(days=1)

#: How vendors write times.
TIMES: dict[str, Written] = {
    "iso": lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "iso_ms": lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.123Z"),
    "iso_us": lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.123456Z"),
    "offset": lambda at: at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    "no_zone": lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.123456"),
    "epoch": lambda at: int(at.timestamp()),
    "epoch_ms": lambda at: int(at.timestamp() * 1000),
    "epoch_fraction": lambda at: at.timestamp() + 0.25,
}
#: A kind of value for names of text columns that have one of these words in them.
WORDS = {
    "email": "email",
    "url": "url",
    "link": "url",
    "href": "url",
    "title": "title",
    "subject": "title",
    "company": "company",
    "name": "name",
    "lang": "language",
    "locale": "language",
    "agent": "agent",
    "status": "state",
    "state": "state",
    "text": "body",
    "body": "body",
    "comment": "body",
    "description": "body",
    "content": "body",
    "channel": "channel",
    "source": "channel",
    "ip": "ip",
}
#: Words in the name of a column that has the time of the last change.
CHANGE = ("updat", "modif", "generated", "changed")


@dataclass(slots=True)
class Row:
    """A row, with what its API knows beside its values.

    `name` is unique in the player. `kind` is what default filters look at. `shown` is the change that the row shows;
    the API may filter by a later one. `key` is the last value of its primary key that is no time.
    """

    name: str
    number: int
    key: Any
    kind: str
    created: datetime
    changed: datetime
    shown: datetime
    values: Mapping[str, Any] = field(default_factory=dict)

    def change(self) -> None:
        """Change the row now."""
        self.changed = self.shown = datetime.now(timezone.utc).replace(microsecond=0)


@dataclass(frozen=True)
class Maker:
    """Makes the rows of one stream.

    Args:
        stream: Its name.
        columns: Its columns, as in its schema, without those that the tap adds.
        key: The names of the primary key.
        times: How the vendor writes times, by column; `None` is the key for all others.
        objects: Values of some columns that are the same in all rows.
    """

    stream: str
    columns: Columns
    key: Sequence[str]
    times: Mapping[str | None, str]
    objects: Mapping[str, Any] = field(default_factory=dict)

    def make(
        self,
        count: int,
        now: datetime,
        *,
        kinds: Sequence[str] = ("",),
        lag: timedelta = timedelta(),
        owner: str = "",
        first: int = 0,
    ) -> list[Row]:
        """Return rows in the order of their creation; they change in another order.

        Args:
            count: How many.
            now: The present.
            kinds: What the rows are in turn.
            lag: By how much the change that a row shows lies before its last one; in every third row.
            owner: The row that they belong to.
            first: The number of the first row.
        """
        pool = [self._contents(number) for number in range(POOL)]
        step = (SPAN - 2 * QUIET) / max(count, 1)
        rows = []
        for number in range(first, first + count):
            name = f"{self.stream} {owner}{'/' if owner else ''}{number}"
            created = (now - SPAN + (number - first) * step).replace(microsecond=0)
            changed = min(created + timedelta(days=number * 5 % 17, seconds=number * 7 % 100), now - QUIET)
            changed = changed.replace(microsecond=0)
            rows.append(
                Row(
                    name=name,
                    number=number,
                    key=self._identifier(name, number),
                    kind=kinds[number % len(kinds)],
                    created=created,
                    changed=changed,
                    shown=max(changed - lag, created) if number % 3 == 1 else changed,
                    values=pool[number % POOL],
                )
            )
        return rows

    def render(self, row: Row) -> dict[str, Any]:
        """Return a row as its API returns it."""
        rendered = {**row.values, UNKNOWN: row.name}
        for name in self.key:
            if name in rendered:
                rendered[name] = row.key
        for name, is_change in self._moments.items():
            if name in rendered:
                rendered[name] = self.written(name)(row.shown if is_change else row.created)
        return rendered

    def written(self, column: str) -> Written:
        """Return how the vendor writes the times of a column."""
        return TIMES[self.times.get(column, self.times[None])]

    @property
    def _moments(self) -> dict[str, bool]:
        """Columns with a time, each with whether it is that of the last change."""
        return {
            name: any(word in name.lower() for word in CHANGE)
            for name, column in self.columns.items()
            if is_time(column)
        }

    def _identifier(self, name: str, number: int) -> Any:
        owner = sum(map(ord, name.partition(" ")[2].rpartition("/")[0]))
        column = self.columns.get([name for name in self.key if not is_time(self.columns.get(name, {}))][-1], {})
        if "integer" in types(column):
            return 10_000_000 * owner + 1_000_001 + number
        return base64.b32encode(f"{owner}:{number}".encode()).decode().rstrip("=").lower()

    def _contents(self, number: int) -> dict[str, Any]:
        """Values for all columns; every row but the first has one null."""
        random = Random(f"{self.stream} {number}")
        contents = {name: value_of(name, column, random) for name, column in self.columns.items()}
        free = [name for name in contents if name not in self.key and name not in {*self._moments, *self.objects}]
        if free and number:
            contents[free[number % len(free)]] = None
        return {**contents, **self.objects}


def is_time(column: Mapping[str, Any]) -> bool:
    """Return whether a column has points in time."""
    return column.get("format") == "date-time"


def types(column: Mapping[str, Any]) -> list[str]:
    """Return the types of a column."""
    found = column.get("type", "string")
    return [found] if isinstance(found, str) else list(found)


def value_of(name: str, column: Mapping[str, Any], random: Random) -> Any:
    """Return a believable value of a column."""
    kind = next(kind for kind in types(column) if kind != "null")
    if kind == "string":
        return "2024-02-29" if column.get("format") == "date" else text_of(name, random)
    if kind == "integer" and ("score" in name or "rating" in name):
        return random.randint(0, 10)
    values: dict[str, Any] = {
        "boolean": KINDS["flag"](random),
        "integer": random.randint(1, 99_999),
        "number": round(random.uniform(0, 10), 2),
        "object": {"id": random.randint(1, 999), "name": KINDS["name"](random), "note": None},
        "array": [{"id": number, "label": KINDS["title"](random)} for number in range(random.randint(0, 2))],
    }
    return values[kind]


def text_of(name: str, random: Random) -> str:
    """Return a believable text for a column of this name."""
    kind = next((kind for word, kind in WORDS.items() if word in name.lower()), "token")
    return str(KINDS[kind](random))
