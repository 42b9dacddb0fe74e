"""The streams that `docs/streams.md` declares are read whole, from local APIs that behave as its text says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

import pytest

from tests.runs import api, catalog_of, run_tap, sync
from tests.server import RecordedRequest, Reply, Server
from tools.docs import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runs import Run

TEXT = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
#: The settings of each example, and the line that `--test` logs for them, by the name of the stream.
EXAMPLES = {
    line.partition(":")[0]: (json.loads(config), line)
    for config, line in re.findall(r"^### Example:.*?```json\n(.*?)```\n\n    (.*?)\n", TEXT, re.DOTALL | re.MULTILINE)
}
#: Milliseconds from the epoch to the first day of 2024, and in a day.
FIRST_DAY, DAY = 1_704_067_200_000, 86_400_000


def row(number: int) -> dict[str, Any]:
    """A row that changed on one of the first 25 days of 2024, ten rows a day."""
    updated_at = f"2024-01-{1 + (number - 1) // 10:02}T09:30:00Z"
    return {"id": number, "title": f"Row {number}", "score": number / 2, "tags": ["a"], "updated_at": updated_at}


ROWS = [row(number) for number in range(1, 251)]
LAST_DAY = [row["id"] for row in ROWS[-10:]]


def since(day: str) -> list[dict[str, Any]]:
    """The rows that changed on a day or later."""
    return [row for row in ROWS if row["updated_at"] >= day]


def surveys(asked: RecordedRequest) -> Any:
    """Pages by number, for a key in a header."""
    if asked.headers.get("X-API-Key") != "your-api-key":
        return Reply({}, 401)
    assert asked.path == "/api/surveys"
    size, page = int(asked.query["per_page"]), int(asked.query["page"])
    rows = since(asked.query.get("updated_since", ""))
    return {"data": rows[size * (page - 1) : size * page], "meta": {"pages": -(-len(rows) // size)}}


def conversations(asked: RecordedRequest) -> Any:
    """Pages by URLs, for an access token."""
    if asked.path == "/oauth2/token":
        form = dict(parse_qsl(asked.body.decode()))
        assert (form["client_id"], form["client_secret"]) == ("your-client-id", "your-client-secret")
        return {"access_token": "issued-token", "expires_in": 3600}
    if asked.headers.get("Authorization") != "Bearer issued-token":
        return Reply({}, 401)
    assert (asked.path, asked.query["status"]) == ("/v2/conversations", "all")
    start, after = asked.query.get("modified_since", ""), int(asked.query.get("after", 0))
    rows = since(start)
    if not rows:
        return {"_links": {}}
    further = f"/v2/conversations?status=all&modified_since={start}&after={after + 25}"
    links = {"next": {"href": f"http://{asked.headers['Host']}{further}"}} if after + 25 < len(rows) else {}
    return {"_embedded": {"conversations": rows[after : after + 25]}, "_links": links}


def tickets(asked: RecordedRequest) -> Any:
    """A search by POST, with everything in the body."""
    if asked.headers.get("Authorization") != "Bearer your-token":
        return Reply({}, 401)
    assert (asked.method, asked.path, asked.query) == ("POST", "/v1/tickets/search", {})
    (condition,), page = asked.json["filters"], asked.json["page"]
    assert (condition["field"], condition["operator"], asked.json["sort"]) == (
        "updated_at",
        "gte",
        ["updated_at", "id"],
    )
    assert isinstance(condition["value"], int)
    rows = since(f"2024-01-{1 + (condition['value'] - FIRST_DAY) // DAY:02}")
    after = int(page.get("after", 0))
    further = {"next": str(after + page["size"])} if after + page["size"] < len(rows) else {}
    return {"results": rows[after : after + page["size"]], "paging": further}


class Example(NamedTuple):
    """A local API, the columns of its stream, and how a request has the start of its time range."""

    respond: Callable[[RecordedRequest], Any]
    columns: set[str]
    start_of: Callable[[RecordedRequest], Any]
    start: Any


PLAYED = {
    "surveys": Example(
        surveys,
        {"id", "title", "score", "updated_at", "_extra"},
        lambda asked: asked.query["updated_since"],
        "2024-01-25",
    ),
    "conversations": Example(
        conversations,
        {*ROWS[0], "_extra"},
        lambda asked: asked.query["modified_since"],
        "2024-01-25T09:30:00Z",
    ),
    "tickets": Example(
        tickets,
        {"id", "subject", "tags", "updated_at", "_extra"},
        lambda asked: asked.json["filters"][0]["value"],
        FIRST_DAY + 24 * DAY + 34_200_000,
    ),
}


def at(url: str, config: dict[str, Any]) -> dict[str, Any]:
    """The settings with another address, at which nothing waits."""
    return {
        name: {**part, "base_url": url, "retry": {"backoff_factor": 0}} if isinstance(part, dict) else part
        for name, part in config.items()
    }


def ids(run: Run, stream: str) -> list[int]:
    """The ids of a run's records in their order; a key without a schema is text."""
    assert (run.error, run.failures) == (None, {})
    return [int(number) for number in run.ids(stream)]


def test_each_example_is_played() -> None:
    """No example in the document is left untried."""
    assert EXAMPLES.keys() == PLAYED.keys()
    assert TEXT.count("### Example:") == len(PLAYED)


@pytest.mark.parametrize("name", PLAYED)
def test_an_example_is_read_whole_and_continued(name: str) -> None:
    """All rows come with the columns that the document promises; the next sync reads from the bookmark on."""
    with Server(PLAYED[name].respond) as server:
        config = at(server.url, EXAMPLES[name][0])
        first = sync(config, catalog=catalog_of(config, name))
        asked = len(server.requests)
        second = sync(config, catalog=catalog_of(config, name), state=first.state)
    assert ids(first, name) == [row["id"] for row in ROWS]
    assert set(first.schema(name)["schema"]["properties"]) == PLAYED[name].columns
    assert ids(second, name) == LAST_DAY
    last = server.requests[asked:][-1]
    assert PLAYED[name].start_of(last) == PLAYED[name].start


@pytest.mark.parametrize("name", PLAYED)
def test_an_example_is_proven_as_the_document_says(name: str, write: Callable[[str, Any], str]) -> None:
    """`--test` logs the line beneath the settings."""
    with Server(PLAYED[name].respond) as server:
        config = at(server.url, EXAMPLES[name][0])
        catalog = write("catalog.json", catalog_of(config, name))
        done = run_tap("--config", write("config.json", config), "--catalog", catalog, "--test")
    assert done.returncode == 0
    assert EXAMPLES[name][1] in [line.rpartition("| ")[2] for line in done.stderr.splitlines()]


def test_a_tap_with_streams_of_its_own_classes() -> None:
    """The example for contributors runs: its stream is the only one, and its hook takes effect."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    module: dict[str, Any] = {"__name__": "tap_reviews"}
    exec(code, module)  # noqa: S102 - a reader runs it, too
    rows = [{**ROWS[0], "is_spam": True}, {**ROWS[1], "is_spam": False}]
    with Server(lambda _: {"data": rows}) as server:
        found = sync({"feedback": api(server.url, paginator={"type": "single_page"})}, tap_type=module["TapReviews"])
    assert [entry["stream"] for entry in found.messages if entry["type"] == "SCHEMA"] == ["reviews"]
    assert ids(found, "reviews") == [2]


def test_a_search_without_a_start_is_sent_without_a_value() -> None:
    """The document says so: the filter of the example needs a `start_date`."""
    config, _ = EXAMPLES["tickets"]
    bodies = []

    def respond(asked: RecordedRequest) -> Any:
        bodies.append(asked.json)
        return {"results": [], "paging": {}}

    with Server(respond) as server:
        settings = {name: part for name, part in at(server.url, config).items() if name != "start_date"}
        sync(settings, catalog=catalog_of(settings, "tickets"))
    assert "value" not in bodies[0]["filters"][0]
