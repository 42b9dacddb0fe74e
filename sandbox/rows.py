"""Rows of the sandbox: each is a pure function of seed, stream and number."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from sandbox.streams import FIELDS, LINKS, PLURAL_LINKS
from sandbox.timeline import SECOND
from sandbox.values import EPOCH, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Number of rows of a stream with different contents. Further rows differ only in id and time.
POOL = 2_000
FIRST_ID = 1_000_001
ABSENT, NULL = 0.04, 0.06
#: Placeholder in a template for the time of the last update.
UPDATED = "@updated@"


def links(random: Random, stream: str) -> dict[str, Any]:
    """Return the links of a row: an id, null, or a list of ids."""
    return {
        name: [random.randrange(FIRST_ID, FIRST_ID + POOL) for _ in range(random.randrange(4))]
        if name in PLURAL_LINKS
        else random.choice((random.randrange(FIRST_ID, FIRST_ID + POOL), None))
        for name in LINKS[stream]
    }


def template(seed: int, stream: str, number: int) -> bytes:
    """Return a row as JSON, with `%` placeholders for its number and its last update."""
    random = Random(f"{seed} {stream} {number}")
    row: dict[str, Any] = {}
    for kind, names in FIELDS[stream].items():
        for name in names.split():
            fate = random.random()
            if fate >= ABSENT:
                row[name] = None if fate < ABSENT + NULL else KINDS[kind](random)
    if stream in LINKS and random.random() >= ABSENT:
        row["links"] = links(random, stream)
    row["timestamp" if stream == "feedback_data" else "updated_at"] = UPDATED
    # Some servers escape characters that are not ASCII, and some do not. Here every second row escapes them.
    text = json.dumps(row, ensure_ascii=bool(number % 2), separators=(",", ":")).replace("%", "%%")
    start = '{"id":%d,' if stream in LINKS else '{"id":"row-%d",'
    return (start + text[1:].replace(UPDATED, "%s")).encode()


@lru_cache(maxsize=4096)
def hour(number: int, offset: int) -> bytes:
    """Return the first half of a timestamp, up to the hour, in a zone `offset` hours east of UTC."""
    return (EPOCH + timedelta(hours=number + offset)).strftime("%Y-%m-%dT%H:").encode()


def stamp(number: int, instant: int) -> bytes:
    """Return the last update of a row as text: mostly in whole seconds, some with milliseconds or an offset."""
    seconds, fraction = divmod(instant, SECOND)
    hours, seconds = divmod(seconds, 3600)
    if fraction:
        return b"%s%02d:%02d.%06dZ" % (hour(hours, 0), *divmod(seconds, 60), fraction)
    style = number % 16
    if style == 5:  # noqa: PLR2004 - one row in 16
        return b"%s%02d:%02d.000Z" % (hour(hours, 0), *divmod(seconds, 60))
    if style == 11:  # noqa: PLR2004 - one row in 16
        return b"%s%02d:%02d+02:00" % (hour(hours, 2), *divmod(seconds, 60))
    return b"%s%02d:%02dZ" % (hour(hours, 0), *divmod(seconds, 60))


class Rows:
    """The rows of a stream as JSON, generated on demand."""

    def __init__(self, seed: int, stream: str) -> None:
        self._seed = seed
        self._stream = stream
        self._pool: list[bytes | None] = [None] * POOL

    def encode(self, rows: Iterable[tuple[int, int]]) -> list[bytes]:
        """Return rows as JSON, each given by its number and the instant of its last update."""
        return [self._template(number % POOL) % (FIRST_ID + number, stamp(number, instant)) for number, instant in rows]

    def _template(self, number: int) -> bytes:
        known = self._pool[number]
        if known is None:
            known = self._pool[number] = template(self._seed, self._stream, number)
        return known
