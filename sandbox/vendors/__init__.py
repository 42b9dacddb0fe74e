"""Local players of vendors' APIs, each in the shape of the real one, with rows made from the columns of a preset."""

from __future__ import annotations

from sandbox.vendors.analytics import ANALYTICS
from sandbox.vendors.feedback import FEEDBACK
from sandbox.vendors.player import Player
from sandbox.vendors.support import SUPPORT

#: What each vendor's API is like, by the name of its preset.
VENDORS = {**ANALYTICS, **FEEDBACK, **SUPPORT}

__all__ = ["VENDORS", "Player"]
