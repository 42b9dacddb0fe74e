"""The command: what it prints, which files it reads, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.cli import check_json
from tests.configs import STREAMS
from tests.runs import NOWHERE, TAP, api, errors_of, run_tap, written_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

KEY = "the-very-secret-key"


# Information


def test_version() -> None:
    """`--version` prints the versions of tap and SDK."""
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
    assert "`help_scout`: Help Scout, verified by documentation on" in apis["support"]["vendor"]["description"]


@pytest.mark.parametrize("format_", [["--format", "markdown"], []])
def test_about_as_text(format_: list[str]) -> None:
    """`--about`, as text and as Markdown, names every setting at the top."""
    run = run_tap("--about", *format_)
    assert run.returncode == 0
    for setting in (*STREAMS, "start_date", "end_date", "user_agent", "unknown_fields"):
        assert setting in run.stdout


# Start and end


def test_module() -> None:
    """`python -m tap_feedback` is the same command, and so is what the package installs."""
    run = subprocess.run(
        [sys.executable, "-m", "tap_feedback", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0
    assert run.stdout == run_tap("--version").stdout
    project = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    assert '\ntap-feedback = "tap_feedback.__main__:main"\n' in project


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("imported", ["click", "tap_feedback.tap"])
def test_signal_at_the_start(number: int, code: int, imported: str) -> None:
    """A signal during the imports, or while the command reads its settings, ends it without a traceback."""
    command = [sys.executable, "-X", "importtime", "-m", "tap_feedback", "--config", "/dev/stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tap:
        try:
            assert tap.stderr is not None
            for line in tap.stderr:  # a line for each module, when its import is complete
                if line.decode().rstrip().endswith(f" {imported}"):
                    break
            tap.send_signal(number)
            out, errors = tap.communicate(timeout=20)
        finally:
            tap.kill()
    assert tap.returncode == code
    assert not out
    assert b"Traceback" not in errors


@pytest.mark.parametrize("option", ["", "--discover", "--about", "--test"])
def test_closed_stdout(write: Callable[..., str], option: str) -> None:
    """A scheduler may start the tap without a stdout: one line says so, rather than that all went well."""
    config = write("config.json", {"analytics": api(NOWHERE)})
    command = f'"{TAP}" --config "{config}" {option} >&-'
    run = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert "| ERROR " in line
    assert "stdout is closed; pipe the output into a target or a file" in line


@pytest.mark.parametrize("option", ["--discover", "--about"])
def test_no_room_for_the_output(write: Callable[..., str], option: str) -> None:
    """A disk may be full when the catalog is written: one line says so in words, as in a sync."""
    config = write("config.json", {"analytics": api(NOWHERE)})
    command = f'"{TAP}" --config "{config}" {option} > /dev/full'
    run = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    (line,) = errors_of(run)
    assert line.endswith("| Writing failed: No space left on device")


def test_a_test_of_another_name(write: Callable[..., str]) -> None:
    """A typing error must not test something else, and look like a success."""
    run = run_tap("--config", write("config.json", {"analytics": api(NOWHERE)}), "--test=shcema")
    assert run.returncode != 0
    assert "leave out the value, or set `schema`" in run.stderr
    assert run.stdout == ""


# Settings


def test_no_line_says_that_the_environment_is_skipped(write: Callable[..., str], shared: Sandbox) -> None:
    """The SDK logs that for each tap, although this one reads the environment."""
    config = write("config.json", {"feedback": shared.config["feedback"]})
    for level, times in (("INFO", 0), ("DEBUG", 1)):
        run = run_tap("--config", config, env={"TAP_FEEDBACK_LOGLEVEL": level})
        assert run.returncode == 0
        assert run.stderr.count("Skipping parse of env var settings") == times


def test_settings_from_two_files(write: Callable[..., str], shared: Sandbox) -> None:
    """Of two files the second one adds to the first."""
    first = write("first.json", {"feedback": {"base_url": NOWHERE, "api_key": KEY}})
    second = write("second.json", {"feedback": shared.config["feedback"]})
    run = run_tap("--config", first, "--config", second)
    assert run.returncode == 0
    assert len(written_by(run).records("feedback_data")) == 120


def test_settings_from_a_pipe(shared: Sandbox) -> None:
    """Settings may come through a pipe, which can be read only once."""
    config = json.dumps({"feedback": shared.config["feedback"]})
    command = [TAP, "--config", "/dev/stdin"]
    run = subprocess.run(command, input=config, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0
    assert len(written_by(run).records("feedback_data")) == 120


def test_fractions_in_a_file(write: Callable[..., str], shared: Sandbox) -> None:
    """A setting in a file may be a number with a fraction."""
    config = {"feedback": {**shared.config["feedback"], "timeout": 2.5, "retry": {"backoff_factor": 0.5}}}
    run = run_tap("--config", write("config.json", config))
    assert run.returncode == 0
    assert len(written_by(run).records("feedback_data")) == 120


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
    assert len(errors) == 7
    for setting in (
        *("feedback.base_url", "feedback.api_key", "feedback.max_connections"),
        *("support.api_key", "support.colour", "start_date", "shape"),
    ):
        assert sum(setting in line for line in errors) == 1, setting
    assert KEY not in run.stderr
    assert not run.stdout


# Files


@pytest.mark.parametrize("content", ["{", "[]", '[["feedback", {}]]', "null", '"text"', "\x00", "\xff"])
def test_texts_without_an_object(tmp_path: Path, content: str) -> None:
    """A text other than a JSON object is refused in one line that names the option and the file."""
    (tmp_path / "file.json").write_bytes(content.encode("latin-1"))
    with (
        (tmp_path / "file.json").open(encoding="utf-8") as file,
        pytest.raises(ConfigurationError, match=r"--state: .*file\.json is not .*JSON") as caught,
    ):
        check_json("--state", file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("option", "content"), [("--config", "["), ("--state", "[]"), ("--catalog", "{")])
def test_files_without_an_object(write: Callable[..., str], option: str, content: str) -> None:
    """A file that does not hold a JSON object is refused in one line, and nothing is written."""
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
    """A missing file is named."""
    run = run_tap(option, str(tmp_path / "missing.json"))
    assert run.returncode == code
    assert option in run.stderr
    assert "missing.json" in run.stderr
    assert "Traceback" not in run.stderr
    assert not run.stdout
