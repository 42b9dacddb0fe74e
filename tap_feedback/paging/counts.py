"""The numbers by which responses count all rows and all pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_feedback.evidence import counts
from tap_feedback.page import lookup

if TYPE_CHECKING:
    from tap_feedback.page import Page


class Counts:
    """Finds these numbers in the first page with rows, and reads them in the others.

    Attributes:
        pages: The last known number of pages, and its path; None if no response has one.
        have_changed: Whether a number has ever changed.
    """

    def __init__(self) -> None:
        self.pages: tuple[int, str] | None = None
        self.have_changed = False
        self._row_paths: list[str] = []
        self._page_paths: list[str] = []
        self._is_found = False
        self._values: list[Any] = []  # in the page read last

    @property
    def is_blind(self) -> bool:
        """Whether no response counts rows."""
        return not self._row_paths

    def are_met(self, rows: int, pages: int) -> bool:
        """Whether the page read last counts so many rows, or so many pages."""
        paths = len(self._row_paths)
        return rows in self._values[:paths] or pages in self._values[paths:]

    def exceed(self, rows: int) -> bool:
        """Whether the page read last counts more rows than so many."""
        values = self._values[: len(self._row_paths)]
        return any(type(value) is int and value > rows for value in values)

    def read(self, page: Page) -> bool:
        """Read the numbers of a page; whether one has changed since the page before."""
        if not self._is_found and page.rows:
            self._row_paths, self._page_paths = counts(page)
            self._is_found = True
        for path in self._page_paths:
            number = lookup(page.response, path)
            if type(number) is int:
                self.pages = number, path
        values = [lookup(page.response, path) for path in self._row_paths + self._page_paths]
        before, self._values = self._values, values
        changed = any(type(old) is type(new) is int and old != new for old, new in zip(before, values, strict=False))
        self.have_changed = self.have_changed or changed
        return changed
