"""Batches of one stream: its records in files, each of which a BATCH message names."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from singer_sdk.exceptions import ConfigurationError, FatalSyncError
from singer_sdk.helpers._batch import BaseBatchFileEncoding, SDKBatchMessage

from tap_feedback.batch_files import BatchFolder
from tap_feedback.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_feedback.batch_files import BatchFile
    from tap_feedback.batch_settings import BatchSettings
    from tap_feedback.lock import StreamLock
    from tap_feedback.writer import MessageWriter

Record = dict[str, Any]

#: Maximum number of bytes of a file before compression. A target holds the rows of a whole file in memory.
MAX_BYTES = 32 * 1024 * 1024
#: Number of bytes to collect before a write.
BUFFER_SIZE = 256 * 1024
#: Number of records to encode together. A file exceeds MAX_BYTES by at most so many records.
CHUNK = 1000
#: The column by which a target finds the rows that are gone. It adds the column to the rows of RECORD messages, but
#: not to those of batch files, so that ACTIVATE_VERSION would delete all of them.
VERSION = "_sdc_table_version"


def check_batches(settings: BatchSettings) -> None:
    """Check that batch files can be written.

    Raises:
        ConfigurationError: They cannot. The message says why.
    """
    try:
        BatchFolder(settings).prepare()
    except Exception as error:  # noqa: BLE001 - the driver of a remote storage may raise anything
        raise ConfigurationError(f"`batch_config.storage.root` cannot be used: {_reason(error)}") from None


class Batches:
    """Writes the records of one stream into files, and names each whole file in a BATCH message.

    Args:
        settings: The settings of batch files.
        writer: Writes the messages.
        lock: Held by the caller; released while a file is written.
        version: The version of the table, if ACTIVATE_VERSION will follow.
    """

    def __init__(
        self, settings: BatchSettings, *, writer: MessageWriter, lock: StreamLock, version: int | None
    ) -> None:
        self._new = partial(Batch, settings=settings, writer=writer, lock=lock, version=version)
        self._batches: dict[str, Batch] = {}

    def write(self, name: str, records: Sequence[Record]) -> None:
        """Write records of a stream map, and a message for each file that is full.

        Raises:
            FatalSyncError: They cannot be written.
        """
        if name not in self._batches:
            self._batches[name] = self._new(name)
        self._batches[name].write(records)

    def flush(self) -> None:
        """Complete the files, and write their messages.

        Raises:
            FatalSyncError: They cannot be written.
        """
        for batch in self._batches.values():
            batch.flush()

    def discard(self) -> None:
        """Remove files that are not complete."""
        for batch in self._batches.values():
            batch.discard()

    @property
    def count(self) -> int:
        """Number of messages so far."""
        return sum(batch.count for batch in self._batches.values())


class Batch:
    """The batches of one stream map, one file after the other. The arguments are those of `Batches`."""

    def __init__(
        self, name: str, *, settings: BatchSettings, writer: MessageWriter, lock: StreamLock, version: int | None
    ) -> None:
        self.count = 0
        self._name = name
        self._settings = settings
        self._folder = BatchFolder(settings)
        self._writer = writer
        self._lock = lock
        self._version = {} if version is None else {VERSION: version}
        self._path = f"tap-feedback--{name}-{uuid4()}"
        self._file: BatchFile | None = None
        self._rows = self._bytes = 0  # in the current file, including the buffer
        self._buffer = bytearray()

    def write(self, records: Sequence[Record]) -> None:
        """Write records, and a message for each file that is full.

        Raises:
            FatalSyncError: They cannot be written.
        """
        while records:
            size = min(CHUNK, self._settings.batch_size - self._rows)
            chunk, records = records[:size], records[size:]
            lines = self._writer.encode_lines([record | self._version for record in chunk] if self._version else chunk)
            self._buffer += lines
            self._rows += len(chunk)
            self._bytes += len(lines)
            if self._rows >= self._settings.batch_size or self._bytes >= MAX_BYTES:
                self.flush()
            elif len(self._buffer) >= BUFFER_SIZE:
                with self._writing():
                    self._write_buffer()

    def flush(self) -> None:
        """Complete the file, if there is one, and write its message.

        Raises:
            FatalSyncError: It cannot be written.
        """
        if not self._rows:
            return
        with self._writing():
            file = self._write_buffer()
            file.close()
        url = file.publish()  # with the lock held, so that its message follows even if a signal comes
        self._file, self._rows, self._bytes = None, 0, 0
        self.count += 1
        encoding = self._settings.encoding
        self._writer.write_message(
            SDKBatchMessage(self._name, BaseBatchFileEncoding(encoding.format, encoding.compression), [url])
        )

    def discard(self) -> None:
        """Remove a file that is not complete."""
        if self._file is not None:
            self._file.discard()

    def _write_buffer(self) -> BatchFile:
        """Write the buffer into the file, which is created if necessary."""
        if self._file is None:
            self._file = self._folder.new_file(f"{self._path}-{self.count + 1}")
        lines, self._buffer = self._buffer, bytearray()
        self._file.write(lines)
        return self._file

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Release the lock while a file is written, compressed or sent.

        Raises:
            FatalSyncError: It failed.
        """
        try:
            with self._lock.released():
                yield
        except Exception as error:  # noqa: BLE001 - the driver of a remote storage may raise anything
            reason = _reason(error)
            raise FatalSyncError(f"a batch file cannot be written ({reason}); check `batch_config.storage`") from None


def _reason(error: Exception) -> str:
    """Return why a file cannot be written, by the system's message. That of a driver may quote keys."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, (ImportError, ValueError)):  # the driver is not installed, or the protocol is unknown
        return one_line(str(error))
    return type(error).__name__
