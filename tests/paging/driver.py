"""Paginators without HTTP: each request is given to a function, which returns the response."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalAPIError

from tap_feedback.page import MISSING, Page
from tap_feedback.paging import keys_by
from tap_feedback.retry import TransientError
from tests.paging.simulator import ADDRESS, NOW, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.paging import PageRequest, Paging

    Respond = Callable[[PageRequest], Any]


@dataclass
class Sync:
    """What a sync requested and emitted, and how it ended; `error` is None if it succeeded."""

    requests: list[PageRequest] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    error: str | None = None

    def sent(self, name: str) -> list[Any]:
        """The values that a parameter had."""
        return [request.params.get(name) for request in self.requests]


@dataclass
class Response:
    """A response with headers."""

    body: Any
    headers: dict[str, str] = field(default_factory=dict)


def rows(*keys: Any) -> list[dict[str, Any]]:
    """Rows with these ids."""
    return [{"id": key} for key in keys]


def refuse(status: int) -> Any:
    """Refuse a request.

    Raises:
        Refused: Always.
    """
    raise Refused(status)


def page_of(response: Any) -> Page:
    """A response as a page."""
    if not isinstance(response, Response):
        response = Response(MISSING if response is None else response)
    found = [] if response.body is MISSING else response.body["data"]
    return Page(found, response.body, NOW, headers=response.headers)


def drive(paging: Paging, respond: Respond, *, retries: int = 3) -> Sync:
    """Read all pages, whose rows are at `data`; a response of None has no content."""
    sync = Sync()
    paginator = paging.start(keys=keys_by(["id"]), notice=lambda _, text: sync.notices.append(text), address=ADDRESS)
    failures = 0
    while not paginator.finished and len(sync.requests) < 1000:
        request = paginator.request
        sync.requests.append(request)
        try:
            try:
                response = respond(request)
            except Refused as refusal:
                if not paginator.recover(refusal.status):
                    sync.error = f"returned {refusal.status}"
            else:
                sync.keys += [row["id"] for row in paginator.take(page_of(response))]
                failures = 0
        except TransientError as error:
            failures += 1
            sync.error = str(error) + error.hint if failures > retries else None
        except FatalAPIError as error:
            sync.error = str(error)
        if sync.error is not None:
            return sync
    sync.error = None if paginator.finished else "endless"
    return sync
