"""The README says what the code does; run as a module, this writes the tables of settings into it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tap_feedback import settings
from tap_feedback.settings import config_jsonschema, rows
from tap_feedback.streams import STREAM_TYPES
from tap_feedback.tap import TapFeedback
from tap_feedback.validation import problems
from tests.runs import TAP, api
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

README = Path(__file__).parents[1] / "README.md"
PACKAGE = Path(settings.__file__).parent
OPEN, CLOSE = "<!-- settings: written by python -m tests.test_readme -->\n", "<!-- /settings -->\n"


def text() -> str:
    """The README."""
    return README.read_text(encoding="utf-8")


def table(headings: str, lines: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    cells = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines]
    return headings + "\n" + "|---" * (headings.count("|") - 1) + "|\n" + "".join(cells)


def code(words: str) -> str:
    """Words as code, a dash where there are none."""
    return f"`{words}`" if words else "–"


def settings_tables() -> str:
    """The settings of an API, those of a stream, and those at the top, each in a table."""
    schema = config_jsonschema()
    TapFeedback.append_builtin_config(schema)
    top = schema["properties"]
    stream = top["feedback"]["properties"]["streams"]["additionalProperties"]["properties"]
    required = dict.fromkeys(top["feedback"]["required"], "required")
    api_rows = [
        (f"`{name}`", words, required.get(name, code(offset)), required.get(name, code(cursor)))
        for name, words, offset, cursor in rows()
    ]
    stream_rows = [(f"`streams.<name>.{name}`", part["description"]) for name, part in stream.items()]
    top_rows = [
        (
            f"`{name}`",
            " ".join(part["description"].split()),
            code(json.dumps(part["default"])) if part.get("default") else "–",
        )
        for name, part in top.items()
        if name not in {"feedback", "analytics", "support"}
    ]
    return (
        "`feedback`, `analytics` and `support` are objects of one shape; only the defaults differ.\n\n"
        + table("| setting of an API | meaning | feedback, support | analytics |", api_rows)
        + "\nOne stream may differ from the rest:\n\n"
        + table("| setting of a stream | meaning |", stream_rows)
        + "\nAt the top level, the last of them the SDK's own:\n\n"
        + table("| setting | meaning | default |", top_rows)
    )


def test_the_settings_are_those_of_the_code() -> None:
    """Every setting is in the README with its meaning and its defaults."""
    assert settings_tables() == text().partition(OPEN)[2].partition(CLOSE)[0]


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", text(), re.DOTALL))
def test_the_examples_are_valid(example: str) -> None:
    """What the README shows can be used as it stands."""
    assert problems(json.loads(example)) == []


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", text(), re.DOTALL))
def test_the_examples_for_meltano_are_valid(example: str) -> None:
    """The same of what goes into `meltano.yml`, but for the key, which does not."""
    names = {str(vars(kind)["name"]) for kind in STREAM_TYPES}
    for tap in yaml.safe_load(example)["plugins"].get("extractors", ()):
        keys = {api: {**given, "api_key": "key"} for api, given in tap["config"].items() if api in settings.STREAMS}
        assert problems(tap["config"] | keys) == []
        assert {pattern.partition(".")[0] for pattern in tap["select"]} | tap["schema"].keys() <= names


def blocks() -> Iterator[str]:
    """The commands that the README shows, block by block."""
    for block in re.findall(r"(?:^ {4}\S.*\n)+", text(), re.MULTILINE):
        yield re.sub("^ {4}", "", block, flags=re.MULTILINE)


def scheduled() -> str:
    """The script that the README says to schedule."""
    return "set -o pipefail\n" + next(block for block in blocks() if "--state state.json" in block)


def run_scheduled(folder: Path, *, status: int = 200, target_exits: int = 0) -> int:
    """Run the scheduled script in a folder, with an API that answers with a status to `features`; its exit code."""
    row = {"id": 1, "updated_at": "2024-01-01T00:00:00Z"}

    def answer(asked: RecordedRequest) -> Reply:
        name = asked.path.rpartition("/")[2]
        return Reply({name: [row]}, status if name == "features" else 200)

    target = folder / "bin" / "target-jsonl"
    target.parent.mkdir()
    states = """sed -n 's/^{"type": *"STATE", *"value": *\\(.*\\)}$/\\1/p'"""
    target.write_text(f"#!/bin/sh\n{states}\nexit {target_exits}\n", "utf-8")
    target.chmod(0o755)
    path = os.pathsep.join([str(target.parent), str(Path(TAP).parent), os.environ["PATH"]])
    (folder / "state.json").write_text("{}", "utf-8")
    with Server(answer) as server:
        (folder / "config.json").write_text(json.dumps({"analytics": api(server.url)}), "utf-8")
        prepare = next(block for block in blocks() if "--discover > catalog.json" in block)
        for script in (prepare, scheduled()):
            done = subprocess.run(
                ["bash", "-c", script], cwd=folder, env={**os.environ, "PATH": path}, check=False, timeout=60
            )
    return done.returncode


def test_the_scheduled_script_fails_with_the_tap_and_keeps_the_state_of_what_is_complete(tmp_path: Path) -> None:
    """One stream fails: whoever schedules the script is told, and the next run goes on from the complete streams."""
    assert run_scheduled(tmp_path, status=400) == 1
    bookmarks = json.loads((tmp_path / "state.json").read_text("utf-8"))["bookmarks"]
    assert bookmarks["forums"]["replication_key_value"].startswith("2024-01-01T00:00:00")
    assert "replication_key_value" not in bookmarks.get("features", {})


def test_the_scheduled_script_succeeds_if_all_is_well(tmp_path: Path) -> None:
    """Tap and target succeed, so the script does, and the state holds every stream."""
    assert run_scheduled(tmp_path) == 0
    bookmarks = json.loads((tmp_path / "state.json").read_text("utf-8"))["bookmarks"]
    assert all("replication_key_value" in bookmarks[name] for name in settings.STREAMS["analytics"])


def test_the_scheduled_script_fails_with_the_target(tmp_path: Path) -> None:
    """The tap succeeds, the target fails: so does the script."""
    assert run_scheduled(tmp_path, target_exits=3) == 3


def test_no_placeholder_of_a_key_has_two_words() -> None:
    """A key may begin with a scheme, such as `Token`: the first of two words would be taken for one."""
    examples = text() + (README.parent / ".env.example").read_text(encoding="utf-8")
    keys = re.findall(r"""(?:"api_key": "|API_KEY='?)([^"'\n]*)""", examples)
    assert {key.removeprefix("Token ") for key in keys} == {"your-api-key", "your-token"}


def test_the_streams_are_those_of_the_code() -> None:
    """The table of streams says what the classes say."""
    for kind in STREAM_TYPES:
        key = f"`{kind.replication_key}`" if kind.replication_key else "–"
        method = "INCREMENTAL" if kind.replication_key else "FULL_TABLE"
        own = vars(kind)
        assert f"| `{own['name']}` | {kind.api} | `{own['path']}` | `id` | {key} | {method} |\n" in text()


def test_every_module_is_in_the_map() -> None:
    """Who looks for a place finds each file, and no file that is gone."""
    there = {f"tap_feedback/{path.name}" for path in PACKAGE.glob("*.py") if path.name != "__init__.py"} | {
        f"tap_feedback/paging/{path.name}" for path in (PACKAGE / "paging").glob("*.py") if path.name != "__init__.py"
    }
    assert set(re.findall(r"^\| `(tap_feedback/[\w/]+\.py)` \|", text(), re.MULTILINE)) == there


def quoted_messages() -> list[str]:
    """The messages that the troubleshooting explains, each without the setting or status that it begins with."""
    section = text().partition("## Troubleshooting")[2].partition("## ")[0]
    messages = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    quoted = [words for message in messages for words in re.findall("`([^`]+)`", message)]
    return [re.sub(r"^(feedback\.api_key|answered \d+) ", "", words) for words in quoted]


@pytest.mark.parametrize("message", quoted_messages())
def test_the_messages_are_those_of_the_code(message: str) -> None:
    """What the troubleshooting quotes is what the tap says."""
    source = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    phrases = {status.phrase for status in HTTPStatus}
    assert message in phrases or message in re.sub(r'"\s*f?"', "", source)


def test_what_can_go_wrong_is_tested() -> None:
    """Each line names the test that holds the tap to it."""
    lines = text().partition("## What can go wrong")[2].partition("|---|---|---|\n")[2].partition("\n\n")[0]
    named = {line.split("`")[-2] for line in lines.splitlines()}
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.rglob("test_*.py"))
    assert {name for name in named if f"def {name}(" not in sources} == set()
    assert len(named) > 10


if __name__ == "__main__":
    before, _, rest = text().partition(OPEN)
    README.write_text(before + OPEN + settings_tables() + CLOSE + rest.partition(CLOSE)[2], encoding="utf-8")
