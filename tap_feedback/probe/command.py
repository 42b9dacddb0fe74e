"""Probe of all streams that the settings name: the block of settings, and the streams for which there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_feedback.connection import Connection
from tap_feedback.gate import Gates
from tap_feedback.probe.access import Access
from tap_feedback.probe.exchange import Exchange, ProbeError
from tap_feedback.probe.stream import StreamProbe
from tap_feedback.progress import count

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from tap_feedback.settings import Api, Settings


class Probed(NamedTuple):
    """The settings that were found, and why there are none for some streams, by their names."""

    block: dict[str, Any]
    missing: dict[str, str]


def probe(settings: Settings, config: Mapping[str, Any], agent: str, logger: logging.Logger) -> Probed:
    """Probe the streams that the config names in each API; all that the API has if it names none.

    Args:
        settings: The settings.
        config: The config that they are from.
        agent: The `User-Agent`.
        logger: Takes a line for each finding.
    """
    gates, block = Gates(), {}
    missing: dict[str, str] = {}
    for api in settings.apis.values():
        connection = Connection(api, agent, gates)
        try:
            block[api.name] = _probe_api(api, config[api.name], connection, missing, logger)
        finally:
            connection.close()
    return Probed(block, missing)


def _probe_api(
    api: Api, given: Mapping[str, Any], connection: Connection, missing: dict[str, str], logger: logging.Logger
) -> dict[str, Any]:
    """Return the settings of an API, without its key."""
    access = Access(is_given="auth" in given or "vendor" in given)
    found: dict[str, Any] = {}
    for name in given.get("streams") or api.streams:
        stream = api.streams[name]
        log = logger.getChild(name)
        exchange = Exchange(connection, stream)
        run = StreamProbe(
            exchange,
            access,
            say=lambda words, log=log, name=name: log.info("%s: %s", name, words),  # type: ignore[misc]
            doubt=lambda words, log=log, name=name: log.warning("%s: %s", name, words),  # type: ignore[misc]
        )
        try:
            own = given.get("streams", {}).get(name, {})
            found[name] = {part: own[part] for part in ("path", "method") if part in own} | run.run()
        except ProbeError as error:
            missing[name] = str(error)
            log.error("%s: undecided after %s: %s", name, count(exchange.sent, "request"), error)
        else:
            log.info("%s: decided after %s", name, count(exchange.sent, "request"))
    block: dict[str, Any] = {"vendor": api.vendor} if api.vendor else {}
    block |= {"base_url": api.base_url, "path_prefix": api.path_prefix}
    if access.found:
        block["auth"] = access.found
    return {**block, "streams": found}
