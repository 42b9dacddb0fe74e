"""Batch files: JSON lines, compressed if wanted, in a local or remote folder. A file gets its name when it is whole."""

from __future__ import annotations

import gzip
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from singer_sdk.helpers._batch import StorageTarget

if TYPE_CHECKING:
    from upath import UPath

    from tap_feedback.batch_settings import BatchSettings

#: The fastest level. A file is read once, so a smaller one is not worth the time.
GZIP_LEVEL = 1
#: Protocols of folders on this machine.
LOCAL = {"", "file", "local"}
_replace_odd = re.compile(r"[^A-Za-z0-9_.-]").sub


class BatchFolder:
    """The folder of the batch files: on this machine, or remote, as far as fsspec can write to it.

    Args:
        settings: The settings of batch files.
    """

    def __init__(self, settings: BatchSettings) -> None:
        storage = settings.storage
        self.is_compressed = settings.encoding.compression == "gzip"
        self._prefix = storage.prefix or ""
        # By the SDK's own rule, as a target of the SDK looks for the files by it.
        self._root: UPath = StorageTarget(storage.root, params=storage.params)._root_path  # noqa: SLF001
        self._is_local = self._root.protocol in LOCAL

    def prepare(self) -> None:
        """Create the folder, and prove that files can be created in it; if it is remote, only load its driver.

        Raises:
            ImportError: The driver is not installed.
            OSError: The folder cannot be created, or files in it cannot.
        """
        if self._is_local:
            self.new_file("test").discard()
        else:
            _ = self._root.fs

    def new_file(self, name: str) -> BatchFile:
        """Start a file.

        Args:
            name: Its name without extension. Characters that URLs encode are replaced.

        Raises:
            OSError: It cannot be created.
        """
        path = f"{self._prefix}{_replace_odd('_', name)}.jsonl{'.gz' if self.is_compressed else ''}"
        whole = self._local(path) if self._is_local else Path(tempfile.gettempdir(), Path(path).name)
        whole.parent.mkdir(parents=True, exist_ok=True)
        return BatchFile(self, path, whole.with_name(f".{whole.name}.part"))

    def send(self, part: Path, path: str) -> None:
        """Copy a whole file to its place, if the folder is remote.

        Raises:
            Exception: The driver of a remote storage may raise anything.
        """
        if not self._is_local:
            remote = self._root / path
            remote.parent.mkdir(parents=True, exist_ok=True)
            remote.fs.put_file(str(part), remote.path)

    def publish(self, part: Path, path: str) -> str:
        """Give a whole file its name, and return its URL.

        Raises:
            OSError: It cannot be renamed.
        """
        if not self._is_local:
            part.unlink()
            return str(self._root / path)
        whole = self._local(path)
        part.rename(whole)
        return f"file://{whole}"  # with the path as it is, as targets of the SDK do not decode it

    def _local(self, path: str) -> Path:
        return Path(self._root.path, path)


class BatchFile:
    """A file that is being written: on this machine, and under a temporary name.

    Args:
        folder: The folder that it belongs to.
        path: Its path in the folder.
        part: Its temporary path on this machine.
    """

    def __init__(self, folder: BatchFolder, path: str, part: Path) -> None:
        self._folder = folder
        self._path = path
        self._part = part
        self._raw = part.open("wb")
        self._content = gzip.GzipFile("", "wb", GZIP_LEVEL, self._raw, mtime=0) if folder.is_compressed else self._raw

    def write(self, lines: bytes | bytearray) -> None:
        """Write lines.

        Raises:
            OSError: The disk is full, for example.
        """
        self._content.write(lines)

    def close(self) -> None:
        """Complete the file, which has its name only after `publish`.

        Raises:
            OSError: The disk is full, for example. The driver of a remote storage may raise other errors.
        """
        self._content.close()
        self._raw.close()
        self._folder.send(self._part, self._path)

    def publish(self) -> str:
        """Give the file its name, and return its URL.

        Raises:
            OSError: It cannot be renamed.
        """
        return self._folder.publish(self._part, self._path)

    def discard(self) -> None:
        """Remove the file, if that is possible. Once it is published, this does nothing."""
        with suppress(OSError):
            self._raw.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)
