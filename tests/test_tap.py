"""Discovery, settings and states."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tap_feedback.sync import SIGNALS
from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS
from tests.runs import NOWHERE, api, catalog_of, run_tap, sync, written_by
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

NAMES = sorted(name for streams in STREAMS.values() for name in streams)


# Discovery


def test_discovery_without_config() -> None:
    """Discovery needs no settings, and lists the eight streams with their keys."""
    run = run_tap("--discover")
    assert run.returncode == 0
    entries = {entry["tap_stream_id"]: entry for entry in json.loads(run.stdout)["streams"]}
    assert sorted(entries) == NAMES
    for name, entry in entries.items():
        incremental = name in STREAMS["analytics"]
        assert entry["key_properties"] == ["id"]
        assert entry.get("replication_key") == ("updated_at" if incremental else None)
        assert entry["replication_method"] == ("INCREMENTAL" if incremental else "FULL_TABLE")
        jsonschema.Draft7Validator.check_schema(entry["schema"])


@pytest.mark.parametrize("apis", [["feedback"], ["analytics"], ["feedback", "support"]])
def test_discovery_with_config(apis: list[str]) -> None:
    """Discovery with settings lists the streams of the APIs that are set, and sends no request."""
    catalog = TapFeedback(config={name: api(NOWHERE) for name in apis}).catalog_dict
    found = [entry["tap_stream_id"] for entry in catalog["streams"]]
    assert found == sorted(stream for name in apis for stream in STREAMS[name])


def test_discovered_catalog_can_be_synced(write: Callable[..., str], shared: Sandbox) -> None:
    """What discovery writes without settings is a catalog to sync all streams by."""
    catalog = write("catalog.json", run_tap("--discover").stdout)
    run = run_tap("--config", write("config.json", shared.config), "--catalog", catalog)
    assert run.returncode == 0
    assert {name: len(written_by(run).records(name)) for name in NAMES} == dict.fromkeys(NAMES, 120)


# Settings


def test_the_config_stays_as_given() -> None:
    """The SDK writes no defaults into the settings, in which each setting given means something."""
    config = {"feedback": api(NOWHERE), "stream_maps": {"feedback_data": {}}, "flattening_enabled": False}
    given = json.loads(json.dumps(config))
    tap = TapFeedback(config=config)
    assert tap.config == config == given


def test_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `parse_env_config`, variables take precedence over the config, setting by setting."""
    monkeypatch.setenv("TAP_FEEDBACK_FEEDBACK_PAGINATOR_LIMIT", "7")
    given = {"feedback": api(NOWHERE)}
    assert TapFeedback(config=given, parse_env_config=True).settings.apis["feedback"].paginator.limit == 7
    assert TapFeedback(config=given).settings.apis["feedback"].paginator.limit == 100


def test_no_api() -> None:
    """A sync without an API says what to set."""
    for config in ({}, {"start_date": "2024-01-01"}):
        run = sync(config)
        assert run.error == (
            "no API is set: set `feedback`, `analytics` or `support`, each with its `base_url` and `api_key`"
        )
        assert not run.messages


def test_signal_handlers_stay() -> None:
    """The SDK's constructor installs handlers that end the process with exit code 0; the tap restores the others."""
    before = [signal.getsignal(number) for number in SIGNALS]
    TapFeedback(config={"feedback": api(NOWHERE)})
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_signal_interrupts_discovery() -> None:
    """Discovery may send requests, and wait long for them; the handlers of signals run meanwhile."""
    received = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: received.set())

    def answer(_: RecordedRequest) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        interrupted.append(received.wait(5))
        return {"data": []}

    interrupted: list[bool] = []
    try:
        with Server(answer) as server:
            settings = {"paginator": {"type": "single_page"}, "streams": {"feedback_data": {"schema": "infer"}}}
            TapFeedback(config={"feedback": api(server.url, **settings)})
    finally:
        signal.signal(signal.SIGTERM, before)
    assert interrupted[0]


# Progress


def test_progress_of_streams_that_wait_or_failed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While streams run, each has its line, even before its first response; one that failed says so."""
    caplog.set_level("INFO")
    monkeypatch.setattr("tap_feedback.sync.PROGRESS_INTERVAL", 0.05)
    monkeypatch.setattr("tap_feedback.progress.LONG_WAIT", 0)
    lines = (
        "feedback_data: failed; the other streams continue",
        "customer_support_data: 0 rows in 0 pages, 0 rows/s, waiting 0 s for a response",
    )

    def answer(asked: RecordedRequest) -> Any:
        if asked.path.endswith("/feedback"):
            return Reply({}, 401)
        until = time.monotonic() + 20
        while time.monotonic() < until and not all(line in caplog.text for line in lines):
            time.sleep(0.01)
        return {"data": []}

    with Server(answer) as server:
        run = sync({"feedback": api(server.url), "support": api(server.url)})
    assert list(run.failures) == ["feedback_data"]
    for line in lines:
        assert line in caplog.text


# States


def bookmark(value: Any) -> dict[str, Any]:
    """A state with a bookmark of `forums`."""
    return {"bookmarks": {"forums": {"replication_key": "updated_at", "replication_key_value": value}}}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"type": "STATE", "value": bookmark("2024-01-01T00:00:00Z")}, "state: not a Singer state"),
        (bookmark("yesterday"), "state: the bookmark of forums is not a point in time"),
        (bookmark({}), "state: the bookmark of forums is not a point in time"),
        (bookmark(True), "state: the bookmark of forums is not a point in time"),  # noqa: FBT003 - a value of JSON
        (bookmark("2123-01-01T00:00:00Z"), "state: the bookmark of forums is in the future"),
    ],
)
def test_wrong_states(state: dict[str, Any], words: str) -> None:
    """A state that cannot be followed is refused before any request is sent."""
    run = sync({"analytics": api(NOWHERE)}, state=state)
    assert words in str(run.error)
    assert not run.messages


def test_state_of_another_stream(caplog: pytest.LogCaptureFixture) -> None:
    """A bookmark of an unknown stream is logged, as its name may be misspelt."""
    with Server(lambda asked: {}) as server:
        TapFeedback(config={"analytics": api(server.url)}, state={"bookmarks": {"forumz": {}}})
    assert "state: ignoring the bookmark of unknown stream 'forumz'" in caplog.text


# Replication


def select(config: dict[str, Any], stream: str, **metadata: str) -> dict[str, Any]:
    """The catalog with one stream selected, and more in the metadata of that."""
    catalog = catalog_of(config, stream)
    for entry in catalog["streams"]:
        root = next(item["metadata"] for item in entry["metadata"] if not item["breadcrumb"])
        root.update({name.replace("_", "-"): value for name, value in metadata.items() if root.get("selected")})
    return catalog


def test_incremental_stream_as_full_table(shared: Sandbox) -> None:
    """A catalog can have an incremental stream read whole, without a bookmark."""
    catalog = select(shared.config, "forums", replication_method="FULL_TABLE")
    state = bookmark("2026-01-01T00:00:00Z")
    run = sync(shared.config, catalog=catalog, state=state)
    assert run.error is None
    assert len(run.records("forums")) == 120
    assert run.state == state


def test_full_table_stream_as_incremental(shared: Sandbox) -> None:
    """A catalog can give a full-table stream a replication key, and have it read from its bookmark."""
    key = {"replication_method": "INCREMENTAL", "replication_key": "updated_at"}
    catalog = select(shared.config, "customer_support_data", **key)
    first = sync(shared.config, catalog=catalog)
    second = sync(shared.config, catalog=catalog, state=first.state)
    assert first.error is second.error is None
    assert len(first.records("customer_support_data")) == 120
    assert first.state["bookmarks"]["customer_support_data"]["replication_key"] == "updated_at"
    assert len(second.records("customer_support_data")) == 1
    assert first.schema("customer_support_data")["bookmark_properties"] == ["updated_at"]


def test_state_of_one_run_in_the_next(sandbox: Sandbox) -> None:
    """A run that gets the state of the one before reads what has changed since, and the row at the bookmark."""
    first = sync(sandbox.config)
    sandbox.add("suggestions", 3)
    sandbox.update("suggestions", 7)
    second = sync(sandbox.config, state=first.state)
    third = sync(sandbox.config, state=second.state)
    assert first.error is second.error is third.error is None
    assert len(first.records("suggestions")) == 250
    assert len(second.records("suggestions")) == 1 + 3 + 1
    assert len(third.records("suggestions")) <= 3 + 1  # what changed in the second in which the second run began
    assert len(second.records("forums")) == 1
    assert second.state["bookmarks"]["forums"] == first.state["bookmarks"]["forums"]
    assert len(third.records("feedback_data")) == 250


def test_state_of_other_streams_is_kept(shared: Sandbox) -> None:
    """The bookmarks of streams that are not selected, and what else is in a state, are handed on."""
    state = {"bookmarks": {"features": {"replication_key": "updated_at", "replication_key_value": "2024-01-01"}}}
    run = sync(shared.config, catalog=catalog_of(shared.config, "forums"), state=state)
    assert run.state["bookmarks"]["features"] == state["bookmarks"]["features"]
