"""Texts that every target can store, and unique names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def replace_unstorable(record: dict[str, Any]) -> int:
    """Replace each NUL character and lone surrogate in a record's texts and names by U+FFFD, in place.

    Nested objects and lists are copied first, as the paginator compares the original rows.

    Returns:
        The number of changed texts.
    """
    replaced = 0
    containers: list[Any] = [record]
    for container in containers:  # the list grows during the loop; recursion would fail on deep records
        pairs: Iterable[tuple[Any, object]]
        if isinstance(container, dict):
            names = "".join(container)
            if not names.isascii() or "\x00" in names:
                replaced += _rename_members(container)
            pairs = container.items()
        else:
            pairs = enumerate(container)
        for place, value in pairs:
            if type(value) is str:
                if not value.isascii() or "\x00" in value:
                    container[place], count = _UNSTORABLE.subn(REPLACEMENT, value)
                    replaced += count > 0
            elif type(value) is dict or type(value) is list:
                container[place] = inner = value.copy()
                containers.append(inner)
    return replaced


def free_name(name: str, taken: Container[str]) -> str:
    """Return the name, with underscores appended until it differs from all taken names."""
    while name in taken:
        name += "_"
    return name


def _rename_members(members: dict[str, Any]) -> int:
    """Replace the characters in names, keeping them distinct, and return the number of changed names."""
    pairs = list(members.items())
    taken = {name for name in members if not _UNSTORABLE.search(name)}
    renamed = len(pairs) - len(taken)
    members.clear()
    for name, value in pairs:
        new = name if name in taken else free_name(_UNSTORABLE.sub(REPLACEMENT, name), taken)
        taken.add(new)
        members[new] = value
    return renamed
