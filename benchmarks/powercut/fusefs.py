"""A file system in user space that forgets, when told, what was not synced.

One flat folder, held in memory by the same ``Disk`` that rebuilds recorded states: programs
work on it through the kernel as on any other, and a line on stdin cuts the power. Lines:
``cut SURVIVAL SEED``, ``lie`` (from now on syncs do nothing), ``honest``; each is answered by
``done``. ``ready`` is printed once it is mounted.
"""

from __future__ import annotations

import argparse
import errno
import itertools
import os
import random
import stat
import sys
import threading
from typing import cast, get_args

import mfusepy

from benchmarks.powercut.disk import Disk, Survival
from benchmarks.powercut.recording import Op


class ForgetfulFiles(mfusepy.Operations):  # type: ignore[misc]
    """The operations that the kernel asks for. Files are known by number, as on a disk."""

    use_ns = True

    def __init__(self) -> None:
        self._disk = Disk()
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # ---- the power -----------------------------------------------------------------------------
    def obey(self, line: str) -> None:
        """One line of the module's language. Raises ValueError for any other."""
        word, *rest = line.split()
        with self._lock:
            if word == "cut":
                survival, seed = rest
                if survival not in get_args(Survival):
                    raise ValueError(f"no such survival: {survival}")
                self._cut(cast("Survival", survival), random.Random(seed))
            elif word in {"lie", "honest"}:
                self._disk.lie(word == "lie")
            else:
                raise ValueError(f"no such order: {line}")

    def _cut(self, survival: Survival, chance: random.Random) -> None:
        fresh = Disk()
        fresh.lie(self._disk.lies)
        left = self._disk.after_cut(survival, chance)
        for name, content in left.items():
            number = next(self._numbers)
            for files in (fresh.now, fresh.safe):
                files.names[name], files.content[number] = number, bytearray(content)
        self._disk = fresh

    # ---- names -----------------------------------------------------------------------------
    def init(self, path: str) -> None:
        """The file system is mounted."""
        del path
        print("ready", flush=True)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """Size and kind."""
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        with self._lock:
            size = len(self._disk.now.content[self._number(path, fh)])
        return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": size}

    def readdir(self, path: str, fh: int) -> list[str]:
        """All names."""
        del path, fh
        with self._lock:
            return [".", "..", *self._disk.now.names]

    def create(self, path: str, mode: int, flags: int) -> int:
        """A new, empty file."""
        del mode, flags
        number = next(self._numbers)
        self._do(Op("C", number, name=_name(path)))
        return number

    def open(self, path: str, flags: int) -> int:
        """An existing file."""
        del flags
        with self._lock:
            return self._number(path)

    def unlink(self, path: str) -> None:
        """Remove a name."""
        with self._lock:
            self._number(path)
            self._do(Op("U", name=_name(path)))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in the place of any other that had it."""
        with self._lock:
            self._number(old)
            self._do(Op("R", name=_name(old), data=_name(new).encode()))

    # ---- content ---------------------------------------------------------------------------
    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Bytes as programs see them."""
        with self._lock:
            content = self._disk.now.content[self._number(path, fh)]
            return bytes(content[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Bytes that are not safe yet."""
        with self._lock:
            self._do(Op("W", self._number(path, fh), offset, data=data))
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Another size."""
        with self._lock:
            self._do(Op("T", self._number(path, fh), length))

    def fsync(self, path: str, datasync: int, fh: int) -> None:
        """Make a file safe, unless the card lies."""
        del datasync
        with self._lock:
            self._do(Op("S", self._number(path, fh)))

    def fsyncdir(self, path: str, datasync: int, fh: int) -> None:
        """Make the names safe, unless the card lies."""
        del path, datasync, fh
        self._do(Op("D"))

    def statfs(self, path: str) -> dict[str, int]:
        """A card with room."""
        del path
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": 2**20, "f_bfree": 2**19,
                "f_bavail": 2**19, "f_namemax": 255}  # fmt: skip

    # ---- what they share -------------------------------------------------------------------
    def _do(self, op: Op) -> None:
        with self._lock:
            self._disk.apply(op)

    def _number(self, path: str, fh: int | None = None) -> int:
        """A file that was open when the power was cut is gone."""
        number = fh or self._disk.now.names.get(_name(path))
        if number is None:
            raise mfusepy.FuseOSError(errno.ENOENT)
        if number not in self._disk.now.content:
            raise mfusepy.FuseOSError(errno.EIO)
        return number


def _name(path: str) -> str:
    return path.lstrip("/")


def _listen(files: ForgetfulFiles) -> None:
    for line in sys.stdin:
        files.obey(line)
        print("done", flush=True)
    os._exit(0)  # whoever mounted us is gone: nobody is left to unmount


def main() -> None:
    """Serve until unmounted."""
    parser = argparse.ArgumentParser(prog="powercut.fusefs", description=__doc__)
    parser.add_argument("mountpoint")
    told = parser.parse_args()
    files = ForgetfulFiles()
    threading.Thread(target=_listen, args=(files,), daemon=True).start()
    # The kernel must keep nothing that a cut would have to take from it.
    mfusepy.FUSE(
        files, told.mountpoint, foreground=True, nothreads=True, direct_io=True,
        attr_timeout=0, entry_timeout=0, negative_timeout=0,
    )  # fmt: skip


if __name__ == "__main__":
    main()
