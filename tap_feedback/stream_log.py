"""Log of a stream, each line of which begins with the stream's name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    LoggerAdapter = logging.LoggerAdapter[logging.Logger]
else:
    LoggerAdapter = logging.LoggerAdapter  # not generic before Python 3.11


class StreamLogger(LoggerAdapter):
    """Prefixes each line with the stream's name, as not every log format shows the logger."""

    def process(self, msg: Any, kwargs: Any) -> tuple[Any, Any]:
        """Add the prefix."""
        return f"{self.logger.name.rpartition('.')[2]}: {msg}", kwargs
