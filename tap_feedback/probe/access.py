"""Search for how an API wants its key."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from tap_feedback import redaction
from tap_feedback.auth import Auth
from tap_feedback.evidence import error_in
from tap_feedback.probe.names import ACCESSES
from tap_feedback.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.probe.exchange import Exchange, Reply

    Say = Callable[[str], None]

UNAUTHORIZED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class Access:
    """How the key of one API is sent: as the settings say, or as a stream found it.

    Args:
        is_given: Whether the settings say it.

    Attributes:
        found: The settings of the auth that worked, if the settings had none or another one.
    """

    def __init__(self, *, is_given: bool) -> None:
        self.found: dict[str, Any] | None = None
        self._is_given = is_given
        self._is_proven = False

    def first_reply(self, exchange: Exchange, say: Say) -> Reply:
        """Return the reply to a stream's first request, with the first auth that the API accepts.

        Raises:
            BudgetSpentError: No request is left.
            ProbeError: As `Exchange.request`.
        """
        connection = exchange.connection
        given, first = connection.api.auth, None
        ways = [] if self._is_proven else [auth for auth in _ways(connection.api.api_key) if auth != given]
        for auth in [given, *ways] if self._is_given or self._is_proven else [*_ways(connection.api.api_key)]:
            if auth != connection.api.auth:
                connection.sign_by(auth)
            reply = exchange.get()
            first = first or reply
            if not self._is_refused(reply):
                if not self._is_proven and reply.failure is None:
                    self._accept(auth, is_given=self._is_given and auth == given, say=say)
                return reply
        if not self._is_proven:
            connection.sign_by(given)
            tried = ", ".join(_words(auth) for auth in ways) if ways else ""
            say(f"the API refuses the key; tried were {tried}" if tried else "the API refuses the key")
        return first or exchange.get()

    def _is_refused(self, reply: Reply) -> bool:
        """Return whether the API refuses the key; some do so under status 200, or call the request bad without it."""
        if reply.failure is None:
            return not self._is_proven and error_in(reply.response, "$.*", empty=True) is not None
        return reply.status in UNAUTHORIZED or (reply.status == HTTPStatus.BAD_REQUEST and not self._is_given)

    def _accept(self, auth: Auth, *, is_given: bool, say: Say) -> None:
        self._is_proven = True
        if not is_given:
            self.found = msgspec.to_builtins(auth)
            say(f"the API accepts {_words(auth)}")


def _ways(key: str) -> list[Auth]:
    """Return the usual ways in which this key can be sent."""
    auths: list[Auth] = [msgspec.convert(way, Auth) for way in ACCESSES]
    for way in ACCESSES:
        if "name" in way:
            redaction.redactor.add(Secret(key, way["name"]))
    return [auth for auth in auths if not any(auth.faults(key))]


def _words(auth: Auth) -> str:
    """Return an auth in words."""
    block = msgspec.to_builtins(auth)
    if block["type"] == "bearer":
        return "the key as a bearer token (`auth.type` bearer)"
    if block["type"] == "http_basic":
        return "the key as the user name of basic auth (`auth.type` http_basic)"
    place = "parameter" if block.get("location", "query") == "query" else "header"
    prefix = f" behind `{block['prefix'].strip()}`" if block.get("prefix") else ""
    return f"the key in the {place} `{block.get('name', 'api_key')}`{prefix}"
