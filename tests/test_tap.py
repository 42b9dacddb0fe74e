"""The tap's command line, its catalog and state, and what it needs of the SDK."""

from __future__ import annotations

import inspect
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from singer_sdk import Stream, Tap
from singer_sdk.exceptions import ConfigurationError
from singer_sdk.plugin_base import PluginBase

from sandbox import Sandbox
from tap_feedback import __name__ as package
from tap_feedback.client import FeedbackStream
from tap_feedback.command import check_json
from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS
from tests.runs import TAP, Run, api, catalog_of, find_uv, run_tap, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

NAMES = sorted(name for streams in STREAMS.values() for name in streams)
KEY = "the-very-secret-key"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """A sandbox for tests that change nothing in it; its streams end within the second page."""
    with Sandbox(rows=120) as sandbox:
        yield sandbox


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], str]:
    """A function that writes a file, of JSON unless it is given text, and gives its path."""

    def write(name: str, content: Any) -> str:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text, "utf-8")
        return str(tmp_path / name)

    return write


def errors_of(run: subprocess.CompletedProcess[str]) -> list[str]:
    """The messages at the level ERROR."""
    assert "Traceback" not in run.stderr
    return [line.split("| ", 2)[2] for line in run.stderr.splitlines() if "| ERROR " in line]


def wrote(run: subprocess.CompletedProcess[str]) -> Run:
    """The messages that a process wrote."""
    return Run(messages=[json.loads(line) for line in run.stdout.splitlines()])


# Information


def test_version() -> None:
    """`--version` tells the tap's and the SDK's."""
    run = run_tap("--version")
    assert run.returncode == 0
    assert run.stdout.startswith("tap-feedback v")


def test_help() -> None:
    """`--help` names the options."""
    run = run_tap("--help")
    assert run.returncode == 0
    for option in ("--config", "--catalog", "--state", "--discover", "--test", "--about"):
        assert option in run.stdout


def test_about_as_json() -> None:
    """`--about --format json` is an object with the settings, of which the keys are secret."""
    run = run_tap("--about", "--format", "json")
    assert run.returncode == 0
    about = json.loads(run.stdout)
    assert about["name"] == "tap-feedback"
    apis = {name: about["settings"]["properties"][name]["properties"] for name in STREAMS}
    assert all(api["api_key"]["secret"] for api in apis.values())


@pytest.mark.parametrize("format_", [["--format", "markdown"], []])
def test_about_as_text(format_: list[str]) -> None:
    """`--about`, as text and as Markdown, names every setting at the top."""
    run = run_tap("--about", *format_)
    assert run.returncode == 0
    for setting in (*STREAMS, "start_date", "end_date", "user_agent", "unknown_fields"):
        assert setting in run.stdout


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
def test_discovery_with_config(write: Callable[..., str], apis: list[str]) -> None:
    """Discovery with settings lists the streams of the APIs that are set, and sends no request."""
    file = write("config.json", {name: api(NOWHERE) for name in apis})
    run = run_tap("--config", file, "--discover")
    assert run.returncode == 0
    found = [entry["tap_stream_id"] for entry in json.loads(run.stdout)["streams"]]
    assert found == sorted(stream for name in apis for stream in STREAMS[name])


def test_discovered_catalog_can_be_synced(write: Callable[..., str], shared: Sandbox) -> None:
    """What discovery writes without settings is a catalog to sync all streams by."""
    catalog = write("catalog.json", run_tap("--discover").stdout)
    run = run_tap("--config", write("config.json", shared.config), "--catalog", catalog)
    assert run.returncode == 0
    assert {name: len(wrote(run).records(name)) for name in NAMES} == dict.fromkeys(NAMES, 120)


# Connection test


def told(run: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What `--test` says of each stream that is ok."""
    return dict(re.findall(r"INFO +\| tap-feedback\.\w+ +\| (\w+): ok, (.+)", run.stderr))


def pages_of_two(asked: RecordedRequest) -> dict[str, Any]:
    """An API with five rows for each stream, two on a page, by offset or by cursor."""
    stream = asked.path.rpartition("/")[2]
    first = int(asked.query.get("cursor", asked.query.get("offset", 0)))
    rows = [{"id": number, "name": f"of page {first // 2}"} for number in range(1, 6)][first : first + 2]
    cursor = {"pagination": {"cursor": str(first + 2)}} if first < 4 else {}
    return {stream: rows, "data": rows, "meta": {"total": 5}, **cursor}


def test_connection_test(write: Callable[..., str], shared: Sandbox) -> None:
    """`--test` reads two pages of each stream, says in one line what they prove, and writes nothing."""
    run = run_tap("--config", write("config.json", shared.config), "--test")
    assert run.returncode == 0
    assert not run.stdout
    assert errors_of(run) == []
    assert told(run) == {
        name: "120 rows in 2 pages, key `id`, "
        + ("replication key `updated_at`, next cursor found" if name in STREAMS["analytics"] else "offset heeded")
        for name in NAMES
    }
    assert "All 8 streams are ok" in run.stderr


def test_connection_test_of_wrong_paging(write: Callable[..., str]) -> None:
    """An API gives the first page again for a parameter that it does not know, so one page proves nothing."""
    wrong = {
        "feedback": {"paginator": {"offset_param": "skip"}},
        "analytics": {"paginator": {"cursor_param": "after"}},
        "support": {"paginator": {"total_path": "meta.total"}},
    }
    with Server(pages_of_two) as server:
        config = {name: api(server.url, **settings) for name, settings in wrong.items()}
        run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    assert not run.stdout
    failed = dict(re.findall(r"ERROR .+\| (\w+) failed: (.+)", run.stderr))
    assert "`paginator.offset_param`" in failed.pop("feedback_data")
    assert sorted(failed) == sorted(STREAMS["analytics"])
    assert all("`paginator.cursor_param`" in line for line in failed.values())
    assert told(run) == {"customer_support_data": "3 rows in 2 pages, key `id`, offset heeded, 5 in total"}
    assert "7 of 8 streams failed: " in errors_of(run)[-1]


def test_connection_test_of_a_wrong_cursor_path(write: Callable[..., str]) -> None:
    """The response has a cursor under another name, so that the first page must not look like the only one."""
    with Server(pages_of_two) as server:
        config = {"analytics": api(server.url, paginator={"cursor_path": "next"})}
        run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    failed = dict(re.findall(r"ERROR .+\| (\w+) failed: (.+)", run.stderr))
    assert sorted(failed) == sorted(STREAMS["analytics"])
    assert all("no cursor at `next`, but `pagination.cursor` has a value" in line for line in failed.values())


def test_connection_test_of_wrong_keys(write: Callable[..., str]) -> None:
    """A primary key that a row lacks fails, on the second page too; one that rows share is told."""

    def answer(asked: RecordedRequest) -> dict[str, Any]:
        page = pages_of_two(asked)
        for row in page["data"]:
            row["uid"] = row["id"]
            if row["id"] == 3:
                del row["id"]
        return page

    with Server(answer) as server:
        streams = {"features": {"primary_key": "name"}, "suggestions": {"primary_key": ["name", "uid"]}}
        config = {"analytics": api(server.url, streams=streams)}
        catalog = write("catalog.json", catalog_of(config, "forums", *streams))
        run = run_tap("--config", write("config.json", config), "--catalog", catalog, "--test")
    assert run.returncode == 1
    assert "forums failed: page 2, new row 1: the record has no usable 'id'" in errors_of(run)[0]
    assert told(run) == {
        "features": "4 rows in 2 pages, key `name` (but several rows have the same), "
        "replication key `updated_at` in 0 of them, next cursor found",
        "suggestions": "4 rows in 2 pages, key `name`, `uid`, "
        "replication key `updated_at` in 0 of them, next cursor found",
    }


def test_connection_test_of_few_rows(write: Callable[..., str]) -> None:
    """A stream of one page, or of none, says what it does not prove."""
    rows = {"forums": [{"id": 1, "updated_at": "2024-01-31"}], "features": []}
    with Server(lambda asked: rows | {"data": rows["forums"][: 0 if "1" in asked.query.values() else 1]}) as server:
        config = {name: api(server.url) for name in ("feedback", "analytics", "support")}
        config["support"]["paginator"] = {"type": "single_page"}
        catalog = catalog_of(config, "feedback_data", "forums", "features", "customer_support_data")
        files = write("config.json", config), write("catalog.json", catalog)
        run = run_tap("--config", files[0], "--catalog", files[1], "--test")
    assert run.returncode == 0
    assert told(run) == {
        "feedback_data": "1 row in 1 page, key `id`, no more rows",
        "forums": "1 row in 1 page, key `id`, replication key `updated_at`, no next cursor",
        "features": "no rows, so that neither the key nor the paging is proven",
        "customer_support_data": "1 row in 1 page, key `id`",
    }


def test_connection_test_of_windows(write: Callable[..., str]) -> None:
    """Of a stream that is read in windows, the two pages are of one window, the latest that has rows."""

    def answer(asked: RecordedRequest) -> dict[str, Any]:
        return pages_of_two(asked) if asked.query.get("updated_after", "") < "2024-01-10" else {"forums": []}

    with Server(answer) as server:
        config: dict[str, Any] = {"analytics": api(server.url, incremental={"window": 5})}
        config.update(start_date="2024-01-01", end_date="2024-01-15")
        catalog = write("catalog.json", catalog_of(config, "forums"))
        run = run_tap("--config", write("config.json", config), "--catalog", catalog, "--test")
    assert run.returncode == 0
    assert told(run)["forums"].startswith("4 rows in 2 pages, ")
    assert [asked.query.get("cursor") for asked in server.requests][:3] == [None, None, "2"]


def test_connection_test_of_stream_maps(write: Callable[..., str], shared: Sandbox) -> None:
    """A stream map that cannot be evaluated fails the test, as it would fail the sync."""
    config = {"feedback": shared.config["feedback"], "stream_maps": {"feedback_data": {"size": "nobody(id)"}}}
    run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    assert not run.stdout
    assert not told(run)


def test_connection_test_fails(write: Callable[..., str], shared: Sandbox) -> None:
    """`--test` with a wrong key exits with 1, and one line says why."""
    config = {"feedback": {"base_url": shared.url, "api_key": KEY}}
    run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    cause, last = errors_of(run)
    assert "feedback_data failed: answered 401 Unauthorized; check `feedback.api_key`" in cause
    assert "1 of 1 streams failed: feedback_data" in last
    assert KEY not in run.stderr


def test_connection_test_without_api() -> None:
    """`--test` without settings says which to set."""
    run = run_tap("--test")
    assert run.returncode == 1
    assert "no API is set" in errors_of(run)[-1]


def test_schema_test(write: Callable[..., str]) -> None:
    """`--test=schema` writes the schemas, and sends no request."""
    run = run_tap("--config", write("config.json", {"analytics": api(NOWHERE)}), "--test=schema")
    assert run.returncode == 0
    assert [message["stream"] for message in wrote(run).messages] == sorted(STREAMS["analytics"])
    assert {message["type"] for message in wrote(run).messages} == {"SCHEMA"}


def test_a_test_of_another_name(write: Callable[..., str]) -> None:
    """A typing error must not test something else, and look like a success."""
    run = run_tap("--config", write("config.json", {"analytics": api(NOWHERE)}), "--test=shcema")
    assert run.returncode != 0
    assert "leave out the value, or set `schema`" in run.stderr
    assert run.stdout == ""


# Output


@pytest.mark.parametrize("option", ["", "--discover", "--about", "--test"])
def test_closed_stdout(write: Callable[..., str], option: str) -> None:
    """A scheduler may start the tap without a stdout: one line says so, rather than that all went well."""
    config = write("config.json", {"analytics": api(NOWHERE)})
    command = f'"{TAP}" --config "{config}" {option} >&-'
    run = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert "| ERROR " in line
    assert "stdout is closed: there is nowhere to write to" in line


@pytest.mark.parametrize("option", ["--discover", "--about"])
def test_no_room_for_the_output(write: Callable[..., str], option: str) -> None:
    """A disk may be full when the catalog is written: one line says so in words, as in a sync."""
    config = write("config.json", {"analytics": api(NOWHERE)})
    command = f'"{TAP}" --config "{config}" {option} > /dev/full'
    run = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    (line,) = errors_of(run)
    assert line.endswith("| Writing failed: No space left on device")


def test_no_line_says_that_the_environment_is_skipped(write: Callable[..., str], shared: Sandbox) -> None:
    """The SDK says so of each tap, of this one too, which reads it all the same."""
    config = write("config.json", {"feedback": shared.config["feedback"]})
    for level, times in (("INFO", 0), ("DEBUG", 1)):
        run = run_tap("--config", config, env={"TAP_FEEDBACK_LOGLEVEL": level})
        assert run.returncode == 0
        assert run.stderr.count("Skipping parse of env var settings") == times


# Progress


def test_progress_of_streams_that_wait_or_failed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While streams run, each has its line, the first response to come or not; one that failed says so at once."""
    caplog.set_level("INFO")
    monkeypatch.setattr("tap_feedback.tap.PROGRESS_INTERVAL", 0.05)
    monkeypatch.setattr("tap_feedback.progress.WORTH_TELLING", 0)
    lines = (
        "feedback_data: failed; the other streams go on",
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


# Settings


def test_settings_from_environment(shared: Sandbox) -> None:
    """`--config=ENV` takes the settings from the environment."""
    environment = {f"TAP_FEEDBACK_{name.upper()}": json.dumps(value) for name, value in shared.config.items()}
    run = run_tap("--config=ENV", env={**environment, "TAP_FEEDBACK_END_DATE": "2000-01-01"})
    assert run.returncode == 0
    assert len(wrote(run).records("feedback_data")) == 120
    assert not wrote(run).records("forums")


def test_settings_from_environment_that_are_no_json() -> None:
    """Settings in the environment that cannot be read are refused without their value."""
    run = run_tap("--config=ENV", env={"TAP_FEEDBACK_FEEDBACK": f'{{"api_key": "{KEY}"'})
    assert run.returncode == 1
    assert "`feedback` must be an object" in errors_of(run)[0]
    assert KEY not in run.stderr


def test_settings_from_two_files(write: Callable[..., str], shared: Sandbox) -> None:
    """Of two files the second one adds to the first."""
    first = write("first.json", {"feedback": {"base_url": NOWHERE, "api_key": KEY}})
    second = write("second.json", {"feedback": shared.config["feedback"]})
    run = run_tap("--config", first, "--config", second)
    assert run.returncode == 0
    assert len(wrote(run).records("feedback_data")) == 120


def test_settings_from_a_pipe(shared: Sandbox) -> None:
    """Settings may come through a pipe, which can be read only once."""
    config = json.dumps({"feedback": shared.config["feedback"]})
    command = [TAP, "--config", "/dev/stdin"]
    run = subprocess.run(command, input=config, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0
    assert len(wrote(run).records("feedback_data")) == 120


def test_fractions_in_a_file(write: Callable[..., str], shared: Sandbox) -> None:
    """A setting in a file may be a number with a fraction."""
    config = {"feedback": {**shared.config["feedback"], "timeout": 2.5, "retry": {"backoff_factor": 0.5}}}
    run = run_tap("--config", write("config.json", config))
    assert run.returncode == 0
    assert len(wrote(run).records("feedback_data")) == 120


def test_wrong_settings(write: Callable[..., str]) -> None:
    """Wrong settings get a line each that names them, never their value, and no request is sent."""
    config = {
        "feedback": {"base_url": f"nowhere.example/{KEY}", "api_key": f"{KEY}\n", "max_connections": KEY},
        "support": {"base_url": NOWHERE, "api_key": "", "colour": KEY},
        "start_date": KEY,
        "shape": KEY,
    }
    run = run_tap("--config", write("config.json", config))
    assert run.returncode == 1
    errors = errors_of(run)
    for setting in (
        *("feedback.base_url", "feedback.api_key", "feedback.max_connections"),
        *("support.api_key", "support.colour", "start_date", "shape"),
    ):
        assert sum(setting in line for line in errors) == 1, setting
    assert "Config validation failed" not in run.stderr
    assert KEY not in run.stderr
    assert not run.stdout


def test_no_api(write: Callable[..., str]) -> None:
    """A sync without an API says what to set."""
    for arguments in ([], ["--config", write("config.json", {"start_date": "2024-01-01"})]):
        run = run_tap(*arguments)
        assert run.returncode == 1
        (line,) = errors_of(run)
        assert "no API is set: set `feedback`, `analytics` or `support`, each with its `base_url` and `api_key`" in line
        assert not run.stdout


# Files


@pytest.mark.parametrize("content", ["{", "[]", '[["feedback", {}]]', "null", '"text"', "\x00", "\xff"])
def test_texts_that_are_no_object(tmp_path: Path, content: str) -> None:
    """A text that is no JSON object is refused in one line that names the option and the file."""
    (tmp_path / "file.json").write_bytes(content.encode("latin-1"))
    with (
        (tmp_path / "file.json").open(encoding="utf-8") as file,
        pytest.raises(ConfigurationError, match=r"--state: .*file\.json is not .*JSON") as caught,
    ):
        check_json("--state", file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
@pytest.mark.parametrize("content", ["{", "[]"])
def test_files_that_are_no_object(write: Callable[..., str], option: str, content: str) -> None:
    """A file that is no JSON object is refused in one line, and nothing is written."""
    config = write("config.json", {"feedback": api(NOWHERE)})
    file = write("file.json", content)
    run = run_tap(*(["--config", file] if option == "--config" else ["--config", config, option, file]))
    assert run.returncode == 1
    (line,) = errors_of(run)
    assert f"{option}: " in line
    assert "file.json is not " in line
    assert not run.stdout


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--config", "write a JSON object with `feedback`, `analytics` or `support` into it"),
        ("--state", "write `{}` into it to start from the beginning"),
        ("--catalog", "write the output of `--discover` into it"),
    ],
)
def test_empty_files(tmp_path: Path, option: str, words: str) -> None:
    """A runner that was stopped while it wrote a file may leave it empty: one line says what to write into it."""
    path = tmp_path / "file.json"
    path.write_text("\n", encoding="utf-8")
    with path.open(encoding="utf-8") as file, pytest.raises(ConfigurationError) as caught:
        check_json(option, file)
    assert str(caught.value) == f"{option}: {path} is empty; {words}"


@pytest.mark.parametrize(("option", "code"), [("--config", 1), ("--state", 2), ("--catalog", 2)])
def test_missing_files(tmp_path: Path, option: str, code: int) -> None:
    """A file that is not there is named."""
    run = run_tap(option, str(tmp_path / "missing.json"))
    assert run.returncode == code
    assert option in run.stderr
    assert "missing.json" in run.stderr
    assert "Traceback" not in run.stderr
    assert not run.stdout


Change = Callable[[dict[str, Any], dict[str, Any]], None]


def catalog_with(change: Change) -> dict[str, Any]:
    """The catalog of the analytics API, with `forums` and its metadata changed and selected alone."""
    catalog = catalog_of({"analytics": api(NOWHERE)}, "forums")
    forums = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "forums")
    change(forums, next(item["metadata"] for item in forums["metadata"] if not item["breadcrumb"]))
    return catalog


def without_key(entry: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Leave the replication key out."""
    del entry["replication_key"]
    metadata.pop("valid-replication-keys", None)
    metadata.pop("replication-key", None)


CATALOGS: dict[str, tuple[Change, str]] = {
    "nothing selected": (
        lambda entry, metadata: metadata.update(selected=False),
        "catalog: it selects no stream of an API that is set; select one, or set its API",
    ),
    "unknown stream": (
        lambda entry, metadata: entry.update(tap_stream_id="forms", stream="forms"),
        "catalog: there is no stream 'forms'; the streams are feedback_data, forums,",
    ),
    "no replication key": (without_key, "catalog: forums needs a `replication-key` to be synced INCREMENTAL"),
    "unknown replication key": (
        lambda entry, metadata: entry.update(replication_key="changed"),
        "catalog: forums has no property 'changed' that could be its replication key",
    ),
    "method": (
        lambda entry, metadata: entry.update(replication_method="LOG_BASED"),
        "catalog: forums cannot be synced LOG_BASED, only FULL_TABLE or INCREMENTAL",
    ),
    "method in the metadata": (
        lambda entry, metadata: metadata.update({"replication-method": "LOG_BASED"}),
        "catalog: forums cannot be synced LOG_BASED, only FULL_TABLE or INCREMENTAL",
    ),
}


@pytest.mark.parametrize(("change", "words"), CATALOGS.values(), ids=CATALOGS)
def test_wrong_catalogs(change: Change, words: str) -> None:
    """A catalog that cannot be followed is refused before any request is sent."""
    run = sync({"analytics": api(NOWHERE)}, catalog=catalog_with(change))
    assert words in str(run.error)
    assert not run.messages


def test_empty_catalog(write: Callable[..., str]) -> None:
    """A catalog without streams is refused in one line."""
    file = write("catalog.json", {"streams": []})
    run = run_tap("--config", write("config.json", {"analytics": api(NOWHERE)}), "--catalog", file)
    assert run.returncode == 1
    (line,) = errors_of(run)
    assert "catalog: it selects no stream of an API that is set; select one, or set its API" in line


@pytest.mark.parametrize(
    "catalog",
    [
        {},
        {"streams": None},
        {"streams": {}},
        {"streams": ["forums"]},
        {"streams": [{}]},
        {"streams": [{"tap_stream_id": "forums"}]},
        {"streams": [{"tap_stream_id": "forums", "schema": {}, "metadata": {}}]},
        {"streams": [{"tap_stream_id": "forums", "schema": {}, "metadata": [{"breadcrumb": []}]}]},
    ],
)
def test_catalogs_that_are_none(catalog: dict[str, Any]) -> None:
    """An object that is not a Singer catalog is refused, and where it is not one is said."""
    run = sync({"analytics": api(NOWHERE)}, catalog=catalog)
    assert re.match(r"catalog: not a Singer catalog: .*(- at `\$\.streams|field `streams`$)", str(run.error))
    assert not run.messages


def test_stream_of_an_api_that_is_not_set(write: Callable[..., str], shared: Sandbox) -> None:
    """A selected stream of an API that is not set is left out, and a line says so."""
    config = {"feedback": shared.config["feedback"]}
    catalog = write("catalog.json", catalog_of(shared.config, "feedback_data", "forums"))
    run = run_tap("--config", write("config.json", config), "--catalog", catalog)
    assert run.returncode == 0
    assert "catalog: forums is selected, but `analytics` is not set: left out" in run.stderr
    assert len(wrote(run).records("feedback_data")) == 120


def bookmark(value: Any) -> dict[str, Any]:
    """A state with a bookmark of `forums`."""
    return {"bookmarks": {"forums": {"replication_key": "updated_at", "replication_key_value": value}}}


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"bookmarks": []}, "state: not a Singer state"),
        ({"bookmarks": {"forums": "2024-01-01"}}, "state: not a Singer state"),
        ({"bookmarks": None}, "state: not a Singer state"),
        ({"type": "STATE", "value": bookmark("2024-01-01T00:00:00Z")}, "state: not a Singer state"),
        ({"singer_state": bookmark("2024-01-01T00:00:00Z")}, "state: not a Singer state"),
        (bookmark("yesterday"), "state: the bookmark of forums is not a point in time"),
        (bookmark({}), "state: the bookmark of forums is not a point in time"),
        (bookmark(True), "state: the bookmark of forums is not a point in time"),  # noqa: FBT003 - a value of JSON
        (bookmark("2123-01-01T00:00:00Z"), "state: the bookmark of forums lies in the future"),
    ],
)
def test_wrong_states(state: dict[str, Any], words: str) -> None:
    """A state that cannot be followed is refused before any request is sent."""
    run = sync({"analytics": api(NOWHERE)}, state=state)
    assert words in str(run.error)
    assert not run.messages


def test_state_of_another_stream(caplog: pytest.LogCaptureFixture) -> None:
    """A bookmark of a stream that is not there is told, as its name may be misspelt."""
    with Server(lambda asked: {}) as server:
        TapFeedback(config={"analytics": api(server.url)}, state={"bookmarks": {"forumz": {}}})
    assert "state: there is no stream 'forumz', so its bookmark is left alone" in caplog.text


def test_wrong_state_file(write: Callable[..., str]) -> None:
    """A state that cannot be followed is refused in one line."""
    file = write("state.json", bookmark("yesterday"))
    run = run_tap("--config", write("config.json", {"analytics": api(NOWHERE)}), "--state", file)
    assert run.returncode == 1
    (line,) = errors_of(run)
    assert "state: the bookmark of forums is not a point in time" in line
    assert not run.stdout


# Replication


def select(config: dict[str, Any], stream: str, **metadata: str) -> dict[str, Any]:
    """The catalog with one stream selected, and more in the metadata of that."""
    catalog = catalog_of(config, stream)
    for entry in catalog["streams"]:
        root = next(item["metadata"] for item in entry["metadata"] if not item["breadcrumb"])
        root.update({name.replace("_", "-"): value for name, value in metadata.items() if root.get("selected")})
    return catalog


def test_incremental_stream_as_full_table(shared: Sandbox) -> None:
    """A catalog can have an incremental stream read whole; there is then no bookmark."""
    catalog = select(shared.config, "forums", replication_method="FULL_TABLE")
    state = bookmark("2026-01-01T00:00:00Z")
    run = sync(shared.config, catalog=catalog, state=state)
    assert run.error is None
    assert len(run.records("forums")) == 120
    assert run.state == state


def test_full_table_stream_as_incremental(shared: Sandbox) -> None:
    """A catalog can have a stream without a replication key of its own read from a bookmark on."""
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


# The SDK


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


def test_private_hooks_are_called() -> None:
    """What the tap overrides of the SDK's private parts is there, and the SDK calls it."""
    hooks: list[tuple[type, str]] = [
        (Stream, "_sync_records"),
        (Stream, "_write_schema_message"),
        (Tap, "_handle_termination"),
        (Tap, "write_schemas"),
        (PluginBase, "_validate_config"),
    ]
    for base, name in hooks:
        assert inspect.isfunction(vars(base)[name]), name
    with Server(one_page) as server, Calls() as called:
        run = sync({"feedback": api(server.url), "emit_activate_version_messages": True})
    assert run.error is None
    assert {
        "_sync_records",
        "_write_schema_message",
        "_validate_config",
    } <= called


def test_hooks_take_what_the_sdk_gives() -> None:
    """The tap's own forms of the SDK's private methods take the same arguments."""
    for own, base, name in (
        (FeedbackStream, Stream, "_sync_records"),
        (FeedbackStream, Stream, "_write_activate_version_message"),
        (FeedbackStream, Stream, "_write_schema_message"),
        (TapFeedback, Tap, "write_schemas"),
        (TapFeedback, Tap, "_handle_termination"),
        (TapFeedback, PluginBase, "_validate_config"),
    ):
        own_parameters, base_parameters = (inspect.signature(getattr(kind, name)).parameters for kind in (own, base))
        assert list(own_parameters) == list(base_parameters), name


def test_signals_reach_the_tap() -> None:
    """The SDK has SIGTERM and SIGINT end in the tap's own handler."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        tap = TapFeedback(config={"feedback": api(NOWHERE)})
        assert all(signal.getsignal(number) == tap._handle_termination for number in handlers)  # noqa: SLF001 - it holds it
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_private_attributes() -> None:
    """A stream knows its tap as `_tap`; the SDK gives it a `_stream_version` where versions are asked for."""
    tap = TapFeedback(config={"feedback": api(NOWHERE)})
    stream = tap.streams["feedback_data"]
    assert stream._tap is tap  # noqa: SLF001 - the test holds it
    assert stream._stream_version is None  # noqa: SLF001
    with Server(one_page) as server:
        run = sync({"feedback": api(server.url), "emit_activate_version_messages": True})
    record, last = (
        next(message for message in messages if message["type"] in {"RECORD", "ACTIVATE_VERSION"})
        for messages in (run.messages, run.messages[::-1])
    )
    assert (record["type"], last["type"]) == ("RECORD", "ACTIVATE_VERSION")
    assert record["version"] == last["version"] is not None


# singer-tools


@pytest.fixture(scope="session")
def check_tap() -> Path:
    """The command `singer-check-tap`, in an environment of its own, as it needs a jsonschema of 2017."""
    folder = Path(__file__).parent.parent / ".cache" / f"singer-tools-{sys.version_info.major}.{sys.version_info.minor}"
    command = folder / "bin" / "singer-check-tap"
    if not command.exists():
        uv = find_uv()
        for arguments in (
            ["venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            ["pip", "install", "--quiet", "--python", str(folder), "singer-tools==0.4.1"],
        ):
            subprocess.run([uv, *arguments], check=True, timeout=100)
    return command


def test_singer_check_tap(check_tap: Path, write: Callable[..., str], shared: Sandbox) -> None:
    """The checker of the Singer project finds what the tap writes valid, every row of it."""
    run = run_tap("--config", write("config.json", shared.config))
    assert run.returncode == 0
    checked = subprocess.run(
        [str(check_tap)], input=run.stdout, capture_output=True, text=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "The output is valid." in checked.stdout
    assert f"{8 * 120} messages for type RECORD" in " ".join(checked.stdout.split()) or "960" in checked.stdout
