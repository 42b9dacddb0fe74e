"""Places of the rows in a response, the likeliest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_feedback.evidence import looks_like_error, plain_name
from tap_feedback.formats import is_dotted_path
from tap_feedback.page import Selection
from tap_feedback.probe.names import ASIDE, CONTAINERS, KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How deep rows are searched, and among how many objects.
MOST_DEPTH, MOST_OBJECTS = 5, 500
#: What speaks for a place: its name is that of the stream, or a usual one; its rows have a key; it has rows.
OF_STREAM, USUAL, WITH_KEY, WITH_ROWS, BESIDE = 8, 6, 3, 1, -6


class Place(NamedTuple):
    """A place that may hold the rows, and how much speaks for it."""

    path: str
    size: int
    score: int
    is_single: bool = False

    @property
    def selection(self) -> Selection:
        """How a page is read from there. HAL leaves out an empty `_embedded`."""
        return Selection((self.path,), empty_ok=self.is_embedded, single_object=self.is_single)

    @property
    def is_embedded(self) -> bool:
        """Whether it is in an object that an API leaves out if it has no rows."""
        return self.path.startswith("_embedded.")

    def __str__(self) -> str:
        """Return the place in words."""
        what = "one object" if self.is_single else f"{self.size} object{'' if self.size == 1 else 's'}"
        return f"`{self.path}` ({what})"


def places(response: Any, words: set[str]) -> list[Place]:
    """Return the places that may hold the rows of a response, the likeliest first.

    Args:
        response: The decoded response.
        words: Names that the rows may have: of the stream, and of its path; in plain letters.
    """
    found = [*_lists(response, words), *_singles(response, words)]
    return sorted(found, key=lambda place: (-place.score, -place.size))


def words_of(name: str, path: str) -> set[str]:
    """Return the names that the rows of a stream may have, in plain letters."""
    steps = [step for step in path.split("/") if step and "{" not in step]
    return {plain_name(name), *(plain_name(step.partition(".")[0]) for step in steps[-1:])}


def _lists(response: Any, words: set[str]) -> Iterator[Place]:
    """Return the lists of objects."""
    if isinstance(response, list) and _are_rows(response):
        yield Place("$", len(response), USUAL + _score_rows(response))
    waiting = [(response, "", 0)]
    for value, path, depth in waiting[:MOST_OBJECTS]:
        waiting += _inner(value, path, depth)
    for value, path, depth in waiting[:MOST_OBJECTS]:
        for name, inner in _members(value):
            if not isinstance(inner, list) or not _are_rows(inner):
                continue
            own = plain_name(name)
            score = OF_STREAM if own in words else USUAL if own in CONTAINERS else BESIDE if own in ASIDE else 0
            yield Place(f"{path}{name}", len(inner), score - depth + _score_rows(inner))


def _inner(value: Any, path: str, depth: int) -> list[tuple[Any, str, int]]:
    if depth >= MOST_DEPTH:
        return []
    found = [(inner, f"{path}{name}.", depth + 1) for name, inner in _members(value) if isinstance(inner, dict)]
    return found + [deeper for each in found for deeper in _inner(*each)]


def _members(value: Any) -> list[tuple[str, Any]]:
    """Return the members of an object that a dotted path can lead to."""
    return (
        [pair for pair in value.items() if is_dotted_path(pair[0]) and "." not in pair[0]]
        if isinstance(value, dict)
        else []
    )


def _singles(response: Any, words: set[str]) -> Iterator[Place]:
    """Return the objects that may be the only row: the response itself, or what has a usual name in it."""
    if not isinstance(response, dict):
        return
    if _key_of(response) and not any(map(looks_like_error, response)):
        yield Place("$", 1, WITH_KEY + WITH_ROWS, is_single=True)
    for name, inner in _members(response):
        own = plain_name(name)
        if isinstance(inner, dict) and (own in words or own in CONTAINERS) and _key_of(inner):
            yield Place(name, 1, WITH_KEY + WITH_ROWS + 1, is_single=True)


def _are_rows(rows: list[Any]) -> bool:
    return all(type(row) is dict for row in rows)


def _score_rows(rows: list[dict[str, Any]]) -> int:
    return (WITH_ROWS if rows else 0) + (WITH_KEY if rows and all(map(_key_of, rows)) else 0)


def _key_of(row: dict[str, Any]) -> bool:
    """Return whether a row has a value under the name of a key."""
    return any(type(row.get(name)) in (str, int) for name in KEYS)
