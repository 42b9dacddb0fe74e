"""Secrets of a config: its keys, and the values of settings with the name of a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_feedback.redaction import Secret
from tap_feedback.secret_names import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable


def secrets(config: Mapping[str, Any], apis: Iterable[str]) -> list[Secret]:
    """Return the secrets of a config, even if the config is invalid.

    They are the keys, and the values of headers, parameters and other settings with the name of a secret.

    Args:
        config: The config as it was read.
        apis: Names of the APIs.
    """
    found: list[Secret] = list(_secrets_in(config.get("batch_config")))
    for api in (config[name] for name in apis if isinstance(config.get(name), Mapping)):
        found += _secrets_in(api)
        # A short key is masked only after its name, and requests may use another name for it.
        auth = api.get("auth")
        if isinstance(auth, Mapping) and isinstance(auth.get("name"), str):
            found += _secrets_in(api.get("api_key"), auth["name"])
    return found


def _secrets_in(value: Any, name: str = "") -> Iterator[Secret]:
    """Yield the secrets in a value.

    Args:
        value: Any part of a config.
        name: The name of the secret, if this is its value.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets_in(item, str(key) if is_secret_name(str(key)) else "")
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets_in(item, name)
    elif name and isinstance(value, (str, int, float, Decimal)) and not isinstance(value, bool):
        yield Secret(str(float(value)) if isinstance(value, Decimal) else str(value), name)
