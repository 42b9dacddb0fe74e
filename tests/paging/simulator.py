"""Random servers of an offset API, without HTTP, and a judge of what the paginator makes of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.page import Page
from tap_feedback.paging import Address, keys_by
from tap_feedback.paging.offset import OffsetPaging
from tap_feedback.retry import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]

ADDRESS = Address("https://api.example.com", "/v1", "/rows")
NOW = datetime(2024, 1, 31, tzinfo=timezone.utc)
#: Requests after which a sync counts as endless.
ENDLESS = 3000


class Refused(Exception):  # noqa: N818 - a response, not an error
    """The server responds with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class World:
    """A server: its rows, what happens to them before each request, and how it responds.

    Attributes:
        rows: Keys, in the order in which they are listed.
        change: What happens to the rows before a request is answered.
        size: Rows in a page at an offset, of which the request wants at most so many.
        place: The offset that is served for the one requested.
        end: The status for offsets behind the last row; 200 for an empty page.
        depth: The offset behind which nothing is served, though rows stand there; `depth_status` as `end`.
        blank_from: Number of the request from which on all pages are empty.
        hidden: Rows that are left out after a page was cut.
        total: The total that a response reports.
        signed: Whether the content of every row changes with every request.
        more: Whether rows stand behind the page served last.
    """

    rows: list[int]
    change: Callable[[World], None] = lambda world: None
    size: Callable[[int, int], int] = lambda offset, limit: limit
    place: Callable[[World, int, int], int] = lambda world, offset, limit: offset
    end: int = 200
    odd_status: int = 200
    step: int = 1
    depth: int | None = None
    depth_status: int = 200
    blank_from: int = 10**9
    hidden: frozenset[int] = frozenset()
    total: Callable[[World, list[int]], int | None] = lambda world, page: None
    signed: bool = False
    requests: int = 0
    stood: set[int] = field(default_factory=set)
    versions: dict[int, int] = field(default_factory=dict)
    shown: set[int] = field(default_factory=set)
    last_total: int | None = None
    more: bool = False
    next_key: int = 10_000

    def __post_init__(self) -> None:
        self.stood = set(self.rows) - self.hidden

    def insert(self, position: int) -> None:
        """Insert a new row."""
        self.rows.insert(position, self.next_key)
        self.next_key += 1

    def delete(self, position: int) -> None:
        """Delete a row."""
        self.stood.discard(self.rows.pop(position))

    def move(self, position: int, to: int) -> None:
        """Update a row, which moves it."""
        key = self.rows.pop(position)
        self.versions[key] = self.versions.get(key, 0) + 1
        self.rows.insert(to, key)

    def answer(self, offset: int, limit: int) -> tuple[list[Row], int | None]:
        """The rows of a page, and the total."""
        self.requests += 1
        self.change(self)
        if self.requests >= self.blank_from:
            return [], None
        if offset % self.step and self.odd_status != 200:
            raise Refused(self.odd_status)
        if self.depth is not None and offset + limit > self.depth:
            if self.depth_status != 200:
                raise Refused(self.depth_status)
            return [], None
        start = self.place(self, offset, limit)
        if start >= len(self.rows) and offset and self.end != 200:
            raise Refused(self.end)
        served = self.rows[start : start + max(0, self.size(start, limit))]
        self.more = start + len(served) < len(self.rows)
        keys = [key for key in served if key not in self.hidden]
        self.shown |= set(keys)
        total = self.total(self, keys)
        self.last_total = total if total is not None else self.last_total
        return [self._row(key) for key in keys], total

    def _row(self, key: int) -> Row:
        row = {"id": key, "version": self.versions.get(key, 0)}
        return {**row, "link": f"{key}-{self.requests}"} if self.signed else row


@dataclass
class Outcome:
    """How a sync ended: `error` is None if it succeeded."""

    keys: list[int]
    requests: int
    error: str | None
    notices: list[str]


class Answers(Protocol):
    """A server as `read` sees it."""

    requests: int

    def answer(self, offset: int, limit: int) -> tuple[list[Row], int | None]:
        """The rows of a page, and the total.

        Raises:
            Refused: The server responds with a status.
        """


def read(world: Answers, paging: OffsetPaging, *, retries: int = 3) -> Outcome:
    """Read a server through the paginator."""
    notices: list[str] = []
    paginator = paging.start(keys=keys_by(["id"]), notice=lambda _, text: notices.append(text), address=ADDRESS)
    keys: list[int] = []
    failures = 0
    while not paginator.finished and world.requests < ENDLESS:
        upcoming = paginator.upcoming(4)
        assert upcoming[0] == paginator.request
        params = upcoming[0].params
        offset, limit = params["offset"], params.get("limit", paging.limit)
        try:
            rows, total = world.answer(offset, limit)
            beside = {"total": total, "continues": isinstance(world, World) and world.more}
            keys += [row["id"] for row in paginator.take(Page(rows, beside, NOW))]
            failures = 0
        except Refused as refusal:
            try:
                recovered = paginator.recover(refusal.status)
            except (FatalAPIError, TransientError) as error:
                return Outcome(keys, world.requests, str(error), notices)
            if not recovered:
                return Outcome(keys, world.requests, f"returned {refusal.status}", notices)
        except TransientError as error:
            failures += 1
            if failures > retries:
                return Outcome(keys, world.requests, str(error), notices)
        except FatalAPIError as error:
            return Outcome(keys, world.requests, str(error), notices)
    return Outcome(keys, world.requests, None if paginator.finished else "endless", notices)


def evidence(world: World, outcome: Outcome, paging: OffsetPaging) -> str | None:
    """What in the last response shows that rows are missing; None if nothing does."""
    received = len(set(outcome.keys))
    if paging.total_path and world.last_total is not None and world.last_total > received:
        return f"the total is {world.last_total}, {received} were received"
    return None


@dataclass
class Case:
    """A random world, the settings to read it with, and why rows may be lost there without any response showing it."""

    world: World
    paging: OffsetPaging
    blind: set[str]


class Maker:
    """Makes a random case from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - made-up servers
        self.blind: set[str] = set()
        self.limit = self.chance.choice([1, 2, 3, *range(4, 13), *range(4, 13)])
        self.world = World(list(range(self.chance.randint(0, 60))))

    def make(self) -> Case:
        """A random case."""
        overlap = min(self.chance.choice([1, 1, 1, 1, 2, 3, 0]), max(self.limit - 1, 1))
        if not overlap:
            self.blind.add("no overlap")
        self.cut_pages()
        kind = self.place_offsets()
        self.limit_what_is_served()
        what = self.change_rows()
        counted = self.count_rows()
        world, sizes = self.world, {self.world.size(offset, self.limit) for offset in range(40)}
        if counted in {"capped", "page"} and (len(sizes) > 1 or world.end in {400, 422}):
            self.blind.add("a total of something else, met by chance")
        if kind == "ignored" and 1 in sizes:
            self.blind.add("one row again and again")
        if what != "nothing" and min(sizes) <= (4 if what == "front" else 2):
            self.blind.add("changes faster than tiny pages are read")
        if what == "end" and kind in {"floor", "ceil", "clamped", "whole clamped"}:
            self.blind.add("grows as fast as it is read, and does not heed offsets")
        if what == "nothing":
            self.blind -= {"whole pages", "no overlap"}
        world.signed = self.chance.random() < 0.2
        total_path = None if counted is None else "total"
        return Case(world, OffsetPaging(limit=self.limit, overlap=overlap, total_path=total_path), self.blind)

    def cut_pages(self) -> None:
        """Whole pages, pages capped at some rows, of random sizes, or cut if rows are large."""
        cap, chance = self.chance.randint(1, 12), self.chance
        self.world.size = chance.choice(
            [
                lambda offset, limit: limit,
                lambda offset, limit: limit,
                lambda offset, limit: min(cap, limit),
                lambda offset, limit: chance.randint(1, limit),
                lambda offset, limit: 1 if offset % 7 in (3, 4) else min(limit, 5),
            ]
        )

    def place_offsets(self) -> str:
        """Offsets that are honoured, moved to whole pages, ignored, or clamped; and the response behind the end."""
        world, page = self.world, self.limit
        kind = self.chance.choice(["exact"] * 8 + ["floor", "ceil", "ignored", "clamped", "last row", "whole clamped"])
        places: dict[str, Callable[[World, int, int], int]] = {
            "exact": lambda world, offset, limit: offset,
            "floor": lambda world, offset, limit: offset // limit * limit,
            "ceil": lambda world, offset, limit: -(-offset // page) * page,
            "ignored": lambda world, offset, limit: 0,
            "clamped": lambda world, offset, limit: max(0, min(offset, len(world.rows) - limit)),
            "whole clamped": lambda world, offset, limit: (
                min(offset // limit, max(0, len(world.rows) - 1) // limit) * limit
            ),
            "last row": lambda world, offset, limit: max(0, min(offset, len(world.rows) - 1)),
        }
        world.place = places[kind]
        if kind in {"floor", "ceil", "clamped", "whole clamped"}:
            world.size = lambda offset, limit: limit
        if kind in {"floor", "ceil", "whole clamped"}:
            self.blind.add("whole pages")
        if kind in {"exact", "floor"}:
            world.end = self.chance.choice([200, 200, 200, 404, 416, 400, 422])
        return kind

    def limit_what_is_served(self) -> None:
        """Sometimes a limit of depth, a quota, hidden rows, or a refusal of all but whole pages."""
        world, chance = self.world, self.chance
        limits = chance.random()
        if limits < 0.06:
            world.depth, world.depth_status = chance.randint(self.limit, 50), chance.choice([200, 404, 400])
            self.blind.add("depth")
        elif limits < 0.1:
            world.blank_from = chance.randint(2, 12)
            self.blind.add("blank")
        elif limits < 0.14:
            first = chance.randint(0, 50)
            world.hidden = frozenset(range(first, first + chance.randint(1, 20)))
            world.stood -= world.hidden
            self.blind.add("hidden")
        elif limits < 0.18:
            world.step, world.odd_status = self.limit, chance.choice([400, 404])
            world.size = lambda offset, limit: limit
            self.blind.add("whole pages")

    def change_rows(self) -> str:  # noqa: C901 - a function for each change
        """What happens to the rows before requests: nothing, or rows that come, go, move or swap places."""
        chance = self.chance
        what = chance.choice(
            ["nothing"] * 4 + ["any"] * 4 + ["front", "end", "ties", "tie once", "moves end", "moves front"]
        )
        rate, until = chance.choice([0.2, 0.5, 1.0]), chance.choice([5, 20, 10**9])

        def any_(world: World) -> None:
            for _ in range(chance.randint(1, 3)):
                if world.rows and chance.random() < 0.5:
                    world.delete(chance.randrange(len(world.rows)))
                else:
                    world.insert(chance.randint(0, len(world.rows)))

        def front(world: World) -> None:
            for _ in range(chance.choice([1, 1, 3])):
                world.insert(0)

        def ties(world: World) -> None:
            for first in range(0, len(world.rows), 4):
                group = world.rows[first : first + 4]
                chance.shuffle(group)
                world.rows[first : first + 4] = group

        def moves(world: World, to: int) -> None:
            if world.rows:
                world.move(chance.randrange(len(world.rows)), to)

        happens: dict[str, Callable[[World], None]] = {
            "nothing": lambda world: None,
            "any": any_,
            "front": front,
            "end": lambda world: world.insert(len(world.rows)),
            "ties": ties,
            "tie once": lambda world: ties(world) if world.requests == 3 else None,
            "moves end": lambda world: moves(world, len(world.rows) - 1),
            "moves front": lambda world: moves(world, 0),
        }

        def change(world: World) -> None:
            if world.requests <= until and chance.random() <= rate:
                happens[what](world)

        self.world.change = change
        if what in {"ties", "tie once", "moves front"}:
            self.blind.add(what)
        return what

    def count_rows(self) -> str | None:
        """A total of all rows, of the page, up to some number, of nothing; or none."""
        counted = self.chance.choice([None, None, "exact", "page", "capped", "wrong"])
        ceiling = self.chance.randint(1, 60)
        totals: dict[str, Callable[[World, list[int]], int | None]] = {
            "exact": lambda world, page: len(set(world.rows) - world.hidden),
            "page": lambda world, page: len(page),
            "capped": lambda world, page: min(ceiling, len(world.rows)),
            "wrong": lambda world, page: -1,
        }
        if counted is not None:
            self.world.total = totals[counted]
        return counted
