"""A small disk of its own: it can be filled to the last byte, and die as memory cards do.

An ext4 on a loop device where the machine can make one; else a tmpfs, which cannot fail while
a file of it is open for writing.
"""

from __future__ import annotations

import errno
import os
import subprocess
from io import FileIO
from pathlib import Path

_BALLAST = "ballast"
_BLOCK = 4_096


class Disk:
    """``mib`` large, to be mounted at ``folder``; ``image`` is where its content is kept."""

    def __init__(self, folder: Path, image: Path, mib: int) -> None:
        self.folder = folder
        self._image = image
        self._mib = mib
        self.can_fail = False
        """Whether ``fail`` works: not on a tmpfs."""

    def mount(self) -> bool:
        """Make it and mount it; false where this machine does not let us."""
        with self._image.open("wb") as image:
            image.truncate(self._mib * 2**20)
        made = _ran("mkfs.ext4", "-q", "-F", "-m", "0", "-b", str(_BLOCK), str(self._image))
        self.can_fail = made and self._mount()
        if self.can_fail:
            (self.folder / "lost+found").rmdir()  # initdb wants an empty folder
            return True
        return _ran(
            "mount", "-t", "tmpfs", "-o", f"size={self._mib}m", "tallyport", str(self.folder)
        )

    def fill(self) -> None:
        """Leave no block; a disk that was full already is full, too."""
        try:
            # Unbuffered: a buffered file tries to write its rest once more when it is closed.
            with (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
                free = os.statvfs(self.folder)
                most = free.f_bavail * free.f_frsize // 2
                os.posix_fallocate(ballast.fileno(), 0, max(1, most))
                while _add_until_full(ballast):
                    os.fsync(ballast.fileno())  # gives back what was set aside for the tables
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise

    def free(self) -> None:
        """There is room again."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def remount(self, options: str) -> None:
        """``ro`` or ``rw``; nobody may have a file of it open for writing."""
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)

    def fail(self) -> None:
        """From now on every write fails, open files included: a card that has had enough."""
        subprocess.run(["mount", "-o", "remount,abort", str(self.folder)], check=True)

    def repair(self) -> None:
        """What a boot does: check it, and mount it anew. Nobody may use it."""
        subprocess.run(["umount", str(self.folder)], check=True)
        checked = subprocess.run(
            ["e2fsck", "-p", str(self._image)], capture_output=True, check=False
        )
        if checked.returncode > 1:  # 1: errors were found and mended
            raise RuntimeError(f"e2fsck: {checked.stdout.decode()}{checked.stderr.decode()}")
        if not self._mount():
            raise RuntimeError(f"{self._image} could not be mounted again")

    def unmount(self) -> None:
        """Take it away, whoever uses it still."""
        _ran("umount", "-l", str(self.folder))

    def _mount(self) -> bool:
        return _ran("mount", "-o", "loop", str(self._image), str(self.folder))


def _add_until_full(ballast: FileIO) -> int:
    """Down to the last block; how many bytes there was room for."""
    added = 0
    for size in (16 * _BLOCK, _BLOCK):
        try:
            while True:
                added += ballast.write(bytes(size))
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise
    return added


def _ran(*command: str) -> bool:
    """Whether a program is there and did what it was told."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
