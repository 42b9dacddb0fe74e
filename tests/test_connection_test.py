"""What `--test` proves of each stream, and what it says."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tap_feedback.connection_test import ConnectionTest
from tap_feedback.paging.cursor import CursorPaging
from tap_feedback.paging.header_link import HeaderLinkPaging
from tap_feedback.paging.json_link import JsonLinkPaging
from tap_feedback.paging.offset import OffsetPaging
from tap_feedback.paging.page_number import PageNumberPaging
from tap_feedback.paging.single_page import SinglePage
from tests.configs import STREAMS
from tests.runs import NOWHERE, api, catalog_of, errors_of, run_tap, written_by
from tests.server import RecordedRequest, Server

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from sandbox import Sandbox
    from tap_feedback.paging import Paging

KEY = "the-very-secret-key"
NAMES = sorted(name for streams in STREAMS.values() for name in streams)
ROWS = [{"id": number, "account": number % 2, "changed": "2024-01-31" if number else None} for number in range(3)]


@pytest.mark.parametrize(
    ("paging", "pages", "words"),
    [
        (OffsetPaging(), 2, "6 rows in 2 pages, key `id`, `page`, offset works"),
        (OffsetPaging(), 1, "3 rows in 1 page, key `id`, `page`, no more rows"),
        (CursorPaging(), 2, "6 rows in 2 pages, key `id`, `page`, next cursor found"),
        (CursorPaging(), 1, "3 rows in 1 page, key `id`, `page`, no next cursor"),
        (PageNumberPaging(total_path="pages"), 2, "6 rows in 2 pages, key `id`, `page`, page number works"),
        (JsonLinkPaging(), 2, "6 rows in 2 pages, key `id`, `page`, next URL found"),
        (HeaderLinkPaging(), 1, "3 rows in 1 page, key `id`, `page`, no next link"),
        (SinglePage(), 1, "3 rows in 1 page, key `id`, `page`"),
        (OffsetPaging(), 0, "no rows, so neither the key nor the paging is proven"),
    ],
)
def test_the_paging_is_proven_by_the_second_page(paging: Paging, pages: int, words: str) -> None:
    """Any settings of the paginator lead to a first page."""
    test = ConnectionTest(paging, ("id", "page"), None)
    for page in range(pages):
        assert not test.is_enough
        test.add([{**row, "page": page} for row in ROWS])
    assert test.is_enough == (pages == 2)
    assert test.line(0) == words


def test_pages_without_rows_prove_nothing() -> None:
    """A paginator that looks for the end, or for a place to go on, hands out pages without rows."""
    test = ConnectionTest(OffsetPaging(), ("id",), None)
    for rows in ([], ROWS, [], []):
        test.add(rows)
    assert not test.is_enough
    assert test.line(0) == "3 rows in 1 page, key `id`, no more rows"


def test_the_keys_are_looked_at() -> None:
    """A primary key that rows share would leave one of them in the warehouse; a replication key may be null."""
    test = ConnectionTest(SinglePage(), ("account",), "changed")
    test.add(ROWS)
    line = "3 rows in 1 page, key `account` (but several rows share it), replication key `changed` in 2 of them"
    assert test.line(0) == line


def test_the_total() -> None:
    """The line has the total that the API reports, unless that is a number that means that it did not count."""
    test = ConnectionTest(SinglePage(), ("id",), "id")
    test.add(ROWS[1:])
    assert test.line(1234) == "2 rows in 1 page, key `id`, replication key `id`, 1,234 in total"
    assert test.line(-1) == "2 rows in 1 page, key `id`, replication key `id`"


def test_a_missing_total() -> None:
    """Without the total, a sync could not notice that rows are missing."""
    test = ConnectionTest(OffsetPaging(total_path="meta.count"), ("id",), None)
    test.add(ROWS)
    assert test.line(0).endswith(", no more rows, but no total at `meta.count` (`paginator.total_path`)")


# The command


def proven(run: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What `--test` says of each stream that is ok."""
    return dict(re.findall(r"INFO +\| tap-feedback\.\w+ +\| (\w+): ok, (.+)", run.stderr))


def pages_of_two(asked: RecordedRequest) -> dict[str, Any]:
    """An API with five rows for each stream, two on a page, by offset or by cursor."""
    stream = asked.path.rpartition("/")[2]
    first = int(asked.query.get("cursor", asked.query.get("offset", 0)))
    rows = [{"id": number, "name": f"of page {first // 2}"} for number in range(1, 6)][first : first + 2]
    cursor = {"pagination": {"cursor": str(first + 2)}} if first < 4 else {}
    return {stream: rows, "data": rows, "meta": {"total": 5}, **cursor}


def test_connection_test(write: Callable[..., str], shared: Sandbox) -> None:
    """`--test` reads two pages of each stream, says in one line what they prove, and writes nothing."""
    run = run_tap("--config", write("config.json", shared.config), "--test")
    assert run.returncode == 0
    assert not run.stdout
    assert errors_of(run) == []
    assert proven(run) == {
        name: "120 rows in 2 pages, key `id`, "
        + ("replication key `updated_at`, next cursor found" if name in STREAMS["analytics"] else "offset works")
        for name in NAMES
    }
    assert f"All {len(NAMES)} streams are ok" in run.stderr


def test_connection_test_of_wrong_paging(write: Callable[..., str]) -> None:
    """An API gives the first page again for a parameter that it does not know, so one page proves nothing."""
    wrong = {
        "feedback": {"paginator": {"offset_param": "skip"}},
        "analytics": {"paginator": {"cursor_param": "after"}},
        "support": {"paginator": {"total_path": "meta.total"}},
    }
    with Server(pages_of_two) as server:
        config = {name: api(server.url, **settings) for name, settings in wrong.items()}
        run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    assert not run.stdout
    failed = dict(re.findall(r"ERROR .+\| (\w+) failed: (.+)", run.stderr))
    assert "`paginator.offset_param`" in failed.pop("feedback_data")
    assert sorted(failed) == sorted(STREAMS["analytics"])
    assert all("`paginator.cursor_param`" in line for line in failed.values())
    assert proven(run) == {"customer_support_data": "3 rows in 2 pages, key `id`, offset works, 5 in total"}
    assert f"{len(NAMES) - 1} of {len(NAMES)} streams failed: " in errors_of(run)[-1]


def test_connection_test_of_a_wrong_cursor_path(write: Callable[..., str]) -> None:
    """The response has a cursor under another name, so that the first page must not look like the only one."""
    with Server(pages_of_two) as server:
        config = {"analytics": api(server.url, paginator={"cursor_path": "next"})}
        run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    failed = dict(re.findall(r"ERROR .+\| (\w+) failed: (.+)", run.stderr))
    assert sorted(failed) == sorted(STREAMS["analytics"])
    assert all("no cursor at `next`, but `pagination.cursor` has a value" in line for line in failed.values())


def test_connection_test_of_wrong_keys(write: Callable[..., str]) -> None:
    """A primary key that a row lacks fails, on the second page too; a key that rows share is mentioned."""

    def answer(asked: RecordedRequest) -> dict[str, Any]:
        page = pages_of_two(asked)
        for row in page["data"]:
            row["uid"] = row["id"]
            if row["id"] == 3:
                del row["id"]
        return page

    with Server(answer) as server:
        streams = {"features": {"primary_key": "name"}, "suggestions": {"primary_key": ["name", "uid"]}}
        config = {"analytics": api(server.url, streams=streams)}
        catalog = write("catalog.json", catalog_of(config, "forums", *streams))
        run = run_tap("--config", write("config.json", config), "--catalog", catalog, "--test")
    assert run.returncode == 1
    assert "forums failed: page 2, new row 1: the record has no usable 'id'" in errors_of(run)[0]
    assert proven(run) == {
        "features": "4 rows in 2 pages, key `name` (but several rows share it), "
        "replication key `updated_at` in 0 of them, next cursor found",
        "suggestions": "4 rows in 2 pages, key `name`, `uid`, "
        "replication key `updated_at` in 0 of them, next cursor found",
    }


def test_connection_test_of_few_rows(write: Callable[..., str]) -> None:
    """A stream with one page, or without rows, says what it does not prove."""
    rows = {"forums": [{"id": 1, "updated_at": "2024-01-31"}], "features": []}
    with Server(lambda asked: rows | {"data": rows["forums"][: 0 if "1" in asked.query.values() else 1]}) as server:
        config = {name: api(server.url) for name in ("feedback", "analytics", "support")}
        config["support"]["paginator"] = {"type": "single_page"}
        catalog = catalog_of(config, "feedback_data", "forums", "features", "customer_support_data")
        files = write("config.json", config), write("catalog.json", catalog)
        run = run_tap("--config", files[0], "--catalog", files[1], "--test")
    assert run.returncode == 0
    assert proven(run) == {
        "feedback_data": "1 row in 1 page, key `id`, no more rows",
        "forums": "1 row in 1 page, key `id`, replication key `updated_at`, no next cursor",
        "features": "no rows, so neither the key nor the paging is proven",
        "customer_support_data": "1 row in 1 page, key `id`",
    }


def test_connection_test_of_windows(write: Callable[..., str]) -> None:
    """Of a stream that is read in windows, the two pages are of one window, the latest that has rows."""

    def answer(asked: RecordedRequest) -> dict[str, Any]:
        return pages_of_two(asked) if asked.query.get("updated_after", "") < "2024-01-10" else {"forums": []}

    with Server(answer) as server:
        config: dict[str, Any] = {"analytics": api(server.url, incremental={"window": 5})}
        config.update(start_date="2024-01-01", end_date="2024-01-15")
        catalog = write("catalog.json", catalog_of(config, "forums"))
        run = run_tap("--config", write("config.json", config), "--catalog", catalog, "--test")
    assert run.returncode == 0
    assert proven(run)["forums"].startswith("4 rows in 2 pages, ")
    assert [asked.query.get("cursor") for asked in server.requests][:3] == [None, None, "2"]


def test_connection_test_of_stream_maps(write: Callable[..., str], shared: Sandbox) -> None:
    """A stream map that cannot be evaluated fails the test, as it would fail the sync."""
    config = {"feedback": shared.config["feedback"], "stream_maps": {"feedback_data": {"size": "nobody(id)"}}}
    run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    assert not run.stdout
    assert not proven(run)


def test_connection_test_fails(write: Callable[..., str], shared: Sandbox) -> None:
    """`--test` with a wrong key exits with 1, and one line says why."""
    config = {"feedback": {"base_url": shared.url, "api_key": KEY}}
    run = run_tap("--config", write("config.json", config), "--test")
    assert run.returncode == 1
    cause, last = errors_of(run)
    assert "feedback_data failed: returned 401 Unauthorized; check `feedback.api_key`" in cause
    assert "1 of 1 streams failed: feedback_data" in last
    assert KEY not in run.stderr


def test_connection_test_by_the_environment(write: Callable[..., str]) -> None:
    """`--test` reads the settings where a sync does, with a catalog too."""
    with Server(pages_of_two) as server:
        config = {"analytics": api(server.url)}
        environment = {"TAP_FEEDBACK_ANALYTICS": json.dumps(config["analytics"])}
        catalog = write("catalog.json", catalog_of(config, "features"))
        run = run_tap("--config=ENV", "--catalog", catalog, "--test", env=environment)
    assert run.returncode == 0
    assert list(proven(run)) == ["features"]


def test_connection_test_without_api() -> None:
    """`--test` without settings says which to set."""
    run = run_tap("--test")
    assert run.returncode == 1
    assert "no API is set" in errors_of(run)[-1]


def test_schema_test(write: Callable[..., str]) -> None:
    """`--test=schema` writes the schemas, and sends no request."""
    run = run_tap("--config", write("config.json", {"analytics": api(NOWHERE)}), "--test=schema")
    assert run.returncode == 0
    assert [message["stream"] for message in written_by(run).messages] == sorted(STREAMS["analytics"])
    assert {message["type"] for message in written_by(run).messages} == {"SCHEMA"}
