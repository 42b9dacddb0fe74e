"""Singer messages: exact to the byte, in large writes, on time."""

from __future__ import annotations

import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.singerlib import (
    ActivateVersionMessage,
    RecordMessage,
    SchemaMessage,
    StateMessage,
)

from tap_feedback.writer import BUFFER_SIZE, MessageWriter, OutputLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRACTED = datetime(2024, 1, 31, 12, 0, 0, 123456, tzinfo=timezone.utc)
EXTRACTED_TEXT = "2024-01-31T12:00:00.123456Z"
RECORDS: list[dict[str, Any]] = [
    {"id": 1, "text": 'é \u2028 😀 " \\ \n', "none": None, "nested": {"list": [1, {"a": []}]}},
    {"id": 2**70, "negative": -(2**70), "float": 0.1, "whole": 1.0, "minus": -0.0},
    {"id": 3, "exact": Decimal("12345678901234567890.12345"), "huge": Decimal("1E+400"), "cents": Decimal("1.10")},
    {"id": 4, "when": EXTRACTED, "day": date(2024, 1, 31)},
    {},
]


class Out(io.BytesIO):
    """Takes what is written, and counts in how many writes."""

    writes = 0

    def write(self, data: Any) -> int:
        """Count, and write."""
        self.writes += 1
        return super().write(data)


@contextmanager
def stdout() -> Iterator[Out]:
    """What is written to stdout."""
    out = Out()
    with io.TextIOWrapper(out, encoding="utf-8") as text, redirect_stdout(text):
        yield out


def write(writer: MessageWriter, records: list[dict[str, Any]], version: int | None = None) -> None:
    """Write records of a stream together."""
    writer.write_records("forums", records, version=version, time_extracted=EXTRACTED)


@pytest.mark.parametrize("version", [None, 0, 1706702400000])
def test_both_ways_write_the_same_bytes(version: int | None) -> None:
    """Records written together or one by one are the same bytes."""
    with stdout() as out:
        writer = MessageWriter()
        write(writer, RECORDS, version)
        writer.flush()
        at_once = out.getvalue()
        for record in RECORDS:
            writer.write_message(RecordMessage("forums", record, version=version, time_extracted=EXTRACTED))
        writer.flush()
        assert out.getvalue() == at_once * 2
        assert at_once.count(b"\n") == len(RECORDS)


def test_numbers_come_out_as_they_came_in() -> None:
    """No digit is lost, and no number becomes a text."""
    with stdout() as out:
        writer = MessageWriter()
        write(writer, RECORDS)
        writer.flush()
        lines = [json.loads(line, parse_float=Decimal) for line in out.getvalue().splitlines()]
        assert [line["record"].get("id") for line in lines] == [1, 2**70, 3, 4, None]
        assert lines[2]["record"] == RECORDS[2]
        assert b'"negative":-1180591620717411303424,"float":0.1,"whole":1.0,"minus":-0.0' in out.getvalue()
        assert b'"exact":12345678901234567890.12345,"huge":1E+400,"cents":1.10' in out.getvalue()


def test_envelope() -> None:
    """The message of a record has the stream's name, the version if there is one, and the time."""
    with stdout() as out:
        writer = MessageWriter()
        write(writer, [{"id": 1}])
        write(writer, [{"id": 2}], 7)
        writer.flush()
        assert [json.loads(line) for line in out.getvalue().splitlines()] == [
            {"type": "RECORD", "stream": "forums", "record": {"id": 1}, "time_extracted": EXTRACTED_TEXT},
            {"type": "RECORD", "stream": "forums", "record": {"id": 2}, "version": 7, "time_extracted": EXTRACTED_TEXT},
        ]


def test_records_wait() -> None:
    """Records are not written one by one, nor before there are many."""
    with stdout() as out:
        writer = MessageWriter()
        for number in range(500):
            write(writer, [{"id": number}])
            writer.write_message(RecordMessage("forums", {"id": number}))
        assert out.writes == 0
        writer.flush()
        assert out.writes == 1
        assert out.getvalue().count(b"\n") == 1000


@pytest.mark.parametrize("at_once", [True, False])
def test_full_buffer_is_written(at_once: bool) -> None:  # noqa: FBT001 - a case
    """As soon as the buffer is full, it is written whole."""
    with stdout() as out:
        writer = MessageWriter()
        half = {"text": "x" * (BUFFER_SIZE // 2)}
        for expected in (0, 1, 1, 2):
            if at_once:
                write(writer, [half])
            else:
                writer.write_message(RecordMessage("forums", half))
            assert out.writes == expected
        assert out.getvalue().endswith(b"}\n")
        assert out.getvalue().count(b"\n") == 4


@pytest.mark.parametrize(
    "message",
    [StateMessage({"bookmarks": {}}), SchemaMessage("forums", {}, ["id"]), ActivateVersionMessage("forums", 1)],
)
def test_rare_messages_are_written_at_once(message: Any) -> None:
    """A state reaches the target immediately, after the records before it, like every message but RECORD."""
    with stdout() as out:
        writer = MessageWriter()
        write(writer, [{"id": 1}])
        writer.write_message(message)
        assert [json.loads(line)["type"] for line in out.getvalue().splitlines()] == ["RECORD", message.type.value]


def test_flush_of_nothing() -> None:
    """Without messages, and after a flush, there is nothing to write."""
    with stdout() as out:
        writer = MessageWriter()
        writer.flush()
        write(writer, [])
        writer.flush()
        assert out.getvalue() == b""


@contextmanager
def pipe_to_nobody() -> Iterator[None]:
    """Make stdout a pipe whose reader is gone."""
    reader, end = os.pipe()
    os.close(reader)
    text = os.fdopen(end, "w", encoding="utf-8")
    with text, redirect_stdout(text):
        yield


def test_closed_pipe() -> None:
    """A target that is gone is an error, not silence."""
    writer = MessageWriter()
    write(writer, [{"id": 1}])
    with pipe_to_nobody(), pytest.raises(OutputLostError, match="closed the pipe"):
        writer.flush()


def test_an_unbuffered_stdout_takes_all() -> None:
    """A pipe that does not block, and is full again and again, loses nothing."""
    reader, end = os.pipe()
    os.set_blocking(end, False)
    writer = MessageWriter()
    rows = [{"id": number, "text": "x" * 1000} for number in range(3000)]
    with ThreadPoolExecutor() as workers, os.fdopen(reader, "rb") as source:
        read = workers.submit(source.read)
        with os.fdopen(end, "wb", 0) as raw, redirect_stdout(io.TextIOWrapper(raw, write_through=True)) as text:
            write(writer, rows)
            writer.flush()
            text.detach()
        lines = read.result().splitlines()
    assert [json.loads(line)["record"]["id"] for line in lines] == list(range(3000))


def test_a_full_disk_is_an_error() -> None:
    """What the disk has no room for is not taken for written."""
    writer = MessageWriter()
    write(writer, [{"id": 1}])
    with (
        open("/dev/full", "w", encoding="utf-8") as full,  # noqa: PTH123
        redirect_stdout(full),
        pytest.raises(OutputLostError, match="No space left"),
    ):
        writer.flush()
