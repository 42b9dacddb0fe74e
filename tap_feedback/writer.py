"""Singer messages out, in large writes."""

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

#: Bytes to collect before a write; a pipe takes 64 KiB at a time, and above some times that nothing is won.
BUFFER_SIZE = 512 * 1024


class OutputLostError(Exception):
    """Something that was written did not arrive, so that nothing more may be said to have."""

    def __init__(self, error: OSError) -> None:
        closed = isinstance(error, BrokenPipeError)
        super().__init__(
            "The target closed the pipe before all was written" if closed else f"Writing failed: {error.strerror}"
        )


def _encode_other(value: object) -> object:
    """What JSON has no form for: stream maps may give dates."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


class RecordLine(msgspec.Struct, tag_field="type", tag="RECORD"):
    """A RECORD message, in the order of the SDK's."""

    stream: str
    record: dict[str, Any]
    version: int | msgspec.UnsetType
    time_extracted: datetime


class MessageWriter(GenericSingerWriter[bytes, Message]):
    """Writes Singer messages to stdout, each a line; flushed at STATE and by `flush`, not for every record."""

    def __init__(self) -> None:
        super().__init__()
        self._encoder = msgspec.json.Encoder(enc_hook=_encode_other, decimal_format="number")
        self._buffer = bytearray()

    def serialize_message(self, message: Message) -> bytes:
        """Encode a message as a line."""
        return self._encoder.encode(message.to_dict()) + b"\n"

    def write_message(self, message: Message) -> None:
        """Write a message; STATE, and every rarer one, reaches the target at once."""
        self._buffer += self.serialize_message(message)
        if message.type is not SingerMessageType.RECORD or len(self._buffer) >= BUFFER_SIZE:
            self.flush()

    def write_records(
        self, stream: str, records: Iterable[dict[str, Any]], *, version: int | None, time_extracted: datetime
    ) -> None:
        """Write RECORD messages that share all but the record, the bytes as `write_message` would write them."""
        told = msgspec.UNSET if version is None else version
        self._buffer += self._encoder.encode_lines(
            [RecordLine(stream, record, told, time_extracted) for record in records]
        )
        if len(self._buffer) >= BUFFER_SIZE:
            self.flush()

    def flush(self) -> None:
        """Hand all that is collected to the target.

        Raises:
            OutputLostError: The target is gone, or there is no room for what is written.
        """
        left, self._buffer = memoryview(self._buffer), bytearray()
        # Buffered by Python or not (PYTHONUNBUFFERED), what is written below takes one way.
        out = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        try:
            sys.stdout.flush()
            while left:
                taken = out.write(left)  # a part, or nothing where a pipe that does not block is full
                left = left[taken or 0 :]
                if not taken:
                    select.select([], [out], [])
        except OSError as error:
            raise OutputLostError(error) from error
