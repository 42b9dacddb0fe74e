"""The documents say what the code does."""

from __future__ import annotations

import json
import os
import re
import subprocess
from http import HTTPStatus
from pathlib import Path
from typing import get_args

import pytest
import yaml

from tap_feedback.conflicts import UNIONS
from tap_feedback.progress import HEADINGS
from tap_feedback.streams import STREAM_TYPES
from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS, problems
from tests.promises import PROMISES
from tests.runs import TAP, api
from tests.server import RecordedRequest, Reply, Server
from tools.docs import ROOT, documents, generated
from tools.meltano import MELTANO_YML, PLUGIN_YML
from tools.tables import PACKAGE

TEXTS = {path: path.read_text(encoding="utf-8") for path in [*documents(), ROOT / "CHANGELOG.md"]}
ALL = "\n".join(TEXTS.values())
README = TEXTS[ROOT / "README.md"]
RUNNING, SETTINGS, GUARANTEES, TROUBLESHOOTING = (
    TEXTS[ROOT / "docs" / f"{name}.md"] for name in ("running", "settings", "guarantees", "troubleshooting")
)
PROJECT = yaml.safe_load(MELTANO_YML.read_text(encoding="utf-8"))
MELTANO_TAP = next(tap for tap in PROJECT["plugins"]["extractors"] if tap["name"] == "tap-feedback")


@pytest.mark.parametrize("path", generated(), ids=lambda path: path.name)
def test_generated_parts_are_up_to_date(path: Path) -> None:
    """What follows from the code is as the code has it; `make docs` writes it."""
    assert path.read_text(encoding="utf-8") == generated()[path]


def test_the_readme_is_short() -> None:
    """The README is read by newcomers; everything else is in docs/, which it links to."""
    assert len(README.splitlines()) <= 130
    assert {path.name for path in documents()} - set(re.findall(r"\((?:docs/)?([\w-]+\.md)\)", README)) == {"README.md"}


def test_the_sample_has_the_columns_of_the_summary() -> None:
    """The summary in the README looks like the one that the tap logs."""
    sample = README.partition("    Summary:\n    ")[2].partition("\n")[0]
    assert tuple(re.split("  +", sample)) == HEADINGS


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


LINKS = [(path, link) for path, text in TEXTS.items() for link in re.findall(r"\]\(([^)\s]+)\)", text)]


@pytest.mark.parametrize(("path", "link"), [(path, link) for path, link in LINKS if "://" not in link])
def test_links_lead_somewhere(path: Path, link: str) -> None:
    """A link between documents names a file that is there, and a heading in it."""
    file, _, anchor = link.partition("#")
    target = (path.parent / file).resolve() if file else path
    assert target.exists() or (PACKAGE.parent / target.relative_to(ROOT)).exists()  # the package may be a wheel
    assert not anchor or anchor in anchors(TEXTS[target])


def test_links_to_the_repository_lead_to_one() -> None:
    """The documents, the package index and the plugin definition name the same address."""
    sources = [README, RUNNING, *(path.read_text("utf-8") for path in (ROOT / "pyproject.toml", PLUGIN_YML))]
    found = {
        owner for text in sources for owner in re.findall(r"github(?:usercontent)?\.com/([\w-]+)/tap-feedback", text)
    }
    assert found == {"tap-feedback"}


def test_make_has_the_targets() -> None:
    """`make` knows each target that a document names."""
    named = re.findall(r"(?:`| {4})make ([a-z]+)", ALL)
    assert set(named) <= set(re.findall("^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", ALL, re.DOTALL))
def test_the_examples_are_valid(example: str) -> None:
    """The settings in the documents can be used as they are."""
    assert problems(json.loads(example)) == []


def parts_of(section: str, heading: str) -> list[tuple[str, str]]:
    """The values of a section of the settings in the table under a heading."""
    table = SETTINGS.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [(section, part) for part in re.findall(r"\| `(\{.*\})` \|$", table, re.MULTILINE)]


@pytest.mark.parametrize(
    ("section", "part"),
    parts_of("auth", "How the key is sent") + parts_of("paginator", "How the next page is requested"),
)
def test_the_auths_and_paginators_are_valid(section: str, part: str) -> None:
    """What the tables say about an API can be copied from them."""
    streams = {"feedback_data": {"method": "POST"}} if '"body"' in part else {}
    block = {"base_url": "https://api.example.com", "api_key": "key", "streams": streams, section: json.loads(part)}
    assert problems({"feedback": block}) == []


def test_all_types_are_explained() -> None:
    """The tables have each type of auth and of paginator."""
    for section, heading in (("auth", "How the key is sent"), ("paginator", "How the next page is requested")):
        explained = {json.loads(part)["type"] for _, part in parts_of(section, heading)}
        assert explained == {kind.__struct_config__.tag for kind in get_args(UNIONS[section])}


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", ALL, re.DOTALL))
def test_the_examples_for_meltano_are_valid(example: str) -> None:
    """The same for what goes into `meltano.yml`, except for the key, which does not."""
    names = {str(vars(kind)["name"]) for kind in STREAM_TYPES}
    for tap in yaml.safe_load(example)["plugins"].get("extractors", ()):
        keys = {api: {**given, "api_key": "key"} for api, given in tap["config"].items() if api in STREAMS}
        assert problems(tap["config"] | keys) == []
        assert {pattern.partition(".")[0] for pattern in tap["select"]} | tap["schema"].keys() <= names


def test_no_placeholder_of_a_key_has_two_words() -> None:
    """A key may begin with a scheme, such as `Token`: the first of two words would be taken for one."""
    keys = re.findall(r"""(?:"api_key": "|API_KEY='?)([^"'\n]*)""", ALL + (ROOT / ".env.example").read_text("utf-8"))
    assert {key.removeprefix("Token ") for key in keys} == {"your-api-key", "your-client-secret", "your-token"}


def command_with(words: str) -> str:
    """The block of commands in `docs/running.md` that contains these words."""
    blocks = re.findall(r"(?:^ {4}\S.*\n)+", RUNNING, re.MULTILINE)
    return re.sub("^ {4}", "", next(block for block in blocks if words in block), flags=re.MULTILINE)


def run_scheduled(folder: Path, *, status: int = 200, target_exits: int = 0) -> int:
    """Run the scheduled script in a folder, with an API that returns a status for `features`; its exit code."""
    row = {"id": 1, "updated_at": "2024-01-01T00:00:00Z"}

    def respond(asked: RecordedRequest) -> Reply:
        name = asked.path.rpartition("/")[2]
        return Reply({name: [row]}, status if name == "features" else 200)

    target = folder / "bin" / "target-jsonl"
    target.parent.mkdir()
    states = """sed -n 's/^{"type": *"STATE", *"value": *\\(.*\\)}$/\\1/p'"""
    target.write_text(f"#!/bin/sh\n{states}\nexit {target_exits}\n", "utf-8")
    target.chmod(0o755)
    path = os.pathsep.join([str(target.parent), str(Path(TAP).parent), os.environ["PATH"]])
    with Server(respond) as server:
        (folder / "config.json").write_text(json.dumps({"analytics": api(server.url)}), "utf-8")
        (folder / "sync.sh").write_text(command_with("--state state.json"), "utf-8")
        for script in (command_with("--discover > catalog.json"), "bash -o pipefail sync.sh"):
            done = subprocess.run(
                ["bash", "-c", script], cwd=folder, env={**os.environ, "PATH": path}, check=False, timeout=60
            )
    return done.returncode


@pytest.mark.parametrize(("status", "target_exits", "code"), [(200, 0, 0), (400, 0, 1), (200, 3, 3)])
def test_the_scheduled_script(tmp_path: Path, status: int, target_exits: int, code: int) -> None:
    """It fails if the tap or the target fails, and keeps the state of the complete streams."""
    assert run_scheduled(tmp_path, status=status, target_exits=target_exits) == code
    bookmarks = json.loads((tmp_path / "state.json").read_text("utf-8"))["bookmarks"]
    complete = {name for name, bookmark in bookmarks.items() if "replication_key_value" in bookmark}
    assert complete == set(STREAMS["analytics"]) - ({"features"} if status == 400 else set())


def test_the_scheduled_script_after_a_kill(tmp_path: Path) -> None:
    """If the script was killed, its next run continues from the last state that the target printed."""
    bookmark = {"replication_key": "updated_at", "replication_key_value": "2023-01-01T00:00:00Z"}
    states = [{"bookmarks": {}}, {"bookmarks": {"features": bookmark}}]
    (tmp_path / "states.jsonl").write_text("".join(json.dumps(state) + "\n" for state in states), "utf-8")
    assert run_scheduled(tmp_path, status=400) == 1
    bookmarks = json.loads((tmp_path / "state.json").read_text("utf-8"))["bookmarks"]
    assert set(bookmarks) == set(STREAMS["analytics"])
    assert bookmarks["features"] == bookmark
    assert not (tmp_path / "states.jsonl").exists()  # or the next run would undo a change of state.json


def quoted_messages() -> list[str]:
    """The messages that the troubleshooting explains, each without the setting or status that it begins with."""
    section = TROUBLESHOOTING.partition("## Messages\n")[2].partition("## ")[0]
    messages = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    quoted = [words for message in messages for words in re.findall("`([^`]+)`", message)]
    return [re.sub(r"^(feedback\.api_key|returned \d+) ", "", words) for words in quoted]


@pytest.mark.parametrize("message", quoted_messages())
def test_the_messages_are_those_of_the_code(message: str) -> None:
    """What the troubleshooting quotes is what the tap says."""
    source = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    assert message in {status.phrase for status in HTTPStatus} or message in re.sub(r'"\s*f?"', "", source)


def test_the_guarantees_are_tested() -> None:
    """Each line of the guarantees has a test that holds the tap to it."""
    rows = GUARANTEES.partition("## What can go wrong")[2].partition("|---|---|\n")[2].partition("\n\n")[0]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows.splitlines()] == list(PROMISES)
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in PROMISES.values() if f"def {name}(" not in sources] == []


def test_meltano_takes_fractions() -> None:
    """Meltano fails on the variable of an `integer` with a fraction in it, and cannot pass a `decimal` on."""
    kinds = {setting["name"]: setting["kind"] for setting in MELTANO_TAP["settings"]}
    assert kinds["analytics.incremental.window"] == kinds["feedback.timeout"] == "string"
    assert kinds["feedback.paginator.limit"] == "integer"
    assert "decimal" not in kinds.values()


def test_meltano_marks_the_secrets() -> None:
    """The keys of the three APIs are what Meltano must not show."""
    secrets = [setting["name"] for setting in MELTANO_TAP["settings"] if setting.get("sensitive")]
    assert secrets == ["feedback.api_key", "analytics.api_key", "support.api_key"]


def test_meltano_sets_nothing_by_itself() -> None:
    """A default would make an API take part that the user did not set."""
    assert [setting["name"] for setting in MELTANO_TAP["settings"] if "value" in setting] == []


def test_meltano_lists_the_capabilities() -> None:
    """Meltano uses of the tap what the tap says it can do."""
    assert sorted(MELTANO_TAP["capabilities"]) == sorted(capability.value for capability in TapFeedback.capabilities)


def test_meltano_has_no_reason_to_rewrite_its_file() -> None:
    """Without an id Meltano writes one into the file, which leaves a fresh clone changed."""
    assert PROJECT["project_id"]
