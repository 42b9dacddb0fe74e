"""Random servers of an API with numbered pages, without HTTP, and what the paginator makes of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.page import Page
from tap_feedback.paging import keys_by
from tap_feedback.paging.page_number import PageNumberPaging
from tap_feedback.retry import TransientError
from tests.paging.simulator import ADDRESS, ENDLESS, NOW, Outcome, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]


@dataclass
class NumberedWorld:
    """A server: its rows, what happens to them before each request, and how it responds.

    Attributes:
        rows: Keys, in the order in which they are listed.
        size: The rows of a page, for the number that is requested; it may cap it.
        change: What happens to the rows before a request is answered.
        base: Number of the first page.
        behind: What comes behind the last page: "empty", "404", "last" (page) or "first" (page).
        ignores: Whether every number gets the first page.
        blank_from: Number of the request from which on all pages are empty.
        hidden: Rows that are left out after a page was cut.
        beside: What a response has beside the rows; it is given the world, the number and the rows of the page.
        signed: Whether the content of every row changes with every request.
    """

    rows: list[int]
    size: Callable[[int], int] = lambda limit: limit
    change: Callable[[NumberedWorld], None] = lambda world: None
    base: int = 1
    behind: str = "empty"
    ignores: bool = False
    blank_from: int = 10**9
    hidden: frozenset[int] = frozenset()
    beside: Callable[[NumberedWorld, int, int], dict[str, Any]] = lambda world, number, pages: {}
    signed: bool = False
    requests: int = 0
    stood: set[int] = field(default_factory=set)
    versions: dict[int, int] = field(default_factory=dict)
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

    def move_to_end(self, position: int) -> None:
        """Update a row, which moves it."""
        key = self.rows.pop(position)
        self.versions[key] = self.versions.get(key, 0) + 1
        self.rows.append(key)

    def respond(self, number: int, limit: int) -> tuple[list[Row], dict[str, Any]]:
        """The rows of a page, and the other members of the response."""
        self.requests += 1
        self.change(self)
        size = self.size(limit)
        pages = -(-len(self.rows) // size)
        place = 0 if self.ignores else number - self.base
        beside = self.beside(self, number, pages)
        if self.requests >= self.blank_from:
            return [], beside
        if place >= max(pages, 1) and self.behind != "empty":
            if self.behind == "404":
                raise Refused(404)
            place = max(pages - 1, 0) if self.behind == "last" else 0
        keys = [key for key in self.rows[place * size : (place + 1) * size] if key not in self.hidden]
        rows: list[Row] = [{"id": key, "version": self.versions.get(key, 0)} for key in keys]
        return [{**row, "link": self.requests} for row in rows] if self.signed else rows, beside


def read(world: NumberedWorld, paging: PageNumberPaging, *, retries: int = 3) -> Outcome:
    """Read a world through the paginator."""
    notices: list[str] = []
    paginator = paging.start(keys=keys_by(["id"]), notice=lambda _, text: notices.append(text), address=ADDRESS)
    keys: list[int] = []
    failures = 0
    while not paginator.finished and world.requests < ENDLESS:
        upcoming = paginator.upcoming(4)
        assert upcoming[0] == paginator.request
        assert upcoming[0].is_first == (not keys and not world.requests) or not keys
        params = upcoming[0].params
        try:
            rows, beside = world.respond(params[paging.page_param], params.get("limit", paging.limit))
            keys += [row["id"] for row in paginator.take(Page(rows, {"data": rows, **beside}, NOW))]
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


@dataclass
class NumberedCase:
    """A random world, the settings to read it with, and why rows may be lost there without any response showing it."""

    world: NumberedWorld
    paging: PageNumberPaging
    blind: set[str]
    what: str


def make(seed: int) -> NumberedCase:  # noqa: C901, PLR0915 - a choice for each trait of a server
    """A random case."""
    chance = random.Random(seed)  # noqa: S311 - made-up servers
    blind: set[str] = set()
    limit = chance.choice([1, 2, 3, *range(4, 13), *range(4, 13)])
    world = NumberedWorld(list(range(chance.randint(0, 60))), base=chance.choice([1, 1, 0]))
    cap = chance.randint(2, 12)
    caps = chance.random() < 0.3
    world.size = (lambda limit: min(limit, cap)) if caps else (lambda limit: limit)
    world.behind = chance.choice(["empty", "empty", "404", "last", "first"])
    world.ignores = chance.random() < 0.1
    world.signed = chance.random() < 0.2
    limit_param = chance.choice(["limit", None])
    overlap = chance.choice([0, 0, 1, 2])
    counted = chance.choice(["nothing", "pages", "flag", "rows", "rows", "pages found", "rows and flag"])
    size = world.size(limit)

    def beside(world: NumberedWorld, number: int, pages: int) -> dict[str, Any]:
        more = number - world.base + 1 < pages
        found: dict[str, dict[str, Any]] = {
            "nothing": {},
            "pages": {"meta": {"page_total": pages}},
            "flag": {"more_left": more},
            "rows": {"total": len(world.rows)},
            "pages found": {"total_pages": pages},
            "rows and flag": {"total": len(world.rows), "more_left": more},
        }
        return found[counted]

    world.beside = beside
    total_path = "meta.page_total" if counted == "pages" else None
    has_more_path = "more_left" if "flag" in counted else None
    limits = chance.random()
    if limits < 0.06:
        world.blank_from = chance.randint(2, 8)
        if counted not in {"pages", "pages found"}:
            blind.add("blank")
    elif limits < 0.1:
        first = chance.randint(0, 50)
        world.hidden = frozenset(range(first, first + chance.randint(1, 20)))
        world.stood -= world.hidden
        if counted not in {"pages", "pages found"}:
            blind.add("hidden")
    what = chance.choice(["nothing"] * 4 + ["deletes", "deletes", "inserts", "front", "end", "any", "moves"])
    rate, until = chance.choice([0.2, 0.5, 1.0]), chance.choice([5, 20, 10**9])

    def change(world: NumberedWorld) -> None:
        if world.requests > until or chance.random() > rate or what == "nothing":
            return
        kind = chance.choice(["deletes", "inserts"]) if what == "any" else what
        if kind == "deletes" and world.rows:
            world.delete(chance.randrange(len(world.rows)))
        elif kind == "moves" and world.rows:
            world.move_to_end(chance.randrange(len(world.rows)))
        elif kind in {"inserts", "front", "end"}:
            places = {"front": 0, "end": len(world.rows)}
            world.insert(places.get(kind, chance.randint(0, len(world.rows))))

    world.change = change
    if (
        what in {"deletes", "any", "moves"}
        and not overlap
        and (counted not in {"rows", "rows and flag"} or what == "moves")
    ):
        blind.add("rows go, and no response shows it")
    if what == "moves" and rate == 1:
        blind.add("rows that move again and again")
    if what == "any":
        blind.add("rows that come hide that others go")
    if what != "nothing" and size <= 3 * (1 + overlap):
        blind.add("changes as fast as tiny pages are read")
    paging = PageNumberPaging(
        limit=limit,
        limit_param=limit_param,
        base_page=world.base,
        overlap=overlap,
        total_path=total_path,
        has_more_path=has_more_path,
    )
    traits = (
        f"{what} {counted} {world.behind} overlap {overlap} size {size}/{limit} {limit_param} rows {len(world.rows)} "
    )
    traits += (
        f"ignores {world.ignores} rate {rate} until {until} hidden {sorted(world.hidden)} blank {world.blank_from}"
    )
    return NumberedCase(world, paging, blind, traits)
