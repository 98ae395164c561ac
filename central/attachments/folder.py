"""The folder of attachments: each file once, named by its SHA-256, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from central.attachments.model import Content, NotThere, Reading, TooLarge
from gateway import files

__all__ = ["Coming", "Folder"]

_COMING = "coming"
_COMING_S = 86_400
"""After so long nobody sends the rest of a file."""


class Coming:
    """A file while it is received. Without ``Folder.place`` nothing is left of it."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._reading = Reading()
        handle, name = tempfile.mkstemp(dir=folder)
        self._file = os.fdopen(handle, "wb")
        self.path = Path(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def take(self, piece: bytes) -> None:
        """The next bytes. Raises ``TooLarge``, OSError."""
        if self._reading.take(piece) > self._most_bytes:
            raise TooLarge(
                f"an attachment has at most {self._most_bytes >> 20} MiB here "
                "([attachments] most_mib)"
            )
        self._file.write(piece)

    def finish(self) -> Content:
        """What it is, once the disk has it. Blocks; raises OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._reading.content()


class Folder:
    """The files. What is placed, renewed and dropped is so in a write transaction of the index:
    one at a time, so that no file is swept that is attached at that moment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def coming(self, most_bytes: int) -> Coming:
        """A new file, of which nothing is there yet. Raises OSError."""
        folder = self._path / _COMING
        folder.mkdir(parents=True, exist_ok=True)
        return Coming(folder, most_bytes)

    def place(self, coming: Coming, sha256: str) -> None:
        """Give a finished file its name, durably; over a file of this name, whose bytes ought to
        be the same: a damaged one is mended by it. Raises OSError.
        """
        target = self._of(sha256)
        target.parent.mkdir(exist_ok=True)
        coming.path.replace(target)
        files.sync_folder(target.parent)
        files.sync_folder(self._path)

    def read(self, sha256: str) -> bytes:
        """The file. Raises ``NotThere``."""
        mend = "put it back from a backup, or send it again"
        try:
            content = self._of(sha256).read_bytes()
        except FileNotFoundError as error:
            raise NotThere(f"the file {sha256} is not in the folder: {mend}") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise NotThere(f"the file {sha256} is damaged: {mend}")
        return content

    def has(self, sha256: str) -> bool:
        """Whether the file is here, with the bytes that its name says."""
        try:
            with self._of(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False

    def names(self) -> list[str]:
        """The hashes of all files."""
        return [path.name for path in self._files()]

    def renew(self, sha256: str) -> None:
        """Let a file count as new: what nothing is attached to any more stays its days from now."""
        with contextlib.suppress(FileNotFoundError):  # ``read`` tells of it
            os.utime(self._of(sha256))

    def old(self, seconds: float) -> list[str]:
        """The hashes of all files that are older."""
        before = time.time() - seconds
        return [path.name for path in self._files() if path.stat().st_mtime < before]

    def drop(self, hashes: Iterable[str]) -> None:
        """Delete these files. Raises OSError."""
        for sha256 in hashes:
            self._of(sha256).unlink(missing_ok=True)

    def drop_unfinished(self) -> None:
        """Delete what a cut left of files that were being received. Raises OSError."""
        before = time.time() - _COMING_S
        for path in (self._path / _COMING).glob("*"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        return self._path.glob("[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 64)

    def _of(self, sha256: str) -> Path:
        return self._path / sha256[:2] / sha256
