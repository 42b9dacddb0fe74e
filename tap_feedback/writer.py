"""Writer of Singer messages, in large chunks."""

from __future__ import annotations

import select
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerWriter, SingerMessageType
from singer_sdk.singerlib.encoding.simple import Message

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Number of bytes to collect before a write. A pipe takes 64 KiB at a time; a larger buffer than this is not faster.
BUFFER_SIZE = 512 * 1024


class OutputLostError(Exception):
    """Output was lost, so nothing that follows may be reported as written."""

    def __init__(self, error: OSError) -> None:
        closed = isinstance(error, BrokenPipeError)
        super().__init__(
            "The target closed the pipe before everything was written"
            if closed
            else f"Writing failed: {error.strerror}"
        )


def _encode_other(value: object) -> object:
    """Encode a value that is not JSON: stream maps may return dates."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


class RecordLine(msgspec.Struct, tag_field="type", tag="RECORD"):
    """A RECORD message, with its members in the order of the SDK's."""

    stream: str
    record: dict[str, Any]
    version: int | msgspec.UnsetType
    time_extracted: datetime


class MessageWriter(GenericSingerWriter[bytes, Message]):
    """Writes Singer messages to stdout, one per line. It flushes at STATE and by `flush`, not after every record."""

    def __init__(self) -> None:
        super().__init__()
        self._encoder = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number")
        self._buffer = bytearray()

    def serialize_message(self, message: Message) -> bytes:
        """Encode a message as a line."""
        return self._encoder.encode(message.to_dict()) + b"\n"

    def write_message(self, message: Message) -> None:
        """Write a message. All messages but RECORD reach the target immediately."""
        self._buffer += self.serialize_message(message)
        if message.type is not SingerMessageType.RECORD or len(self._buffer) >= BUFFER_SIZE:
            self.flush()

    def encode_lines(self, items: Iterable[Any]) -> bytes:
        """Encode values as JSON lines, as they are encoded in messages."""
        return self._encoder.encode_lines(items)

    def write_records(
        self, stream: str, records: Iterable[dict[str, Any]], *, version: int | None, time_extracted: datetime
    ) -> None:
        """Write RECORD messages of one page, byte for byte as `write_message` would write them."""
        encoded_version = msgspec.UNSET if version is None else version
        self._buffer += self.encode_lines(
            [RecordLine(stream, record, encoded_version, time_extracted) for record in records]
        )
        if len(self._buffer) >= BUFFER_SIZE:
            self.flush()

    def flush(self) -> None:
        """Write the buffer to stdout.

        Raises:
            OutputLostError: The target is gone, or the disk is full.
        """
        left, self._buffer = memoryview(self._buffer), bytearray()
        # The raw stream, whether or not Python buffers stdout (PYTHONUNBUFFERED).
        out = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        try:
            sys.stdout.flush()
            while left:
                taken = out.write(left)  # a part of it, or nothing if a non-blocking pipe is full
                left = left[taken or 0 :]
                if not taken:
                    select.select([], [out], [])
        except OSError as error:
            raise OutputLostError(error) from error
