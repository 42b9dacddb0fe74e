"""Streams that are read once for each row of another."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest

from tap_feedback.client import AnalyticsAPI
from tap_feedback.streams import STREAM_TYPES
from tap_feedback.tap import TapFeedback
from tests.configs import problems
from tests.resume import merge
from tests.runs import Run, api, catalog_of, sync
from tests.server import RecordedRequest, Reply, Server

CHANGED = {"parent_changed_field": "last_updated_at"}
CAPTURED = {"replication_key": "submitted_at"}


@dataclass
class Player:
    """Forms with responses, two on a page; it records which forms' responses were requested.

    Attributes:
        forms: The rows of the parent.
        responses: The rows of the child, by form; a form without any here returns 404.
        quota: Number of requests for responses until all are refused.
        refused: Forms whose responses are refused.
    """

    forms: list[dict[str, Any]]
    responses: dict[Any, list[dict[str, Any]]]
    quota: int = 1_000_000
    refused: set[Any] = field(default_factory=set)
    requested: list[str] = field(default_factory=list)
    lists: list[RecordedRequest] = field(default_factory=list)

    def __call__(self, request: RecordedRequest) -> Any:
        """Respond to a request."""
        parts = request.path.split("/")[2:]
        if parts == ["forms"]:
            self.lists.append(request)
            after = request.query.get("updated_after", "")
            return self.page(request, [form for form in self.forms if str(form.get("last_updated_at", "~")) >= after])
        form = unquote(parts[1])
        self.quota -= 1
        if self.quota < 0 or form in self.refused:
            return Reply({"error": "quota"}, 403)
        self.requested.append(form)
        rows = self.responses.get(form)
        return Reply({"message": "gone"}, 404) if rows is None else self.page(request, rows)

    def page(self, request: RecordedRequest, rows: list[dict[str, Any]]) -> Any:
        """A page of two rows."""
        start = int(request.query.get("cursor", 0))
        more = {"cursor": str(start + 2)} if len(rows) > start + 2 else {}
        return {"data": rows[start : start + 2], "pagination": more}


def play(number: int, each: int = 3) -> Player:
    """A player of forms `f0`, `f1`, …, each with some responses, `f0-0` and so on."""
    names = [f"f{form}" for form in range(number)]
    forms = [
        {"id": name, "last_updated_at": f"2024-02-01T00:{n // 60:02}:{n % 60:02}Z"} for n, name in enumerate(names)
    ]
    responses = {
        name: [{"id": f"{name}-{n}", "submitted_at": f"2024-01-{n + 1:02}T00:00:00Z"} for n in range(each)]
        for name in names
    }
    return Player(forms, responses)


def config(url: str, child: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """Settings with the stream `forms`, and the stream `responses` that is read for each of them."""
    streams = {
        "forms_list": {"path": "/forms", "data_selector": "data"},
        "responses": {
            "path": "/forms/{parent.id}/responses",
            "data_selector": "data",
            "parent": "forms_list",
            "include_from_parent": {"form_id": "id"},
            **(child or {}),
        },
    }
    return {"analytics": api(url, streams=streams, **settings)}


def read(server: Server, child: dict[str, Any] | None = None, state: dict[str, Any] | None = None, **more: Any) -> Run:
    """Sync the child alone."""
    settings = config(server.url, child, **more)
    return sync(settings, catalog=catalog_of(settings, "responses"), state=copy.deepcopy(state))


def expected(player: Player) -> list[str]:
    """The ids of all responses."""
    return sorted(row["id"] for rows in player.responses.values() for row in rows)


def progress_of(run: Run) -> dict[str, Any]:
    """What the last state has of parents, without what is empty."""
    found: dict[str, Any] = run.state["bookmarks"]["responses"].get("parents", {})
    return {name: value for name, value in found.items() if value}


# Rows


def test_a_child_is_read_once_for_each_parent_though_the_parent_is_not_selected() -> None:
    """All pages of all parents come, each row with its parent's id; of the parent nothing is written."""
    player = play(5)
    with Server(player) as server:
        run = read(server)
    assert (run.error, run.failures) == (None, {})
    assert sorted(run.ids("responses")) == expected(player)
    assert all(record["id"].startswith(record["form_id"] + "-") for record in run.records("responses"))
    assert {message["stream"] for message in run.messages if "stream" in message} == {"responses"}
    assert Counter(player.requested) == dict.fromkeys(player.responses, 2)
    assert len(player.lists) == 3
    assert progress_of(run) == {}


def test_a_selected_parent_is_read_on_its_own() -> None:
    """Both streams are complete."""
    player = play(5)
    with Server(player) as server:
        settings = config(server.url)
        run = sync(settings, catalog=catalog_of(settings, "responses", "forms_list"))
    assert (run.error, run.ids("forms_list")) == (None, [form["id"] for form in player.forms])
    assert sorted(run.ids("responses")) == expected(player)


def test_a_parent_that_is_gone_has_no_rows() -> None:
    """A 404 for some parents ends nothing, not even if the first ones return it."""
    player = play(6)
    for name in ("f0", "f1", "f4"):
        del player.responses[name]
    with Server(player) as server:
        run = read(server)
    assert (run.error, sorted(run.ids("responses"))) == (None, expected(player))


def test_a_parent_that_goes_between_two_pages_fails_the_stream() -> None:
    """Its rows were promised."""
    player = play(1)

    def respond(request: RecordedRequest) -> Any:
        return Reply({}, 404) if "responses" in request.path and "cursor" in request.query else player(request)

    with Server(respond) as server:
        run = read(server)
    assert "returned 404" in run.failures["responses"]


def test_a_404_for_all_of_many_parents_is_a_wrong_path() -> None:
    """No list of forms loses them all before the next request; and nothing counts as read."""
    player = play(12)
    with Server(player) as server:
        wrong = read(server, {"path": "/surveys/{parent.id}x/responses"})
        run = read(server, state=wrong.state)
    assert wrong.failures["responses"].startswith("returned 404 Not Found for 12 parents")
    assert wrong.failures["responses"].endswith("check `analytics.streams.responses.path`")
    assert (run.error, sorted(run.ids("responses"))) == (None, expected(player))


def test_a_404_for_all_of_few_parents_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """It may be so, but the path may be wrong as well."""
    player = play(2)
    player.responses.clear()
    with Server(player) as server:
        run = read(server, CHANGED)
    assert (run.error, run.ids("responses"), progress_of(run)) == (None, [], {})
    assert "returned 404 Not Found for 2 parents" in caplog.text


def test_many_parents_are_read_concurrently_within_bounds() -> None:
    """300 parents, and never more requests than connections."""
    player, lock, running, most = play(300, each=1), threading.Lock(), [0], [0]

    def respond(request: RecordedRequest) -> Any:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.001)
        reply = player(request)
        with lock:
            running[0] -= 1
        return reply

    with Server(respond) as server:
        run = read(server, max_connections=4)
    assert (run.error, sorted(run.ids("responses"))) == (None, expected(player))
    assert 1 < most[0] <= 4
    assert Counter(player.requested).most_common(1)[0][1] == 1


def test_parents_that_are_added_during_the_sync_are_read() -> None:
    """The list is read to its end, which moves."""
    player, later = play(6), play(9)

    def respond(request: RecordedRequest) -> Any:
        reply = player(request)
        if "f1/" in request.path and len(player.forms) == 6:
            player.forms += later.forms[6:]
            player.responses |= later.responses
        return reply

    with Server(respond) as server:
        run = read(server, max_connections=1)
    assert (run.error, sorted(run.ids("responses"))) == (None, expected(later))


def test_a_parent_that_is_listed_twice_is_read_once() -> None:
    """Pages may overlap."""
    player = play(3)
    player.forms.append(player.forms[0])
    with Server(player) as server:
        run = read(server)
    assert (run.error, sorted(run.ids("responses"))) == (None, expected(player))


def test_ids_are_quoted_and_numbers_keep_their_type() -> None:
    """In a path an id is one step, in parameters it is a value, in a JSON body it has its type."""
    player = play(0)
    player.forms = [{"id": "a/b?c d", "rank": 7}, {"id": "ü%", "rank": 8}]
    player.responses = {name: [{"id": name}] for name in ("a/b?c d", "ü%")}
    child = {
        "method": "POST",
        "json": {"rank": "{parent.rank}", "of": "#{parent.rank}"},
        "params": {"f": "{parent.id}"},
    }
    with Server(player) as server:
        run = read(server, child)
        sent = sorted(
            (request for request in server.requests if request.method == "POST"), key=lambda r: r.json["rank"]
        )
    assert (run.error, sorted(run.ids("responses"))) == (None, ["a/b?c d", "ü%"])
    assert [request.json for request in sent] == [{"rank": 7, "of": "#7"}, {"rank": 8, "of": "#8"}]
    assert sent[0].target.startswith("/v1/forms/a%2Fb%3Fc%20d/responses?")
    assert sent[0].query["f"] == "a/b?c d"


def test_the_primary_key_may_be_of_the_parent_in_part() -> None:
    """Rows of two parents share ids, and its column has the type of the parent's."""
    player = play(2)
    player.forms = [{"id": number, "owner": {"team": "x"}} for number in (1, 2)]
    player.responses = {str(number): [{"id": f"r{n}"} for n in range(5)] for number in (1, 2)}
    own = {"primary_key": ["form_id", "id"], "include_from_parent": {"form_id": "id", "team": "owner.team"}}
    with Server(player) as server:
        settings = config(server.url, own)
        settings["analytics"]["streams"]["forms_list"]["schema"] = {"id": {"type": "integer"}}
        run = sync(settings, catalog=catalog_of(settings, "responses"))
    assert run.error is None
    assert sorted((row["form_id"], row["id"]) for row in run.records("responses")) == [
        (form, f"r{n}") for form in (1, 2) for n in range(5)
    ]
    schema = run.schema("responses")
    assert schema["key_properties"] == ["form_id", "id"]
    assert schema["schema"]["properties"]["form_id"]["type"] == "integer"
    assert schema["schema"]["properties"]["team"]["type"] == ["string", "null"]
    assert {row["team"] for row in run.records("responses")} == {"x"}


def test_a_column_of_the_parent_hides_no_value_of_the_row() -> None:
    """If both differ, another name is needed."""
    player = play(1)
    player.responses["f0"][0]["form_id"] = "another"
    with Server(player) as server:
        run = read(server)
    assert run.failures["responses"].startswith("a row has a `form_id` that is not its parent's")


@pytest.mark.parametrize(
    ("form", "cause"),
    [
        ({"name": "x"}, "a row has no `id`; check `analytics.streams."),
        ({"id": None}, "a row has a `id` that cannot be part of a request; check `analytics.streams.responses.path`"),
        ({"id": ".."}, "a row has a `id` that cannot be part of a request"),
        ({"id": ""}, "a row has a `id` that cannot be part of a request"),
        ({"id": {"a": 1}}, "a row has a `id` that cannot be part of a request"),
    ],
)
def test_a_parent_without_the_field_fails_the_child(form: dict[str, Any], cause: str) -> None:
    """It must not lead to another address."""
    player = play(1)
    player.forms = [form]
    with Server(player) as server:
        run = read(server)
    assert run.failures["responses"].startswith(f"its parent, forms_list, could not be read: {cause}")
    assert player.requested == []


def test_post_process_has_the_fields_of_the_parent() -> None:
    """The SDK's hook gets them as its context."""

    class Responses(AnalyticsAPI):
        name = "responses"
        path = "/unused"
        data_selector = "data"

        def post_process(self, row: dict[str, Any], context: Any = None) -> dict[str, Any] | None:
            return {**row, "id": f"{context['id']}:{row['id']}:{row['form_id']}"}

    class Tap(TapFeedback):
        stream_types = (*STREAM_TYPES, Responses)

    player = play(9, each=2)
    with Server(player) as server:
        settings = config(server.url, {"replication_key": None})
        catalog = Tap(config=settings).catalog_dict
        for entry in catalog["streams"]:
            entry["metadata"][-1]["metadata"]["selected"] = entry["tap_stream_id"] == "responses"
        run = sync(settings, catalog=catalog, tap_type=Tap)
    assert run.error is None
    assert sorted(run.ids("responses")) == [f"f{n}:f{n}-{r}:f{n}" for n in range(9) for r in range(2)]


# Failures


def test_a_list_of_parents_that_fails_fails_the_child_and_names_the_parent() -> None:
    """The child is incomplete, and says why."""
    player = play(5)

    def respond(request: RecordedRequest) -> Any:
        return Reply({}, 403) if request.path.endswith("/forms") and request.query.get("cursor") else player(request)

    with Server(respond) as server:
        run = read(server)
    assert run.failures["responses"].startswith("its parent, forms_list, could not be read: returned 403")


def test_a_child_that_fails_does_not_fail_its_parent() -> None:
    """The parent is a stream like any other."""
    player = play(5)
    player.refused = {"f3"}
    with Server(player) as server:
        settings = config(server.url)
        run = sync(settings, catalog=catalog_of(settings, "responses", "forms_list"))
    assert list(run.failures) == ["responses"]
    assert len(run.ids("forms_list")) == 5


@pytest.mark.parametrize("child", [{}, CHANGED, CAPTURED, {**CHANGED, **CAPTURED}])
def test_a_sync_that_meets_a_quota_goes_on_with_the_parents_that_are_left(child: dict[str, Any]) -> None:
    """No row is missing, and a parent that is done is not requested again."""
    player, ids, runs = play(20), [], 0
    state: dict[str, Any] = {}
    del player.responses["f2"]
    with Server(player) as server:
        while True:
            player.quota, before = 14, Counter(player.requested)
            run = read(server, child, state)
            ids += run.ids("responses")
            state, runs = run.state, runs + 1
            if run.error is None:
                break
            done = len(progress_of(run)["done"])
            assert done >= 2 * runs
            assert runs < 9
            assert (Counter(player.requested) - before).total() <= 14
    assert runs > 2
    assert sorted(set(ids)) == expected(player)
    # A parent is requested again only if it was being read when the quota ended.
    assert max(Counter(player.requested).values()) <= 2 * 2
    assert sum(times > 2 for times in Counter(player.requested).values()) <= 4 * (runs - 1)
    assert set(progress_of(run)) == ({"changed"} if "parent_changed_field" in child else set())


def test_a_bookmark_has_the_rows_of_all_runs() -> None:
    """The newest row may be of a parent that an earlier run has read."""
    player = play(6, each=1)
    player.responses["f0"][0]["submitted_at"] = "2024-05-05T00:00:00Z"
    with Server(player) as server:
        player.quota = 3
        first = read(server, CAPTURED, max_connections=1)
        player.quota = 100
        second = read(server, CAPTURED, first.state, max_connections=1)
    assert first.failures
    assert "replication_key_value" not in first.state["bookmarks"]["responses"]
    assert second.error is None
    assert player.requested == [f"f{n}" for n in range(6)]
    assert second.state["bookmarks"]["responses"] == {
        "replication_key": "submitted_at",
        "replication_key_value": "2024-05-05T00:00:00Z",
    }


@pytest.mark.parametrize("child", [{}, CHANGED])
def test_states_may_be_merged(child: dict[str, Any]) -> None:
    """The parents that were done do not come back when a sync is complete, so that all are read again."""
    player, merged = play(5, each=1), dict[str, Any]()
    with Server(player) as server:
        for quota in (3, 100, 100):
            player.quota = quota
            run = read(server, child, merged)
            for message in run.messages:
                if message["type"] == "STATE":
                    merge(message["value"], merged)
        assert run.error is None
    assert sorted(run.ids("responses")) == (expected(player) if not child else ["f4-0"])


def test_another_request_than_before_is_sent_for_all_parents() -> None:
    """Progress is of a path, of parameters, of a start: with others, rows would be missing."""
    player = play(4, each=1)
    with Server(player) as server:
        player.quota = 2
        first = read(server, max_connections=1)
        player.quota = 100
        second = read(server, {"params": {"all": True}}, first.state, max_connections=1)
    assert len(progress_of(first)["done"]) == 2
    assert (second.error, sorted(second.ids("responses"))) == (None, expected(player))


def test_states_are_written_while_parents_are_left() -> None:
    """They are of rows before them, so that a sync that is killed goes on from the last one."""
    player = play(8, each=1)
    with Server(player) as server:
        run = read(server, max_connections=1)
        states = [n for n, message in enumerate(run.messages) if message["type"] == "STATE"]
        (middle,) = (
            n
            for n in states
            if run.messages[n]["value"]["bookmarks"].get("responses", {}).get("parents", {}).get("done")
        )
        killed = Run(messages=run.messages[: middle + 1])
        player.requested.clear()
        rest = read(server, state=killed.state, max_connections=1)
    assert rest.error is None
    assert sorted(killed.ids("responses") + rest.ids("responses")) == expected(player)
    assert player.requested == [f"f{n}" for n in range(1, 8)]


@pytest.mark.parametrize("more", [{"emit_activate_version_messages": True}])
def test_a_version_is_read_whole(more: dict[str, Any]) -> None:
    """A target deletes what a version lacks, so that no parent is left out."""
    player = play(4, each=1)
    with Server(player) as server:
        settings = {**config(server.url, CHANGED, max_connections=1), **more}
        catalog = catalog_of(settings, "responses")
        player.quota = 2
        first = sync(settings, catalog=catalog)
        player.quota = 100
        second = sync(settings, catalog=catalog, state=first.state)
        third = sync(settings, catalog=catalog, state=second.state)
    assert "done" not in progress_of(first)
    for run in (second, third):
        assert (run.error, sorted(run.ids("responses"))) == (None, expected(player))


# Changed parents


def test_only_changed_parents_are_read() -> None:
    """Those of the very moment of the last change, those that changed since, and those that do not say."""
    player = play(5, each=1)
    player.forms.append({"id": "f5", "last_updated_at": None})
    player.responses["f5"] = [{"id": "f5-0"}]
    with Server(player) as server:
        first = read(server, CHANGED)
        player.requested.clear()
        player.forms[1]["last_updated_at"] = "2024-03-01T00:00:00Z"
        second = read(server, CHANGED, first.state)
    assert (first.error, second.error) == (None, None)
    assert progress_of(first) == {"changed": "2024-02-01T00:00:04.000000Z"}
    assert sorted(player.requested) == ["f1", "f4", "f5"]
    assert progress_of(second) == {"changed": "2024-03-01T00:00:00.000000Z"}


def test_a_change_never_passes_the_moment_the_sync_began() -> None:
    """A clock that is ahead would hide the changes until then."""
    player = play(2, each=1)
    player.forms[1]["last_updated_at"] = "2999-01-01T00:00:00Z"
    with Server(player) as server:
        run = read(server, CHANGED)
        again = read(server, CHANGED, run.state)
    assert progress_of(run)["changed"] < "2999"
    assert again.ids("responses") == ["f1-0"]


def test_changed_parents_are_requested_by_their_replication_key() -> None:
    """An API that filters by the field need not list all parents again."""
    player = play(5, each=1)
    with Server(player) as server:
        settings = config(server.url, CHANGED)
        settings["analytics"]["streams"]["forms_list"]["replication_key"] = "last_updated_at"
        catalog = catalog_of(settings, "responses")
        first = sync(settings, catalog=catalog)
        player.lists.clear()
        second = sync(settings, catalog=catalog, state=first.state)
    assert (second.error, second.ids("responses")) == (None, ["f4-0"])
    assert [request.query["updated_after"] for request in player.lists] == ["2024-02-01T00:00:04Z"]


def test_a_changed_field_that_no_parent_has_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Every sync then reads all parents."""
    player = play(2, each=1)
    with Server(player) as server:
        run = read(server, {"parent_changed_field": "changed"})
    assert (run.error, progress_of(run)) == (None, {})
    assert "no row of forms_list has a time in `changed`, so every sync reads all of them" in caplog.text


# State


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ([], "`parents` of responses is not what the tap writes there"),
        ({"done": "x"}, "`parents` of responses is not what the tap writes there"),
        ({"other": 1}, "`parents` of responses is not what the tap writes there"),
        ({"changed": "soon"}, "`parents.changed` of responses is not a point in time"),
        ({"changed": "2999-01-01"}, "`parents.changed` of responses is in the future"),
        ({"done": ["a"]}, "`parents` of responses has `done` without `began`"),
    ],
)
def test_a_state_that_is_wrong_is_refused_before_any_request(part: object, words: str) -> None:
    """The message says what to remove."""
    with Server(play(1)) as server:
        run = read(server, state={"bookmarks": {"responses": {"parents": part}}})
    assert server.requests == []
    assert run.error is not None
    assert run.error.startswith(f"state: {words}")
    assert run.error.endswith("remove `parents` from the state of responses, to read all its parents again")


# Discovery and test


def test_columns_are_derived_from_the_rows_of_parents() -> None:
    """Of the first parents, and of the parent for what comes from there."""
    player = play(3)
    player.forms = [{"id": number} for number in range(3)]
    player.responses = {"1": [{"id": "a", "score": 4}]}
    with Server(player) as server:
        settings = config(server.url, {"schema": "infer"})
        settings["analytics"]["streams"]["forms_list"]["schema"] = {"id": {"type": "integer"}}
        catalog = catalog_of(settings, "responses")
    columns = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "responses")["schema"][
        "properties"
    ]
    assert {name: column["type"] for name, column in columns.items()} == {
        "id": "string",
        "_extra": ["object", "null"],
        "form_id": ["integer", "null"],
        "score": ["integer", "null"],
    }


def test_the_connection_test_reads_a_parent_with_rows(caplog: pytest.LogCaptureFixture) -> None:
    """The first ones may have none."""
    player = play(4)
    player.responses["f0"] = []
    del player.responses["f1"]
    with Server(player) as server:
        settings = config(server.url)
        with caplog.at_level(logging.INFO):
            TapFeedback(config=settings, catalog=catalog_of(settings, "responses")).run_connection_test()
    assert "responses: ok, 3 rows in 2 pages, key `id`" in caplog.text


# Settings

PARENT: dict[str, Any] = {"path": "/a/{parent.id}", "parent": "forums"}


@pytest.mark.parametrize(
    ("child", "line"),
    [
        ({"path": "/a/{parent.id}"}, "path` has a field of a parent's row; set `analytics.streams.nps.parent`"),
        ({**PARENT, "parent": "forum"}, "parent` is not a stream of this API: did you mean `forums`?"),
        ({**PARENT, "parent": "feedback_data"}, "parent` is not a stream of this API"),
        ({**PARENT, "parent": "nps"}, "parent` is the stream itself"),
        ({**PARENT, "parent": "child"}, "parent` is itself read for each row of another stream, and only one level"),
        ({**PARENT, "path": "/a"}, "parent` needs a field of its rows in `path`, `params` or `json`, as in `/forms/"),
        ({"path": "/a", "include_from_parent": {"a": "id"}}, "include_from_parent` needs `parent`"),
        ({"path": "/a", "parent_changed_field": "at"}, "parent_changed_field` needs `parent`"),
        ({**PARENT, "include_from_parent": {"a": 1}}, "include_from_parent.a` must be"),
    ],
)
def test_what_is_wrong_with_a_parent_is_said_before_any_request(child: dict[str, Any], line: str) -> None:
    """A fault names the setting of the child."""
    streams = {"child": PARENT, "nps": child}
    (found,) = problems({"analytics": {"base_url": "https://a.b", "api_key": "k", "streams": streams}})
    assert found.startswith(f"`analytics.streams.nps.{line}")


@pytest.mark.parametrize("child", [PARENT, {**PARENT, "path": "/a", "params": {"form": "{parent.id}"}}])
def test_a_parent_that_is_right(child: dict[str, Any]) -> None:
    """A field of the parent's row may be anywhere in the request."""
    assert problems({"analytics": {"base_url": "https://a.b", "api_key": "k", "streams": {"nps": child}}}) == []
