"""The SDK's own tests for taps, with the tap reading a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_tap_test_class

from sandbox import Sandbox
from tap_feedback.tap import TapFeedback
from tests.configs import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The class is made before there is a server: it needs to know the streams, and asks nobody.
CONFIG: dict[str, Any] = {name: {"base_url": "http://127.0.0.1:9", "api_key": "later"} for name in STREAMS}


@pytest.fixture(scope="module", autouse=True)
def serve() -> Iterator[None]:
    """Serve what the tests read."""
    with Sandbox(rows=250) as sandbox:
        CONFIG.update(sandbox.config)
        yield


TestTapFeedback = get_tap_test_class(TapFeedback, config=CONFIG, parse_env_config=False)
