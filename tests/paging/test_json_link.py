"""Next URLs in the response: followed unchanged, and only on the API's own origin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.paging import Address
from tap_feedback.paging.json_link import JsonLinkPaging
from tap_feedback.paging.links import LinkError, resolve
from tests.paging.driver import drive, rows
from tests.runs import api, sync
from tests.server import RecordedRequest, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_feedback.paging import PageRequest

BASE = "https://api.example.com"
HERE = f"{BASE}/v1/rows?page=1"


def chain(pages: dict[str | None, tuple[list[int], Any]]) -> Callable[[PageRequest], Any]:
    """A server that has for each URL some rows and the next URL."""

    def respond(request: PageRequest) -> Any:
        found, link = pages[request.url]
        return {"data": rows(*found), **({} if link is ... else {"links": {"next": link}})}

    return respond


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://api.example.com/v1/rows?page=2", f"{BASE}/v1/rows?page=2"),
        ("HTTPS://API.example.com:443/other?page=2", "HTTPS://API.example.com:443/other?page=2"),
        ("//api.example.com/x", f"{BASE}/x"),
        ("/v1/rows?page=2", f"{BASE}/v1/rows?page=2"),
        ("/v1?page=2", f"{BASE}/v1?page=2"),
        ("v1/rows?page=2", f"{BASE}/v1/rows?page=2"),
        ("/rows?page=2", f"{BASE}/v1/rows?page=2"),
        ("/v10/rows", f"{BASE}/v1/v10/rows"),
        ("rows?page=2", f"{BASE}/v1/rows?page=2"),
        ("?page=2", f"{BASE}/v1/rows?page=2"),
        ("/v1/rows?after=a%2Fb&q=%20#top", f"{BASE}/v1/rows?after=a%2Fb&q=%20"),
        ("/v1/rows?to=https://other.example/", f"{BASE}/v1/rows?to=https://other.example/"),
    ],
)
def test_a_link_is_resolved(link: str, url: str) -> None:
    """A path that does not begin with the prefix gets it."""
    assert resolve(link, Address(BASE, "/v1", "/rows"), HERE) == url


def test_a_link_is_resolved_against_a_base_with_a_path() -> None:
    """Nothing is lost of `base_url`, and nothing doubled."""
    address = Address("https://proxy.example:8443/api", "", "/rows")
    assert resolve("/rows?page=2", address, "") == "https://proxy.example:8443/api/rows?page=2"
    assert resolve("https://proxy.example:8443/x", address, "") == "https://proxy.example:8443/x"
    assert resolve("/api/rows?page=2", address, "") == "https://proxy.example:8443/api/rows?page=2"
    address = Address("https://proxy.example:8443/api", "/v2", "/rows")
    assert resolve("/api/v2/rows?page=2", address, "") == "https://proxy.example:8443/api/v2/rows?page=2"
    assert resolve("/v2/rows?page=2", address, "") == "https://proxy.example:8443/v2/rows?page=2"
    assert resolve("/rows?page=2", address, "") == "https://proxy.example:8443/api/v2/rows?page=2"


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://evil.example/v1/rows", "a different host"),
        ("//evil.example/v1/rows", "a different host"),
        ("https://api.example.com.evil.example/", "a different host"),
        ("https://api.example.com@evil.example/", "a different host"),
        ("https://user:pass@api.example.com/v1", "a user name"),
        ("http://api.example.com/v1/rows?page=2", "https://"),
        ("https://api.example.com:444/v1/rows", "a different port"),
        ("https://api.example.com:port/v1/rows", "parsed"),
        ("https://[::1/v1", "parsed"),
        ("ftp://api.example.com/x", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https://api.example.com\\@evil.example/", "characters"),
        ("https://api.example.com\t.evil.example/", "characters"),
        ("/v1/rows page", "characters"),
        ("https://evil.example\t/#x", "characters"),
        ("#top", "only a fragment"),
    ],
)
def test_a_link_to_another_origin_is_refused(link: str, words: str) -> None:
    """The key is never sent there."""
    with pytest.raises(LinkError, match=words):
        resolve(link, Address(BASE, "/v1", "/rows"), HERE)


@pytest.mark.parametrize("last", [None, "", False, {}, [], ...])
def test_next_urls_are_followed_as_they_stand(last: Any) -> None:
    """Only the first request has the page size; the end is a response without a URL."""
    second, third = f"{BASE}/v1/rows?page=2&sig=a%2B", f"{BASE}/v1/rows?page=3"
    pages = {None: ([1, 2], second), second: ([3], "?page=3"), third: ([4], last)}
    found = drive(JsonLinkPaging(limit=2, limit_param="limit"), chain(pages))
    assert found.error is None
    assert found.keys == [1, 2, 3, 4]
    assert [(request.url, dict(request.params), request.is_first) for request in found.requests] == [
        (None, {"limit": 2}, True),
        (second, {}, False),
        (third, {}, False),
    ]


@pytest.mark.parametrize("link", ["https://evil.example/?page=2", 17, True, ["x"], {"href": "/x"}])
def test_a_link_that_is_none_fails_and_is_named(link: Any) -> None:
    """A wrong path, or a wrong host: in either case nothing more is requested, and no value is quoted."""
    found = drive(JsonLinkPaging(), chain({None: ([1], link)}))
    assert "paginator.next_url_path" in str(found.error)
    assert "evil" not in str(found.error)
    assert len(found.requests) == 1


@pytest.mark.parametrize("circle", [["a"], ["a", "b"], ["a", "b", "c", "d", "e"]])
def test_a_url_that_comes_again_fails_and_is_named(circle: list[str]) -> None:
    """A circle is noticed within three rounds."""
    urls = [f"{BASE}/v1/{name}" for name in circle]
    following = dict(zip([None, *urls], [*urls, urls[0]], strict=True))
    numbers = iter(range(1000))

    def respond(request: PageRequest) -> Any:
        return {"data": rows(next(numbers)), "links": {"next": following[request.url]}}

    found = drive(JsonLinkPaging(), respond)
    assert "returned a next URL that it returned before" in str(found.error)
    assert "paginator.next_url_path" in str(found.error)
    assert len(found.requests) <= 3 * len(circle) + 2


def test_the_same_rows_for_another_url_fail() -> None:
    """The API does not heed what it says."""
    numbers = iter(range(1000))
    found = drive(JsonLinkPaging(), lambda _: {"data": rows(1, 2), "links": {"next": f"/rows?page={next(numbers)}"}})
    assert "returned the same rows for another next URL; check `paginator.next_url_path`" in str(found.error)
    assert len(found.requests) == 2


def test_empty_pages_with_new_urls_end_in_a_failure() -> None:
    """A few may be filtered pages; a hundred cannot."""
    numbers = iter(range(1000))
    few = drive(JsonLinkPaging(), chain({None: ([1], "/a"), f"{BASE}/v1/a": ([], "/b"), f"{BASE}/v1/b": ([2], None)}))
    assert few.keys == [1, 2]
    many = drive(JsonLinkPaging(), lambda _: {"data": [], "links": {"next": f"/rows?page={next(numbers)}"}})
    assert "100 empty pages in a row" in str(many.error)


@pytest.mark.parametrize("beside", [{"has_more": True}, {"paging": {"next_url": "/x"}}, {"meta": {"cursor": "c"}}])
def test_a_url_in_another_place_fails_and_is_named(beside: dict[str, Any]) -> None:
    """A wrong `next_url_path` must not look like the end."""
    found = drive(JsonLinkPaging(), lambda _: {"data": rows(1), **beside})
    assert "the response has no next URL at `links.next`, but `" in str(found.error)
    assert "paginator.next_url_path" in str(found.error)


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (None, "returned 204 No Content for the next URL in the response before"),
        (
            {"data": rows(2), "message": "slow down"},
            "the response lacks `links` and has `message`, unlike those before it",
        ),
    ],
)
def test_a_response_unlike_those_before_fails(later: Any, words: str) -> None:
    """No content, or a message in the place of the links: it is requested again first."""
    first = {"data": rows(1), "links": {"next": "/b"}}
    found = drive(JsonLinkPaging(), lambda request: later if request.url else first)
    assert found.error == words
    assert len(found.requests) == 5


def test_a_first_page_without_the_place_is_noted() -> None:
    """It may be the only one, or the path be wrong."""
    found = drive(JsonLinkPaging(limit=100), lambda _: {"data": rows(*range(20))})
    assert found.error is None
    hint = "if there are more rows, check `paginator.next_url_path`"
    assert found.notices == [f"the first page has no `links.next`, so it is the only one; {hint}"]


@pytest.mark.parametrize("beside", [{"page": {"total_pages": 1}}, {"total": 20}])
def test_a_round_number_of_rows_is_no_doubt_if_the_response_counts_them(beside: dict[str, Any]) -> None:
    """A warning at every tenth sync would say nothing."""
    found = drive(JsonLinkPaging(limit=100, total_path="total"), lambda _: {"data": rows(*range(20)), **beside})
    assert found.error is None
    assert not [notice for notice in found.notices if "if there are more rows" in notice]


@pytest.mark.parametrize("location", ["query", "header"])
def test_next_urls_are_followed_over_http_with_the_key(location: str) -> None:
    """The key is added to a URL as to any request, and the parameters of the first request are not."""
    following = {"/v1/feedback": "/feedback/more?at=2", "/v1/feedback/more": None}

    def respond(request: RecordedRequest) -> Any:
        return {"data": rows(request.path), "links": {"next": following[request.path]}}

    with Server(respond) as server:
        auth = {"type": "api_key", "name": "X-Key", "location": location}
        paginator = {"type": "json_link", "limit_param": "size"}
        run = sync({"feedback": api(server.url, paginator=paginator, auth=auth)})
    assert run.error is None
    assert run.ids("feedback_data") == list(following)
    sent = [dict(request.query if location == "query" else request.headers) for request in server.requests]
    assert [one.get("X-Key") for one in sent] == ["test-key", "test-key"]
    assert [request.query.get("size") for request in server.requests] == ["100", None]
    assert [request.query.get("at") for request in server.requests] == [None, "2"]


def test_the_key_is_not_sent_to_another_host() -> None:
    """The stream fails before a request is sent there."""
    with (
        Server(lambda request: {"data": []}) as other,
        Server(lambda _: {"data": rows("a"), "next": other.url}) as server,
    ):
        run = sync({"feedback": api(server.url, paginator={"type": "json_link", "next_url_path": "next"})})
    assert "has a different port from `base_url`, so it was not followed" in run.failures["feedback_data"]
    assert other.requests == []
