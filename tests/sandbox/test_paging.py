"""The sandbox's styles of paging."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Options, Sandbox
from sandbox.paging import STYLES, Offset, PageNumber
from sandbox.streams import LINKS, STREAMS, Stream
from tests.sandbox.client import ANALYTICS, BEARER, OTHERS, ROWS, get, instant, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.paging import Paging

# The usual styles of the three APIs


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_stream_is_walked_over_three_pages(shared_sandbox: Sandbox, stream: Stream) -> None:
    """The pages of a stream have each of its rows once, as `rows` gives them."""
    pages = walk(shared_sandbox, stream)
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [row for page in pages for row in page] == list(shared_sandbox.rows(stream.name))


@pytest.mark.parametrize("stream", OTHERS, ids=lambda stream: stream.name)
def test_offset_pages(shared_sandbox: Sandbox, stream: Stream) -> None:
    """An offset page has as many rows as the request asks for, at most 1,000, and says what it is."""
    rows = list(shared_sandbox.rows(stream.name))
    body = get(shared_sandbox, f"/v1/{stream.resource}", limit=7, offset=245).json()
    assert body == {"data": rows[245:], "total": ROWS, "limit": 7, "offset": 245}
    assert get(shared_sandbox, f"/v1/{stream.resource}", limit=5000).json()["limit"] == 1000
    assert get(shared_sandbox, f"/v1/{stream.resource}", offset=ROWS).json()["data"] == []


def test_cursor_pages(shared_sandbox: Sandbox) -> None:
    """A cursor page has its size, totals and link types; only the last one has no cursor, even if it is full."""
    body = get(shared_sandbox, "/api/v2/admin/forums", per_page=40).json()
    assert set(body) == {"forums", "pagination", "links"}
    assert not body["pagination"].pop("cursor").isdigit()
    assert body["pagination"] == {"per_page": 40, "total_records": ROWS, "total_pages": 7}
    assert body["links"] == {f"forums.{name}": {"type": to} for name, to in LINKS["forums"].items()}
    assert get(shared_sandbox, "/v1/forums", per_page=5000).json()["pagination"]["per_page"] == 100
    assert [len(page) for page in walk(shared_sandbox, ANALYTICS[0], per_page=50)] == [50] * 5


def test_time_ranges_and_order(shared_sandbox: Sandbox) -> None:
    """`updated_after` is inclusive, `updated_before` exclusive, and both hold in either order over all pages."""
    forums = ANALYTICS[0]
    rows = list(shared_sandbox.rows("forums"))
    after, before = (instant(rows[place]).astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for place in (11, 48))
    query = {"updated_after": after, "updated_before": before, "per_page": 10}
    pages = walk(shared_sandbox, forums, **query)
    assert [len(page) for page in pages] == [10, 10, 10, 7]
    assert [row for page in pages for row in page] == rows[11:48]
    backwards = walk(shared_sandbox, forums, sort="-updated_at", **query)
    assert [row for page in backwards for row in page] == rows[11:48][::-1]
    assert get(shared_sandbox, "/v1/forums", **query).json()["pagination"]["total_records"] == 37
    assert get(shared_sandbox, "/v1/forums", updated_after=before, updated_before=after).json()["forums"] == []


def test_no_row_is_skipped_by_a_walk_during_updates(sandbox: Sandbox) -> None:
    """A row that is updated between two pages comes again at the end; the others come once."""
    first = get(sandbox, "/v1/forums").json()
    sandbox.update("forums", 5)
    sandbox.update("forums", 150)
    rest = walk(sandbox, ANALYTICS[0], cursor=first["pagination"]["cursor"])
    met = [row["id"] for page in (first["forums"], *rest) for row in page]
    assert set(met) == {row["id"] for row in sandbox.rows("forums")}
    assert len(met) == ROWS + 1


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(("feedback", {"limit": bad}) for bad in ("0", "-1", "x", "", "1.5", "1_0", "٣", "9" * 5000)),
        ("feedback", {"offset": "-1"}),
        *(("forums", {"cursor": bad}) for bad in ("nonsense", "", "ü", "MTAw")),
        ("forums", {"per_page": "0"}),
        ("forums", {"sort": "id"}),
        *(("forums", {"updated_after": bad}) for bad in ("2024-01-31", "2024-1-31T0:0:0Z", "2024-02-31T00:00:00Z", "")),
    ],
    ids=lambda case: str(case)[:20],
)
def test_impossible_values_are_refused(shared_sandbox: Sandbox, path: str, query: dict[str, str]) -> None:
    """A parameter with a value that the API cannot understand gets 400."""
    response = get(shared_sandbox, f"/v1/{path}", **query)
    assert response.status_code == 400
    assert response.json()["error"] == "Bad Request"


def test_a_cursor_serves_its_own_walk_only(shared_sandbox: Sandbox) -> None:
    """A cursor of another resource or order gets 400."""
    cursor = get(shared_sandbox, "/v1/forums").json()["pagination"]["cursor"]
    assert get(shared_sandbox, "/v1/forums", cursor=cursor).status_code == 200
    assert get(shared_sandbox, "/v1/features", cursor=cursor).status_code == 400
    assert get(shared_sandbox, "/v1/forums", cursor=cursor, sort="-updated_at").status_code == 400


# Any style


class Walker:
    """A client that pages through an API by the settings that the sandbox writes for the tap."""

    def __init__(self, sandbox: Sandbox, api: str, style: Paging) -> None:
        self.settings = {"paginator": style.settings, **sandbox.config[api]}
        self.paging: dict[str, Any] = self.settings["paginator"]
        self.prefix = f"{sandbox.url}/v1"
        self.url = f"{self.prefix}/{'forums' if api == 'analytics' else 'feedback'}"
        self.headers = {"Authorization": f"Bearer {self.settings['api_key']}"}

    def send(self, url: str, params: dict[str, Any]) -> requests.Response:
        """The response to a request that has its parameters where the settings say."""
        if self.paging.get("location") == "body":
            return requests.post(url, json=params, headers=self.headers, timeout=10)
        return requests.get(url, params=params, headers=self.headers, timeout=10)

    def pages(self, limit: int) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
        """The rows and the body of each page."""
        place: dict[str, Any] = {}
        url, count = self.url, 0
        while url:
            response = self.send(url, {self.paging["limit_param"]: limit, **place} if url == self.url else {})
            response.raise_for_status()
            body = response.json()
            rows = body["forums" if "forums" in body else "data"]
            yield rows, body
            count += 1
            match self.paging["type"]:
                case "offset":
                    place = {self.paging["offset_param"]: count * limit}
                    url = url if len(rows) == limit else ""
                case "page_number":
                    place = {self.paging["page_param"]: count + self.paging["base_page"]}
                    url = url if len(rows) == limit else ""
                case "cursor":
                    place = {"cursor": body["pagination"].get("cursor")}
                    url = url if place["cursor"] else ""
                case "json_link":
                    url = body["pages"]["next"] or ""
                    url = url if not url or ":" in url else self.prefix + url.removeprefix("/v1")
                case _:
                    url = response.links.get("next", {}).get("url", "")


@pytest.mark.parametrize("limit", [100, 70])
@pytest.mark.parametrize("api", ["feedback", "analytics"])
@pytest.mark.parametrize("style", STYLES)
def test_every_style_serves_every_row_once(style: str, api: str, limit: int) -> None:
    """With the settings that the sandbox writes, a client gets all rows in order, for any page size."""
    with Sandbox(
        rows=ROWS, apis={name: Options(paging=STYLES[style]) for name in ("feedback", "analytics")}
    ) as sandbox:
        pages = [rows for rows, _ in Walker(sandbox, api, STYLES[style]).pages(limit)]
        stream = "forums" if api == "analytics" else "feedback_data"
        assert [row for rows in pages for row in rows] == list(sandbox.rows(stream))
    assert max(map(len, pages)) == limit


def test_page_numbers_say_how_many_there_are() -> None:
    """Pages are counted from 1 or from 0, with an empty page after the last, and an error before the first."""
    for base in (0, 1):
        with Sandbox(rows=5, apis={"feedback": Options(paging=PageNumber(base=base))}) as sandbox:
            bodies = [get(sandbox, "/v1/feedback", per_page=2, page=base + number).json() for number in range(4)]
            assert [len(body["data"]) for body in bodies] == [2, 2, 1, 0]
            assert {(body["per_page"], body["total_pages"]) for body in bodies} == {(2, 3)}
            assert [body["page"] - base for body in bodies] == [0, 1, 2, 3]
            assert get(sandbox, "/v1/feedback", per_page=2).json() == bodies[0]
            assert get(sandbox, "/v1/feedback", page=base - 1).status_code == 400


@pytest.mark.parametrize("style", [Offset(total=False, has_more=True), PageNumber(total=False, has_more=True)])
def test_a_flag_says_whether_more_follows(style: Paging) -> None:
    """`has_more` is false on the last page, even if that is full, and no total is there."""
    with Sandbox(rows=4, apis={"feedback": Options(paging=style)}) as sandbox:
        walker = Walker(sandbox, "feedback", style)
        bodies = [body for _, body in walker.pages(2)]
    assert [body["has_more"] for body in bodies][:2] == [True, False]
    assert not any(name.startswith("total") for body in bodies for name in body)
    assert walker.settings["paginator"]["has_more_path"] == "has_more"


def test_links_keep_the_query_and_not_the_key() -> None:
    """A next link repeats the parameters of its request, without the key."""
    paging = {"feedback": Options(paging=STYLES["json_link"]), "analytics": Options(paging=STYLES["header_link"])}
    with Sandbox(rows=9, apis=paging) as sandbox:
        params = {"api_key": "feedback-key", "per_page": "2", "sort": "-updated_at"}
        link = requests.get(f"{sandbox.url}/v1/feedback", params=params, timeout=10).json()["pages"]["next"]
        assert link.startswith(f"{sandbox.url}/v1/feedback?per_page=2&sort=-updated_at&cursor=")
        links = requests.get(f"{sandbox.url}/v1/forums?page=2&per_page=2", headers=BEARER, timeout=10).links
    assert {name: value["url"].rpartition("?")[2] for name, value in links.items()} == {
        "first": "page=1&per_page=2",
        "prev": "page=1&per_page=2",
        "next": "page=3&per_page=2",
        "last": "page=5&per_page=2",
    }


def test_a_body_holds_the_parameters() -> None:
    """A POST has its parameters in the body, under dotted paths, and its numbers as numbers."""
    style = Offset(location="body", limit_param="paging.limit", offset_param="paging.0")
    with Sandbox(rows=9, apis={"feedback": Options(paging=style)}) as sandbox:
        url, headers = f"{sandbox.url}/v1/feedback", {"Authorization": "Bearer feedback-key"}

        def post(**body: Any) -> requests.Response:
            return requests.post(url, json=body, headers=headers, timeout=10)

        assert len(post(paging={"limit": 3, "0": 7}).json()["data"]) == 2
        assert [post(paging=paging).status_code for paging in ({"limit": "3"}, {"limit": True}, [-1])] == [400] * 3
        assert requests.post(url, data=b"{", headers=headers, timeout=10).status_code == 400
        assert requests.get(url, headers=headers, timeout=10).status_code == 405
        streams = sandbox.config["feedback"]["streams"]
    assert streams == {"feedback_data": {"method": "POST"}}
