"""Counts of all rows and of all pages in the responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_feedback.evidence import counts
from tap_feedback.page import lookup

if TYPE_CHECKING:
    from tap_feedback.page import Page


class Counts:
    """Finds the counts in the first page with rows, and reads them in the others.

    Attributes:
        pages: The last known number of pages, and its path; None if no response has it.
        have_changed: Whether a count has changed since the first page.
    """

    def __init__(self) -> None:
        self.pages: tuple[int, str] | None = None
        self.have_changed = False
        self._row_paths: list[str] = []
        self._page_paths: list[str] = []
        self._is_found = False
        self._values: list[Any] = []  # in the last page

    @property
    def is_blind(self) -> bool:
        """Whether the responses do not count rows."""
        return not self._row_paths

    def are_met(self, rows: int, pages: int) -> bool:
        """Return whether the last page counts this number of rows, or this number of pages."""
        paths = len(self._row_paths)
        return rows in self._values[:paths] or pages in self._values[paths:]

    def exceed(self, rows: int) -> bool:
        """Return whether the last page counts more than this number of rows."""
        values = self._values[: len(self._row_paths)]
        return any(type(value) is int and value > rows for value in values)

    def read(self, page: Page) -> bool:
        """Read the counts of a page, and return whether one has changed since the page before."""
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
