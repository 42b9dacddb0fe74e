"""Settings from environment variables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo.meltano import as_environment
from tap_feedback.environment import from_environment, with_numbers
from tap_feedback.tap import TapFeedback
from tests.configs import config_jsonschema
from tests.runs import api, run_tap
from tests.server import Server

PREFIX = "TAP_FEEDBACK_"


def read(**variables: str) -> dict[str, Any]:
    """The settings that these variables mean."""
    schema = config_jsonschema()
    TapFeedback.append_builtin_config(schema)
    return from_environment(schema, {PREFIX + name: value for name, value in variables.items()}, PREFIX)


@pytest.mark.parametrize(
    ("variables", "config"),
    [
        ({}, {}),
        ({"FEEDBACK_API_KEY": "123"}, {"feedback": {"api_key": "123"}}),
        ({"ANALYTICS_PAGINATOR_LIMIT": "50"}, {"analytics": {"paginator": {"limit": 50}}}),
        ({"SUPPORT_TIMEOUT": "2.5"}, {"support": {"timeout": 2.5}}),
        ({"FEEDBACK_RETRY_STATUSES": "[429]"}, {"feedback": {"retry": {"statuses": [429]}}}),
        ({"FEEDBACK_HEADERS": '{"X-Team": "cx"}'}, {"feedback": {"headers": {"X-Team": "cx"}}}),
        ({"FEEDBACK_PAGINATOR_LIMIT_PARAM": ""}, {"feedback": {"paginator": {"limit_param": ""}}}),
        ({"EMIT_ACTIVATE_VERSION_MESSAGES": "True"}, {"emit_activate_version_messages": True}),
        ({"EMIT_ACTIVATE_VERSION_MESSAGES": "0"}, {"emit_activate_version_messages": False}),
        ({"STREAM_MAPS": '{"forums": null}'}, {"stream_maps": {"forums": None}}),
        ({"START_DATE": "2024-01-31"}, {"start_date": "2024-01-31"}),
        ({"FEEDBACK": "{}"}, {"feedback": {}}),
        (
            {"FEEDBACK": '{"base_url": "a", "auth": {"name": "b"}}', "FEEDBACK_AUTH_TYPE": "api_key"},
            {"feedback": {"base_url": "a", "auth": {"name": "b", "type": "api_key"}}},
        ),
        # What cannot be read is left to validation, which names the setting.
        ({"FEEDBACK_TIMEOUT": "soon"}, {"feedback": {"timeout": "soon"}}),
        ({"FEEDBACK": "{broken", "FEEDBACK_API_KEY": "k"}, {"feedback": "{broken"}),
        ({"EMIT_ACTIVATE_VERSION_MESSAGES": "perhaps"}, {"emit_activate_version_messages": "perhaps"}),
    ],
)
def test_variables(variables: dict[str, str], config: dict[str, Any]) -> None:
    """Each setting has a variable, and an object may be JSON."""
    assert read(**variables) == config


@pytest.mark.parametrize(
    ("text", "number"), [("2.5", 2.5), ("60", 60.0), ("1e3", 1000.0), ("soon", "soon"), ("nan", "nan"), ("", "")]
)
def test_numbers_as_texts(text: str, number: Any) -> None:
    """Meltano fails on a variable with a fraction unless the setting is a text; the schema says which is a number."""
    schema = config_jsonschema()
    config = {"support": {"timeout": text, "api_key": text, "headers": {"timeout": text}, "nobody": text}}
    read = with_numbers(config, schema)
    assert read == {"support": {**config["support"], "timeout": number}}
    window = {"analytics": {"incremental": {"window": text}}}
    assert with_numbers(window, schema) == {"analytics": {"incremental": {"window": number if text else None}}}


def test_an_empty_text_is_null_for_every_number_that_may_be_null() -> None:
    """Also for whole numbers, and for the settings of a stream; parameters are what they are."""
    own = {"incremental": {"window": "", "lookback": "1.5"}, "requests_per_minute": "", "params": {"a": "", "b": "2"}}
    config = {"feedback": {"requests_per_minute": "", "max_connections": "", "streams": {"nps": own}}}
    read = with_numbers(config, config_jsonschema())["feedback"]
    assert (read["requests_per_minute"], read["max_connections"]) == (None, "")
    assert read["streams"]["nps"] == {
        "incremental": {"window": None, "lookback": 1.5},
        "requests_per_minute": None,
        "params": {"a": "", "b": "2"},
    }


def test_names_are_those_of_meltano() -> None:
    """What Meltano puts into the environment is read back."""
    config = {
        "feedback": api("https://api.example.com", paginator={"limit": 7}, streams={"feedback_data": {"path": "/a"}}),
        "unknown_fields": "drop",
    }
    variables = {name.removeprefix(PREFIX): value for name, value in as_environment(config)}
    assert read(**variables) == config


def test_sync_without_a_file() -> None:
    """`--config=ENV` is enough for a sync, and names the setting of a variable with a wrong value."""
    row = {"id": "1", "timestamp": "2024-01-01T00:00:00Z"}
    with Server(lambda asked: {"data": [row] if asked.query["offset"] == "0" else []}) as server:
        variables = dict(as_environment({"feedback": api(server.url)}))
        run = run_tap("--config=ENV", env=variables)
        wrong = run_tap("--config=ENV", env={**variables, "TAP_FEEDBACK_FEEDBACK_PAGINATOR_LIMIT": "many"})
    assert run.returncode == 0
    assert [m["record"]["id"] for m in map(json.loads, run.stdout.splitlines()) if m["type"] == "RECORD"] == ["1"]
    assert wrong.returncode == 1
    assert "`feedback.paginator.limit` must be a whole number" in wrong.stderr
    assert "many" not in wrong.stderr


def test_a_file_and_the_environment(tmp_path: Any) -> None:
    """A file may have the settings that are not secret. Variables take precedence, setting by setting."""
    with Server(lambda asked: {"data": []}) as server:
        file = tmp_path / "config.json"
        file.write_text(json.dumps({"feedback": {**api(server.url), "api_key": "old"}}), "utf-8")
        run = run_tap("--config", str(file), "--config=ENV", env={"TAP_FEEDBACK_FEEDBACK_API_KEY": "new"})
    assert run.returncode == 0
    assert server.requests[0].query["api_key"] == "new"
