"""Streams of one's own: declared in the settings, read as those that the tap ships."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS, parse, problems
from tests.runs import api, catalog_of, sync
from tests.server import RecordedRequest, Server

ROWS = [
    {
        "id": number,
        "rating": number % 11,
        "comment": f"Comment {number}",
        "updated_at": f"2024-01-{number:02}T00:00:00Z",
    }
    for number in range(1, 26)
]


def pages(asked: RecordedRequest) -> dict[str, Any]:
    """Ten rows a page, with the number of the next page as the cursor."""
    page = int(asked.query.get("cursor", 0))
    after = asked.query.get("updated_after", "")
    rows = [row for row in ROWS if str(row["updated_at"]) >= after]
    pagination = {"cursor": str(page + 1)} if len(rows) > 10 * (page + 1) else {}
    return {asked.path.rpartition("/")[2]: rows[10 * page : 10 * page + 10], "pagination": pagination}


def test_a_stream_of_ones_own_is_discovered_selected_and_read() -> None:
    """A path is enough: the keys are columns, and all else is in `_extra`."""
    with Server(pages) as server:
        config = {"analytics": api(server.url, streams={"nps_ratings": {"path": "/nps_ratings"}})}
        entries = TapFeedback(config=config).catalog_dict["streams"]
        run = sync(config, catalog=catalog_of(config, "nps_ratings"))
    (entry,) = (entry for entry in entries if entry["tap_stream_id"] == "nps_ratings")
    assert (entry["replication_method"], list(entry["key_properties"])) == ("FULL_TABLE", ["id"])
    assert run.error is None
    assert [record["_extra"]["rating"] for record in run.records("nps_ratings")] == [row["rating"] for row in ROWS]
    assert list(run.schema("nps_ratings")["schema"]["properties"]) == ["id", "_extra"]


def test_a_stream_of_ones_own_has_columns_and_a_bookmark() -> None:
    """With `schema` and a replication key it is typed and incremental, as a shipped stream is."""
    own = {
        "path": "/nps_ratings",
        "replication_key": "updated_at",
        "schema": {"id": {"type": "integer"}, "rating": {"type": "integer"}, "comment": {"type": ["string", "null"]}},
    }
    with Server(pages) as server:
        config = {"analytics": api(server.url, streams={"nps_ratings": own})}
        first = sync(config, catalog=catalog_of(config, "nps_ratings"))
        second = sync(config, catalog=catalog_of(config, "nps_ratings"), state=first.state)
    assert (first.error, second.error) == (None, None)
    assert first.records("nps_ratings")[0] == {**ROWS[0], "_extra": None}
    assert first.state["bookmarks"]["nps_ratings"]["replication_key_value"] == "2024-01-25T00:00:00Z"
    assert second.ids("nps_ratings") == [25]
    properties = first.schema("nps_ratings")["schema"]["properties"]
    assert properties["rating"]["type"] == ["integer", "null"]
    assert properties["id"]["type"] == "integer"


def test_records_validate_against_a_schema_with_limits() -> None:
    """What is beyond a limit is kept in `_extra`; null is within each, as a row may lack any column."""
    own = {
        "data_selector": "data",
        "paginator": {"type": "single_page"},
        "schema": {"kind": {"type": "string", "enum": ["nps"]}, "note": {"type": "string", "maxLength": 3}},
    }
    rows = [
        {"id": "1", "kind": "nps", "note": "yes"},
        {"id": "2", "kind": "csat", "note": "long"},
        {"id": "3", "kind": None},
    ]
    with Server(lambda _: {"data": rows}) as server:
        config = {"feedback": api(server.url, streams={"nps": {"path": "/nps", **own}})}
        run = sync(config, catalog=catalog_of(config, "nps"))
    assert [record["_extra"] for record in run.records("nps")] == [None, {"kind": "csat", "note": "long"}, None]
    for record in run.records("nps"):
        jsonschema.validate(record, run.schema("nps")["schema"])


def test_streams_of_one_api_differ_in_everything() -> None:
    """A stream has its own paginator, time range, parameters and headers."""

    def answer(asked: RecordedRequest) -> Any:
        if asked.path == "/v1/surveys":
            offset = int(asked.query["offset"])
            return {"data": [{"id": str(number)} for number in range(offset, min(offset + 100, 30))]}
        assert asked.query == {"since": "1704067200", "kind": "nps", "per_page": "5", "api_key": "test-key"}
        assert (asked.headers["X-Version"], asked.headers["X-Team"]) == ("2", "data")
        return {"found": {"ratings": [{"key": "a", "at": "2024-02-01T00:00:00Z"}]}}

    own = {
        "path": "/ratings",
        "data_selector": "found.ratings",
        "primary_key": "key",
        "replication_key": "at",
        "params": {"kind": "nps"},
        "headers": {"X-Version": "2"},
        "paginator": {"type": "single_page", "limit": 5, "limit_param": "per_page"},
        "incremental": {"start_param": "since", "format": "epoch"},
    }
    with Server(answer) as server:
        streams = {"ratings": own, "surveys": {"path": "/surveys"}, "feedback_data": {"path": "/surveys"}}
        config = {
            "feedback": api(server.url, headers={"X-Team": "data", "x-version": "1"}, streams=streams),
            "start_date": "2024-01-01",
        }
        run = sync(config)
    assert (run.error, run.failures) == (None, {})
    assert len(run.records("surveys")) == len(run.records("feedback_data")) == 30
    assert run.records("ratings") == [{"key": "a", "at": "2024-02-01T00:00:00Z", "_extra": None}]


def test_inferred_columns_are_those_whose_values_fit_one_type() -> None:
    """Discovery reads rows, and what does not fit later is kept in `_extra`."""
    rows = [
        {
            "id": 1,
            "score": 1,
            "mixed": 1,
            "at": "2024-01-01T00:00:00Z",
            "tags": ["a"],
            "by": {"id": 1},
            "nothing": None,
        },
        {"id": 2, "score": 2.5, "mixed": "a", "at": "2024-01-02 10:00:00", "flag": True, "text": "10", "_extra": 1},
    ]
    with Server(lambda _: {"answers": rows}) as server:
        own = {"path": "/answers", "schema": "infer", "paginator": {"type": "single_page"}}
        config = {"analytics": api(server.url, streams={"answers": own, "forums": {"schema": "infer"}})}
        config["analytics"]["streams"]["forums"] = {
            "path": "/answers",
            "data_selector": "answers",
            "schema": "infer",
            "paginator": {"type": "single_page"},
        }
        catalog = catalog_of(config, "answers", "forums")
        rows.append({"id": 3, "score": "high"})
        requests = len(server.requests)
        run = sync(config, catalog=catalog)
    columns = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "answers")["schema"]["properties"]
    assert {name: column["type"] for name, column in columns.items()} == {
        "id": "string",
        "_extra": ["object", "null"],
        "score": ["number", "null"],
        "at": ["string", "null"],
        "tags": ["array", "null"],
        "by": ["object", "null"],
        "flag": ["boolean", "null"],
        "text": ["string", "null"],
    }
    assert columns["at"]["format"] == "date-time"
    assert requests == 2
    assert run.error is None
    records = run.records("answers")
    assert records[1]["_extra"] == {"mixed": "a", "_extra": 1}
    assert (records[2]["score"], records[2]["_extra"]) == (None, {"score": "high"})
    assert run.records("forums")[1]["score"] == 2.5


def test_a_discovery_that_cannot_read_rows_fails() -> None:
    """Columns that are missing because the API was down must not look like columns that do not exist."""
    with Server(lambda _: {"error": "no"}) as server:
        config = {"analytics": api(server.url, streams={"forums": {"schema": "infer"}})}
        with pytest.raises(Exception, match="forums: its columns cannot be inferred: the response has no `forums`"):
            _ = TapFeedback(config=config).catalog_dict


def test_variables_are_filled_into_paths_and_parameters() -> None:
    """A value is quoted in a path, and a text of nothing but a variable keeps its type."""
    own = {"path": "/units/{unit}/reviews", "data_selector": "data", "params": {"q": "unit:{unit}", "size": "{size}"}}
    with Server(lambda _: {"data": [{"id": "a"}]}) as server:
        variables = {"unit": "a/b c", "size": 7}
        config = {"feedback": api(server.url, variables=variables, streams={"reviews": own}, params={"team": "{unit}"})}
        assert problems(config) == []
        run = sync(config, catalog=catalog_of(config, "reviews"))
    assert run.error is None
    assert server.requests[0].target.startswith("/v1/units/a%2Fb%20c/reviews?")
    assert {name: server.requests[0].query[name] for name in ("q", "size", "team")} == {
        "q": "unit:a/b c",
        "size": "7",
        "team": "a/b c",
    }


def test_a_variable_of_an_api_needs_a_value() -> None:
    """Braces would be sent as they are; the time range alone needs no value."""
    block = {"base_url": "https://a.b", "api_key": "k", "params": {"a": "{team}", "b": ">{incremental.start_value}"}}
    (found,) = problems({"feedback": block})
    assert found == "`feedback.params` has a variable without a value; set `feedback.variables.team`"
    assert problems({"feedback": {**block, "variables": {"team": 1}}}) == []


def test_passes_read_a_stream_once_with_each_set_of_parameters() -> None:
    """Rows that an API lists apart become one table."""

    def answer(asked: RecordedRequest) -> Any:
        return {"data": [{"id": f"{asked.query['archived']}-{number}"} for number in range(3)]}

    with Server(answer) as server:
        own = {"passes": [{"archived": False}, {"archived": True}], "paginator": {"type": "single_page"}}
        run = sync({"feedback": api(server.url, streams={"feedback_data": own})})
    assert run.error is None
    assert sorted(run.ids("feedback_data")) == [f"{archived}-{n}" for archived in ("false", "true") for n in range(3)]


@pytest.mark.parametrize(
    ("own", "reply", "ids"),
    [
        ({"data_selector": ["result", "data.list", "$"]}, {"data": {"list": [{"id": "a"}]}}, ["a"]),
        ({"data_selector": ["result", "$"]}, [{"id": "a"}], ["a"]),
        ({"data_selector": "_embedded.data", "data_selector_empty_ok": True}, {"page": {"number": 1}}, []),
        ({"data_selector": "unit", "single_object": True}, {"unit": {"id": "a"}}, ["a"]),
        ({"data_selector": "$", "single_object": True}, {"id": "a"}, ["a"]),
        ({"data_selector": "$", "single_object": True}, {"id": "a", "page_count": 3, "next_id": 5}, ["a"]),
        ({"data_selector": "unit", "single_object": True}, {"unit": {"id": "a", "pages": 3, "has_more": True}}, ["a"]),
        ({"data_selector": "unit", "single_object": True}, {"unit": {"id": "a", "status": "failed"}}, ["a"]),
    ],
)
def test_selectors(own: dict[str, Any], reply: Any, ids: list[str]) -> None:
    """The rows may be in one of several places, be missing on an empty page, or be one object."""
    with Server(lambda _: reply) as server:
        own = {"paginator": {"type": "single_page"}, **own}
        run = sync({"feedback": api(server.url, streams={"feedback_data": own})})
    assert (run.error, run.failures, run.ids("feedback_data")) == (None, {}, ids)


@pytest.mark.parametrize(
    "reply",
    [
        {"message": "no access"},
        {"errors": ["down"]},
        {"has_more": True},
        {"code": 401},
        {"statusCode": 500},
        {"success": "false"},
    ],
)
def test_a_selector_that_may_be_absent_hides_no_failure(reply: Any) -> None:
    """An error, or a sign that rows follow, is not an empty page."""
    own = {"data_selector": "_embedded.data", "data_selector_empty_ok": True, "paginator": {"type": "single_page"}}
    with Server(lambda _: reply) as server:
        run = sync({"feedback": api(server.url, streams={"feedback_data": own})})
    assert list(run.failures) == ["feedback_data"]


@pytest.mark.parametrize(
    ("streams", "line"),
    [
        ({"nps": {}}, "`analytics.streams.nps` is not a stream of this API; a new one needs a `path`"),
        (
            {"nps": {"path": "/a/{site}"}},
            "`analytics.streams.nps.path` has a variable without a value; set `analytics.",
        ),
        ({"nps": {"path": "/a", "json": {"a": 1}}}, "`analytics.streams.nps.json` needs `method` POST"),
        (
            {"nps": {"path": "/a", "schema": {"a": {"type": "int"}}}},
            "`analytics.streams.nps.schema.a` is not a JSON Schema",
        ),
        (
            {"nps": {"path": "/a", "schema": {"a": {"type": "string", "pattern": "("}}}},
            "`analytics.streams.nps.schema.a` is not a JSON Schema",
        ),
        (
            {"nps": {"path": "/a", "schema": {"a": {"items": {"$ref": "#/b"}}}}},
            "`analytics.streams.nps.schema.a` must be without `$ref`",
        ),
        ({"nps": {"path": "/a", "schema": {"a": "integer"}}}, "`analytics.streams.nps.schema.a` must be an object"),
        ({"nps": {"path": "/a", "schema": "guess"}}, "`analytics.streams.nps.schema` must be an object or `infer`"),
        (
            {"nps": {"path": "/a", "paginator": {"offset_param": "o"}}},
            "`analytics.streams.nps.paginator.offset_param` belongs to the paginator type offset",
        ),
        (
            {"nps": {"path": "/a", "paginator": {"type": "offset", "overlap": 100}}},
            "`analytics.streams.nps.paginator.overlap` must be less than `limit`",
        ),
        (
            {"nps": {"path": "/a", "incremental": {"window": 1, "end_param": None}}},
            "`analytics.streams.nps.incremental.end_param` must be set if `window` is",
        ),
        ({"feedback_data": {"path": "/a"}}, "`analytics.streams.feedback_data` is already a stream of `feedback`"),
        (
            {"nps": {"path": "/a", "paginator": {"type": "pages"}}},
            "`analytics.streams.nps.paginator.type` must be one of `offset`, `page_number`",
        ),
        (
            {"": {"path": "/a"}},
            "`analytics.streams.` has a wrong name: it must be a name of at most 200 letters, digits",
        ),
        ({"../forums": {"path": "/a"}}, "`analytics.streams.../forums` has a wrong name"),
        ({"nps\n": {"path": "/a"}}, "`analytics.streams.nps"),
        ({"n" * 300: {"path": "/a"}}, "`analytics.streams.nnn"),
        ({"nps": {"path": "/a", "selector": "x"}}, "`analytics.streams.nps.selector` is not a setting: did you mean"),
    ],
)
def test_what_is_wrong_with_a_stream_is_said_before_any_request(streams: dict[str, Any], line: str) -> None:
    """A fault names the setting of the stream."""
    (found,) = problems({"analytics": {"base_url": "https://a.b", "api_key": "k", "streams": streams}})
    assert found.startswith(line)


def test_two_apis_cannot_have_a_stream_of_the_same_name() -> None:
    """Both would write into one table."""
    block = {"base_url": "https://a.b", "api_key": "k", "streams": {"nps": {"path": "/a"}}}
    (found,) = problems({"feedback": block, "support": block})
    assert found.startswith("`support.streams.nps` is already a stream of `feedback`")


# Presets


def test_a_preset_needs_no_more_than_address_and_key() -> None:
    """The vendor's preset says the rest; what the user sets wins."""
    config: dict[str, Any] = {
        "analytics": {"vendor": "uservoice", "base_url": "https://acme.uservoice.com", "api_key": "k"}
    }
    assert problems(config) == []
    parsed = parse(config).apis["analytics"]
    assert parsed.url_base == "https://acme.uservoice.com/api/v2/admin"
    assert tuple(parsed.streams)[:6] == STREAMS["analytics"]
    assert parsed.streams["forums"].paginator.limit_param == "per_page"
    config["analytics"] |= {"path_prefix": "/v3", "paginator": {"limit": 50}}
    parsed = parse(config).apis["analytics"]
    assert (parsed.path_prefix, parsed.paginator.limit, parsed.paginator.limit_param) == ("/v3", 50, "per_page")


@pytest.mark.parametrize(
    ("name", "vendor", "line"),
    [
        ("analytics", "uservoise", "`analytics.vendor` is not a shipped preset: did you mean `uservoice`?"),
        ("feedback", "uservoice", "`feedback.vendor` is a preset of another API: move these settings to `analytics`"),
    ],
)
def test_a_wrong_vendor(name: str, vendor: str, line: str) -> None:
    """A vendor that does not exist, or is one of another API, is refused with what to do."""
    assert problems({name: {"base_url": "https://a.b", "api_key": "k", "vendor": vendor}}) == [line]


def test_a_variable_that_all_streams_of_a_vendor_have_is_missing_once() -> None:
    """One setting is to be set, so there is one line."""
    (line,) = problems({"feedback": {"vendor": "trustpilot", "api_key": "k"}})
    assert line.endswith("has a variable without a value; set `feedback.variables.business_unit_id`")


def test_a_next_link_of_a_post_gets_the_body_again() -> None:
    """A filter in the body holds for all pages; the API would return other rows without it."""

    def respond(request: RecordedRequest) -> Any:
        assert request.method == "POST"
        first = int(request.query.get("page", 0)) * 2
        found = [{"id": str(number)} for number in range(5) if request.json == {"archived": True}]
        links = {"next": f"/v1/search?page={first // 2 + 1}"} if first + 2 < len(found) else {}
        return {"data": found[first : first + 2], "links": links}

    own = {"path": "/search", "method": "POST", "json": {"archived": True}, "paginator": {"type": "json_link"}}
    with Server(respond) as server:
        config = {"feedback": api(server.url, streams={"found": own})}
        run = sync(config, catalog=catalog_of(config, "found"))
    assert (run.error, run.ids("found")) == (None, ["0", "1", "2", "3", "4"])
