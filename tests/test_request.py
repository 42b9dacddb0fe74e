"""Requests of a stream: parameters and body for a range, a pass and a page."""

from __future__ import annotations

from typing import Any

import pytest
from singer_sdk.exceptions import ConfigurationError

from tap_feedback.paging import PageRequest
from tap_feedback.request import Assembler, RangeRequest, fill
from tests.configs import parse, problems

SEARCH: dict[str, Any] = {
    "path": "/search",
    "method": "POST",
    "json": {"query": {"field": "updated_at", "value": 0}, "sort": [{"by": "updated_at"}]},
    "incremental": {"start_param": "query.value", "format": "epoch"},
    "paginator": {
        "type": "cursor",
        "location": "body",
        "limit_param": "pagination.per_page",
        "cursor_param": "pagination.starting_after",
    },
}


def assembler(stream: dict[str, Any], **api: Any) -> Assembler:
    """An assembler for a stream of the support API."""
    config = {
        "support": {"base_url": "https://a.b", "api_key": "k", "streams": {"own": {"path": "/x", **stream}}, **api}
    }
    assert problems(config) == []
    parsed = parse(config).apis["support"]
    return Assembler(parsed.streams["own"], parsed.params)


def test_a_get_has_the_parameters_of_api_stream_pass_range_and_page() -> None:
    """What is nearer to the request wins."""
    built = assembler(
        {"params": {"b": "stream", "c": "stream"}, "incremental": {"start_param": "from", "end_param": "to"}},
        params={"a": "api", "b": "api", "flag": True, "list": [1, False]},
    )
    wanted = RangeRequest({"c": "pass"}, "2024-01-01", None, PageRequest({"offset": 10}))
    assert built.params(wanted) == {
        "a": "api",
        "b": "stream",
        "c": "pass",
        "flag": "true",
        "list": [1, "false"],
        "from": "2024-01-01",
        "offset": 10,
    }
    assert built.body(wanted) is None


def test_a_post_has_range_and_page_in_its_body() -> None:
    """Paths lead into the body, and epochs are numbers."""
    wanted = RangeRequest(
        {}, "1704067200", None, PageRequest({"pagination.per_page": 100, "pagination.starting_after": "x"})
    )
    built = assembler(SEARCH)
    assert built.params(wanted) == {}
    assert built.body(wanted) == {
        "query": {"field": "updated_at", "value": 1704067200},
        "sort": [{"by": "updated_at"}],
        "pagination": {"per_page": 100, "starting_after": "x"},
    }
    assert built.body(RangeRequest()) == SEARCH["json"]


def test_a_post_may_have_its_page_in_the_query() -> None:
    """`location` decides for the page alone."""
    built = assembler({**SEARCH, "paginator": {"type": "cursor"}})
    wanted = RangeRequest({}, "5", None, PageRequest({"cursor": "x"}))
    assert built.params(wanted) == {"cursor": "x"}
    assert built.body(wanted) == {"query": {"field": "updated_at", "value": 5}, "sort": [{"by": "updated_at"}]}


def test_parameters_of_the_first_page_only() -> None:
    """Later requests of a chain leave them out, wherever they come from."""
    names = ["since", "sort", "size"]
    built = assembler(
        {
            "params": {"sort": "asc", "kind": "nps"},
            "incremental": {"start_param": "since"},
            "paginator": {"type": "cursor", "limit_param": "size", "first_page_only": names},
        }
    )
    first = RangeRequest({}, "2024", None, PageRequest({"size": 100}, is_first=True))
    later = RangeRequest({}, "2024", None, PageRequest({"size": 100, "cursor": "x"}))
    assert built.params(first) == {"sort": "asc", "kind": "nps", "since": "2024", "size": 100}
    assert built.params(later) == {"kind": "nps", "cursor": "x"}
    search = assembler({**SEARCH, "paginator": {**SEARCH["paginator"], "first_page_only": ["query.value", "sort"]}})
    assert search.body(later) == {"query": {"field": "updated_at"}, "size": 100, "cursor": "x"}


def test_the_range_inside_a_text() -> None:
    """A parameter without its value is left out; a body cannot be."""
    params = assembler({"params": {"jql": "updated >= {incremental.start_value}", "fields": "*all"}})
    assert params.params(RangeRequest({}, "2024")) == {"jql": "updated >= 2024", "fields": "*all"}
    assert params.params(RangeRequest()) == {"fields": "*all"}
    body = {"method": "POST", "json": {"from": "{incremental.start_value}", "q": "<{incremental.end_value}"}}
    built = assembler({**body, "incremental": {"format": "epoch_ms"}})
    assert built.body(RangeRequest({}, "1", "2")) == {"from": 1, "q": "<2"}
    with pytest.raises(ConfigurationError, match="set `end_date`"):
        built.body(RangeRequest({}, "1"))
    with pytest.raises(ConfigurationError, match="set `start_date`"):
        built.body(RangeRequest({}, None, "2"))


def test_variables() -> None:
    """Variables without a value are kept, and so are other braces."""
    values = {"id": 5, "name": "a/b", "yes": True}
    assert fill({"a": "{id}", "b": ["{name}-{id}"], "c": "{unknown}", "d": '{"x": 1}', "e": "{yes}!"}, values.get) == {
        "a": 5,
        "b": ["a/b-5"],
        "c": "{unknown}",
        "d": '{"x": 1}',
        "e": "true!",
    }
    assert fill("/x/{name}/{yes}", values.get, in_path=True) == "/x/a%2Fb/true"
