"""Settings are complete, or name what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from feedback_loads.tenants import SettingsError, Tenant, read_settings, settings_of

SAMPLE = Path(__file__).parents[1] / "tenants.json"


def given(**tenant: Any) -> dict[str, Any]:
    """The settings of one tenant."""
    config = {"analytics": {"base_url": "https://api.example.com:8443"}}
    return {"target": {"command": ["target"]}, "tenants": {"acme": {"config": config, **tenant}}}


def test_the_sample() -> None:
    """The shipped file can be used as it is, and tenants with different addresses have different pools."""
    settings = read_settings(SAMPLE)
    assert len(settings.ranges) == 8
    assert settings.pools.keys() == {"acme_uservoice_com", "globex_uservoice_com"}
    assert settings.states == SAMPLE.parent / "states"


def test_the_path_is_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A deployment has its settings elsewhere."""
    (tmp_path / "mine.json").write_text(json.dumps(given()), "utf-8")
    monkeypatch.setenv("FEEDBACK_LOADS", str(tmp_path / "mine.json"))
    assert list(read_settings().tenants) == ["acme"]


def test_pools() -> None:
    """Tenants of a host share a pool; a group says otherwise; without an address, the vendor counts."""
    settings = given()
    settings["tenants"] |= {
        "second": settings["tenants"]["acme"],
        "apart": {**settings["tenants"]["acme"], "group": "apart"},
        "preset": {"config": {"start_date": "2024-01-01", "support": {"vendor": "help_scout"}}},
    }
    pools = settings_of(settings, Path()).pools
    assert {name: [tenant.name for tenant in tenants] for name, tenants in pools.items()} == {
        "api_example_com_8443": ["acme", "second"],
        "apart": ["apart"],
        "help_scout": ["preset"],
    }


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (None, None),
        ("2024-01-31", "2024-01-31T00:00:00+00:00"),
        ("2024-01-31T05:00:00Z", "2024-01-31T05:00:00+00:00"),
        ("2024-01-31T05:00:00+02:00", "2024-01-31T05:00:00+02:00"),
    ],
)
def test_the_start_of_a_tenant(text: str | None, start: str | None) -> None:
    """A start without a zone is in UTC, as for the tap."""
    found = Tenant("acme", {"start_date": text}).start
    assert (found and found.isoformat()) == start


def test_a_start_that_is_no_date() -> None:
    """The message names the setting."""
    with pytest.raises(SettingsError, match=r"`tenants\.acme\.config\.start_date` is not a date"):
        _ = Tenant("acme", {"start_date": "soon"}).start


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tenants": {}}, "`target` is missing"),
        ({**given(), "schedul": ""}, "`schedul` is not a setting"),
        (given(key="ACME"), "`tenants.acme.key` is not a setting"),
        (given(config={}), "`tenants.acme` has no address"),
        (given(config={"analytics": {"vendor": "aha"}, "end_date": "2024-01-01"}), "end_date` would end"),
        ({**given(), "tenants": {"a/b": {}}}, "`tenants.a/b` is not a name"),
        ({**given(), "backfill": {"start": "2024-01-01"}}, "`backfill.end` is missing"),
        ({**given(), "backfill": {"start": "soon", "end": "2024-01-01"}}, "`backfill` is wrong"),
    ],
)
def test_wrong_settings(wrong: dict[str, Any], words: str) -> None:
    """The message names the setting."""
    with pytest.raises(SettingsError, match=words):
        settings_of(wrong, Path())
