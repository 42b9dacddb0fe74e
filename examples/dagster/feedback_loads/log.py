"""Log of the tap: its METRIC points, its summary and its errors."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Beginning of a log line of the SDK: time, level and logger.
PREFIX = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \| (?P<level>[A-Z]+) *\| (?P<logger>\S+) *\| ")
METRIC = "METRIC: "
SUMMARY = "Summary:"


class Log:
    """What is worth keeping of the lines of a tap's log.

    `rows` and `seconds` are by stream.
    """

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.summary = ""
        self.errors: list[str] = []
        self._in_summary = False

    def add(self, line: str) -> None:
        """Take in a line, without its end."""
        prefix = PREFIX.match(line)
        if not prefix:
            if self._in_summary:
                self.summary += f"{line}\n"
            return
        message = line[prefix.end() :]
        self._in_summary = message == SUMMARY
        if message.startswith(METRIC):
            self._add_metric(message.removeprefix(METRIC))
        elif prefix["level"] in {"ERROR", "CRITICAL"}:
            self.errors.append(message)

    def _add_metric(self, text: str) -> None:
        try:
            point: Mapping[str, Any] = json.loads(text)
            stream, value = point["tags"]["stream"], point["value"]
        except (ValueError, KeyError, TypeError):
            return  # a point that is not about a stream
        if point.get("metric") == "record_count":
            self.rows[stream] += value
        elif point.get("metric") == "sync_duration":
            self.seconds[stream] = value
