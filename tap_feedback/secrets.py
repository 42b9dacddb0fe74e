"""Secrets of a config: its keys, and what it has under the names of secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_feedback.redaction import Secret
from tap_feedback.secret_names import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def secrets(config: Mapping[str, Any], apis: Iterable[str]) -> list[Secret]:
    """The secrets of a config, whatever else is wrong with it.

    They are the keys, and what its headers, parameters and other settings have under the name of a secret.

    Args:
        config: What was read.
        apis: Names of the APIs.
    """
    found: list[Secret] = []
    for api in (config[name] for name in apis if isinstance(config.get(name), Mapping)):
        found += _secrets_in(api)
        # A short key is masked only behind its name, which may be another one in requests.
        auth = api.get("auth")
        if isinstance(auth, Mapping) and isinstance(auth.get("name"), str):
            found += _secrets_in(api.get("api_key"), auth["name"])
    return found


def _secrets_in(value: Any, name: str = "") -> Iterator[Secret]:
    """What in a value is secret.

    Args:
        value: Any part of a config.
        name: The name of a secret, if this is its value.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets_in(item, str(key) if is_secret_name(str(key)) else "")
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets_in(item, name)
    elif name and isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
        yield Secret(str(float(value)) if isinstance(value, Decimal) else str(value), name)
