"""The `Link` header: its `rel="next"` is followed, in any of its spellings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.evidence import next_link
from tap_feedback.paging.header_link import HeaderLinkPaging
from tests.paging.driver import Response, drive, rows
from tests.runs import api, sync
from tests.server import RecordedRequest, Reply, Server

if TYPE_CHECKING:
    from tap_feedback.paging import PageRequest

BASE = "https://api.example.com"


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ('</x?page=2>; rel="next"', "/x?page=2"),
        ("</x>; rel=next", "/x"),
        ('</a>; rel="prev", </b>; rel="next", </c>; rel="last"', "/b"),
        ("</a>;rel=prev,</b>;rel=next", "/b"),
        ('</a?ids=1,2;3>; title="a, <b>; rel=prev"; rel="last next"', "/a?ids=1,2;3"),
        ('</a>; REL="Next"', "/a"),
        ('</a>; rel = "next"', "/a"),
        ('</a>; rel="prev"; rel="next"', None),
        ('</a>; title="rel=next"; rel=prev', None),
        ("</a>; rel=nextish", None),
        ("</a>", None),
        ("", None),
        ("</a>; b=" + 50_000 * " ", None),
        (10_000 * "</a>;;,", None),
    ],
)
def test_a_header_is_parsed(header: str, link: str | None) -> None:
    """Several links, quotes or none, commas and semicolons in a URL, and no time lost on nonsense."""
    assert next_link({"Link": header}) == link


def test_links_are_followed_to_the_last() -> None:
    """Absolute links are unchanged, relative ones get the prefix."""
    pages = {
        None: (1, f'<{BASE}/v1/rows?page=2>; rel="next", </rows?page=9>; rel="last"'),
        f"{BASE}/v1/rows?page=2": (2, '<?page=3>; rel="next"'),
        f"{BASE}/v1/rows?page=3": (3, '</rows?page=1>; rel="first"'),
    }

    def respond(request: PageRequest) -> Response:
        key, link = pages[request.url]
        return Response({"data": rows(key)}, {"Link": link})

    found = drive(HeaderLinkPaging(limit_param="per_page"), respond)
    assert found.error is None
    assert found.keys == [1, 2, 3]
    assert [request.params.get("per_page") for request in found.requests] == [100, None, None]


@pytest.mark.parametrize("link", ["<https://evil.example/>; rel=next", "<//evil.example/>; rel=next"])
def test_a_link_to_another_origin_fails(link: str) -> None:
    """The key is never sent there; the message does not quote it."""
    found = drive(HeaderLinkPaging(), lambda _: Response({"data": rows(1)}, {"Link": link}))
    assert found.error == (
        "the next link in the `Link` header has a different host from `base_url`, so it was not followed; "
        "check `paginator.type`"
    )


def test_a_link_that_comes_again_fails() -> None:
    """Paging would never end."""
    numbers = iter(range(100))
    found = drive(
        HeaderLinkPaging(), lambda _: Response({"data": rows(next(numbers))}, {"Link": '</rows?page=2>; rel="next"'})
    )
    assert "returned a next link that it returned before" in str(found.error)
    assert "paginator.type" in str(found.error)


@pytest.mark.parametrize("beside", [{"has_more": True}, {"links": {"next": "/x"}}])
def test_a_response_that_says_more_without_a_link_fails(beside: dict[str, Any]) -> None:
    """The type is wrong, and another one would read it whole."""
    found = drive(HeaderLinkPaging(), lambda _: {"data": rows(1), **beside})
    assert 'has no `Link` header with `rel="next"`, but `' in str(found.error)


def test_a_later_response_without_any_link_beside_a_message_fails() -> None:
    """It is unlike those before, and requested again."""
    first = Response({"data": rows(1)}, {"Link": '</b>; rel="next"'})
    found = drive(HeaderLinkPaging(), lambda request: {"data": rows(2), "message": "x"} if request.url else first)
    assert found.error == "the response lacks a `Link` header and has `message`, unlike those before it"


def test_a_first_page_without_a_header_is_noted() -> None:
    """It may be the only one."""
    found = drive(HeaderLinkPaging(), lambda _: {"data": rows(1)})
    assert found.notices == ['the first page has no `Link` header with `rel="next"`, so it is the only one']
    assert "counts more rows" in str(drive(HeaderLinkPaging(limit=2), lambda _: {"data": rows(1, 2), "total": 9}).error)


def test_links_are_followed_over_http() -> None:
    """The name of the header has any case."""

    def respond(request: RecordedRequest) -> Reply:
        page = int(request.query.get("page", 1))
        headers = {"LINK": f'<{server.url}/v1/feedback?page={page + 1}>; rel="next"'} if page < 4 else {}
        return Reply({"data": rows(f"r{page}")}, headers=headers)

    with Server(respond) as server:
        run = sync({"feedback": api(server.url, paginator={"type": "header_link"})})
    assert run.error is None
    assert run.ids("feedback_data") == ["r1", "r2", "r3", "r4"]
