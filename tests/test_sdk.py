"""What the tap uses of the SDK beyond its documented interface: fails if a version of the SDK changes it.

Every use has its line in `METHODS` or a test of its own, with the reason.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import threading
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import pytest
from singer_sdk import Stream, Tap, plugin_base

from tap_feedback import __name__ as package
from tap_feedback.cli import NOISE, ConfigInput
from tap_feedback.client import FeedbackStream
from tap_feedback.tap import TapFeedback
from tests.runs import NOWHERE, api, catalog_of
from tests.server import RecordedRequest, Server

if TYPE_CHECKING:
    from types import FrameType


class Method(NamedTuple):
    """A method of the SDK that is private or final, and overridden."""

    own: type
    base: type
    name: str
    reason: str


METHODS = [
    Method(TapFeedback, Tap, "sync_all", "the SDK's stops at the first stream that fails, and runs one at a time"),
    Method(TapFeedback, Tap, "run_connection_test", "the SDK's writes a row of each stream, and stops at a failure"),
    Method(FeedbackStream, Stream, "_sync_records", "the SDK's handles single records, and compares bookmarks as text"),
    Method(FeedbackStream, Stream, "_write_schema_message", "the SDK calls it before the first response"),
]


class Calls:
    """The functions of this package that the SDK itself calls while the `with` block runs."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def _profile(self, frame: FrameType, event: str, arg: object) -> None:
        del arg
        caller = frame.f_back
        if event == "call" and caller is not None:
            modules = [part.f_globals.get("__name__", "") for part in (frame, caller)]
            if modules[0].startswith(package) and modules[1].startswith("singer_sdk"):
                self.found.add(frame.f_code.co_name)

    def __enter__(self) -> set[str]:
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        return self.found

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)


def one_page(asked: RecordedRequest) -> dict[str, Any]:
    """A page of one row, for a stream of any kind."""
    rows = [] if asked.query.get("offset", "0") != "0" else [{"id": 1}]
    return {asked.path.rpartition("/")[2]: rows, "data": rows}


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_methods(method: Method) -> None:
    """What the tap overrides of the SDK's private or final methods is there, and takes the same arguments."""
    assert inspect.isfunction(vars(method.base)[method.name])
    parameters = [inspect.signature(getattr(kind, method.name)).parameters for kind in (method.own, method.base)]
    assert list(parameters[0]) == list(parameters[1])


def test_methods_are_called() -> None:
    """The SDK's command, and its tests for taps, call what is overridden."""
    context = click.Context(TapFeedback.get_singer_command())
    option = next(option for option in context.command.params if option.name == "test")
    assert isinstance(option, click.Option)
    with Server(one_page) as server, redirect_stdout(TextIOWrapper(BytesIO())), Calls() as called:
        config = {"feedback": api(server.url), "emit_activate_version_messages": True}
        context.params["config"] = ConfigInput(config)
        TapFeedback.invoke(config=context.params["config"])
        for value in ("all", "schema"):
            with pytest.raises(click.exceptions.Exit):
                TapFeedback.cb_test(context, option, value)
        super(TapFeedback, TapFeedback(config=config)).run_connection_test()
    assert {method.name for method in METHODS} <= called


def test_config_input() -> None:
    """The SDK's callbacks read the config of the command line from an object with these fields.

    Its own class for that is private, and takes any JSON for an object.
    """
    theirs, own = (
        {field.name: field.type for field in dataclasses.fields(kind)}
        for kind in (plugin_base._ConfigInput, ConfigInput)  # noqa: SLF001 - the test holds it
    )
    assert own.keys() == theirs.keys()


def test_lines_that_are_not_news() -> None:
    """The lines that the log leaves out are lines of the SDK, word for word."""
    source = inspect.getsource(plugin_base)
    assert all(f'"{line}"' in source for line in NOISE)


def test_the_sdk_checks_no_settings() -> None:
    """The SDK checks its own settings by the schema on the tap, which lacks those of the APIs; the class has them all.

    Its check would write defaults into the settings, values into messages, and fail on a null in place of an object.
    """
    tap = TapFeedback(config={"analytics": api(NOWHERE, streams={"forums": {"path": "/places"}})})
    assert not tap.config_jsonschema["properties"].keys() & {"feedback", "analytics", "support"}
    assert {"feedback", "analytics", "support"} <= TapFeedback.config_jsonschema["properties"].keys()
    assert TapFeedback(config=dict(tap.config)).config == tap.config


def test_an_older_catalog_reaches_the_mapper() -> None:
    """The SDK's constructor calls `setup_mapper`, before which the streams complete the catalog."""
    config = {"feedback": api(NOWHERE)}
    catalog = catalog_of(config, "feedback_data")
    del catalog["streams"][0]["schema"]["properties"]["_extra"]
    tap = TapFeedback(config=config, catalog=catalog)
    assert "_extra" in tap.mapper.stream_maps["feedback_data"][0].transformed_schema["properties"]
