"""Catalogs that a runner hands in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs import NOWHERE, api, catalog_of, run_tap, sync, written_by

if TYPE_CHECKING:
    from sandbox import Sandbox

Change = Callable[[dict[str, Any], dict[str, Any]], None]


def catalog_with(change: Change) -> dict[str, Any]:
    """The catalog of the analytics API, with `forums` and its metadata changed and selected alone."""
    catalog = catalog_of({"analytics": api(NOWHERE)}, "forums")
    forums = next(entry for entry in catalog["streams"] if entry["tap_stream_id"] == "forums")
    change(forums, next(item["metadata"] for item in forums["metadata"] if not item["breadcrumb"]))
    return catalog


def without_key(entry: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Leave the replication key out."""
    del entry["replication_key"]
    metadata.pop("valid-replication-keys", None)
    metadata.pop("replication-key", None)


CATALOGS: dict[str, tuple[Change, str]] = {
    "nothing selected": (
        lambda entry, metadata: metadata.update(selected=False),
        "catalog: no stream of a configured API is selected; select one, or configure its API",
    ),
    "unknown stream": (
        lambda entry, metadata: entry.update(tap_stream_id="forms", stream="forms"),
        "catalog: unknown stream 'forms'; the streams are feedback_data, forums,",
    ),
    "no replication key": (without_key, "catalog: forums needs a `replication-key` to be synced INCREMENTAL"),
    "unknown replication key": (
        lambda entry, metadata: entry.update(replication_key="changed"),
        "catalog: forums has no property 'changed' that could be its replication key",
    ),
    "method": (
        lambda entry, metadata: entry.update(replication_method="LOG_BASED"),
        "catalog: forums cannot be synced LOG_BASED, only FULL_TABLE or INCREMENTAL",
    ),
    "method in the metadata": (
        lambda entry, metadata: metadata.update({"replication-method": "LOG_BASED"}),
        "catalog: forums cannot be synced LOG_BASED, only FULL_TABLE or INCREMENTAL",
    ),
}


@pytest.mark.parametrize(("change", "words"), CATALOGS.values(), ids=CATALOGS)
def test_wrong_catalogs(change: Change, words: str) -> None:
    """A catalog that cannot be followed is refused before any request is sent."""
    run = sync({"analytics": api(NOWHERE)}, catalog=catalog_with(change))
    assert words in str(run.error)
    assert not run.messages


def test_empty_catalog() -> None:
    """A catalog without streams selects none."""
    run = sync({"analytics": api(NOWHERE)}, catalog={"streams": []})
    assert run.error == "catalog: no stream of a configured API is selected; select one, or configure its API"


@pytest.mark.parametrize(
    "catalog",
    [
        {},
        {"streams": None},
        {"streams": {}},
        {"streams": ["forums"]},
        {"streams": [{}]},
        {"streams": [{"tap_stream_id": "forums"}]},
        {"streams": [{"tap_stream_id": "forums", "schema": {}, "metadata": {}}]},
        {"streams": [{"tap_stream_id": "forums", "schema": {}, "metadata": [{"breadcrumb": []}]}]},
    ],
)
def test_catalogs_of_another_shape(catalog: dict[str, Any]) -> None:
    """An object that is not a Singer catalog is refused, and the message names the place."""
    run = sync({"analytics": api(NOWHERE)}, catalog=catalog)
    assert re.match(r"catalog: not a Singer catalog: .*(- at `\$\.streams|field `streams`$)", str(run.error))
    assert not run.messages


def test_stream_of_an_api_that_is_not_set(write: Callable[..., str], shared: Sandbox) -> None:
    """A selected stream of an API that is not set is left out, and a line says so."""
    config = {"feedback": shared.config["feedback"]}
    catalog = write("catalog.json", catalog_of(shared.config, "feedback_data", "forums"))
    run = run_tap("--config", write("config.json", config), "--catalog", catalog)
    assert run.returncode == 0
    assert "catalog: forums is selected, but `analytics` is not set; skipped" in run.stderr
    assert len(written_by(run).records("feedback_data")) == 120
