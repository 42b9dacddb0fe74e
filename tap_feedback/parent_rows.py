"""Rows of a parent stream, and what a child stream needs of each."""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_feedback.page import MISSING, Page, lookup
from tap_feedback.records.timestamps import parse_instant
from tap_feedback.request import PARENT, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tap_feedback.client import FeedbackStream

Row = dict[str, Any]


class Parent(NamedTuple):
    """What a child needs of one row of its parent.

    `digest` stands for the parent's key. `context` has the values of `{parent.…}` by field, `columns` what is added to
    each row. `unstorable` is as in a page.
    """

    digest: str
    context: Mapping[str, Any]
    columns: dict[str, Any]
    changed: datetime | None = None
    unstorable: bool = False

    def added(self, page: Page) -> Page:
        """A page of the child with the parent's columns in copies of its rows.

        Raises:
            FatalAPIError: A row has one of them with another value.
        """
        for name, value in self.columns.items() if page.rows else ():
            for row in page.rows:
                own = row.get(name)
                if own is not None and own != value and str(own) != str(value):
                    raise FatalAPIError(
                        f"a row has a `{name}` that is not its parent's; choose another name in `include_from_parent`"
                    )
        rows = [{**row, **self.columns} for row in page.rows]
        return page._replace(rows=rows, unstorable=page.unstorable or self.unstorable)


class ParentRows:
    """The rows of a parent.

    Args:
        child: The stream that is read once for each.
        stream: The stream that lists them.
    """

    def __init__(self, child: FeedbackStream, stream: FeedbackStream) -> None:
        self.stream = stream
        self.count = 0
        declaration = child.declaration
        self._columns = declaration.include_from_parent
        self._changed_field = declaration.parent_changed_field
        self._keys = stream.declaration.primary_keys
        self._of_child, self._of_parent = (f"{child.api}.streams.{name}" for name in (child.name, stream.name))
        texts = str([declaration.path, declaration.params, declaration.json, declaration.passes])
        named = [name.removeprefix(PARENT) for name in VARIABLE.findall(texts) if name.startswith(PARENT)]
        self._fields = tuple(dict.fromkeys(named))

    def read(self, since: datetime | None = None) -> Iterator[Parent]:
        """The parents in the order of their list, requested from a change on if the API can.

        Raises:
            FatalAPIError: Their list could not be read, or a row lacks what the child needs.
        """
        stream, time_range = self.stream, self.stream.time_range
        own = stream.declaration
        if since is not None and self._changed_field == own.replication_key and not own.incremental.trust_filter:
            time_range = stream.range_between(since, None, is_whole=False)
        try:
            for page in chain.from_iterable(chain.from_iterable(stream.groups(time_range))):
                for row in (stream.post_processed(page) if stream.post_processes else page).rows:
                    self.count += 1
                    yield self._parent(row, unstorable=page.unstorable)
        except FatalAPIError as error:
            error.args = (f"its parent, {stream.name}, could not be read: {error}",)
            raise

    def _parent(self, row: Row, *, unstorable: bool) -> Parent:
        """What the child needs of a row.

        Raises:
            FatalAPIError: The row lacks it.
        """
        key = [_value(row, name, f"{self._of_parent}.primary_key") for name in self._keys]
        context = {field: _value(row, field, f"{self._of_child}.path") for field in self._fields}
        for field, value in context.items():
            if not _fits_request(value):
                raise FatalAPIError(
                    f"a row has a `{field}` that cannot be part of a request; check `{self._of_child}.path`"
                )
        columns = {
            name: _value(row, field, f"{self._of_child}.include_from_parent.{name}")
            for name, field in self._columns.items()
        }
        changed = lookup(row, self._changed_field) if self._changed_field else None
        moment = None if changed is MISSING else parse_instant(changed)
        return Parent(digest(msgspec.json.encode(key)), MappingProxyType(context), columns, moment, unstorable)


def _value(row: Row, field: str, setting: str) -> Any:
    """The value of a field.

    Raises:
        FatalAPIError: The row does not have it.
    """
    value = lookup(row, field)
    if value is MISSING:
        raise FatalAPIError(f"a row has no `{field}`; check `{setting}`")
    return value


def digest(key: bytes) -> str:
    """Return a short text that stands for a key."""
    return base64.urlsafe_b64encode(hashlib.blake2b(key, digest_size=8).digest()).decode().rstrip("=")


def _fits_request(value: Any) -> bool:
    """Whether a value can stand in a path, where a dot alone, or two, would lead to another one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        return False
    text = str(value)
    return text not in {"", ".", ".."} and text.isprintable()
