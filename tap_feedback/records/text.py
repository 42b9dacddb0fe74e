"""Texts that every target can store, and names that are free."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def replace_unstorable(record: dict[str, Any]) -> int:
    """Replace each NUL character and lone surrogate in a record's texts and names by U+FFFD, in place.

    Nested objects and lists are copied first, as the paginator compares the rows as they came.

    Returns:
        The number of texts that were changed.
    """
    replaced = 0
    containers: list[Any] = [record]
    for container in containers:  # the list grows meanwhile: a record may be nested deeper than calls can be
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
    """The name, with as many underscores behind it as it takes to differ from those that are taken."""
    while name in taken:
        name += "_"
    return name


def _rename_members(members: dict[str, Any]) -> int:
    """Replace the characters in names, without letting two names become one; the number of names that changed."""
    pairs = list(members.items())
    taken = {name for name in members if not _UNSTORABLE.search(name)}
    renamed = len(pairs) - len(taken)
    members.clear()
    for name, value in pairs:
        new = name if name in taken else free_name(_UNSTORABLE.sub(REPLACEMENT, name), taken)
        taken.add(new)
        members[new] = value
    return renamed
