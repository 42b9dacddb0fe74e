"""The figures of a load come from the tap's log."""

from __future__ import annotations

from feedback_loads.log import Log

PREFIX = "2026-01-01 00:00:02,106 | INFO     | singer_sdk.metrics             | "
LINES = f"""\
2026-01-01 00:00:01,444 | INFO     | tap-feedback                   | tap-feedback v0.1.0, Meltano SDK v0.54.9
{PREFIX}METRIC: {{"type":"timer","metric":"sync_duration","value":2.5,"tags":{{"stream":"forums","pid":1}}}}
{PREFIX}METRIC: {{"type":"counter","metric":"record_count","value":700,"tags":{{"stream":"forums","pid":1}}}}
{PREFIX}METRIC: {{"type":"counter","metric":"record_count","value":28,"tags":{{"stream":"forums","pid":1}}}}
{PREFIX}METRIC: {{"type":"counter","metric":"batches","value":1,"tags":{{}}}}
{PREFIX}METRIC: cut off
2026-01-01 00:00:02,123 | INFO     | tap-feedback                   | Summary:
stream  rows  result
forums   728  complete
2026-01-01 00:00:02,200 | ERROR    | tap-feedback                   | features failed: returned 403 Forbidden
no part of the summary
"""


def test_what_is_kept() -> None:
    """Rows and seconds by stream, the table of the summary, and the errors."""
    log = Log()
    for line in LINES.splitlines():
        log.add(line)
    assert log.rows == {"forums": 728}
    assert log.seconds == {"forums": 2.5}
    assert log.summary == "stream  rows  result\nforums   728  complete\n"
    assert log.errors == ["features failed: returned 403 Forbidden"]
