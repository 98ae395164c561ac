"""A connection's files: orders are taken out of ``inbox``, receipts are laid into ``outbox``.

A file stays in ``inbox`` until what it says is in the books or waits there for somebody; only then
it is moved, to ``done`` or to ``failed`` with its reason beside it. Whoever dies in between finds
it again, and its message is known.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from gateway import files
from gateway.clock import Clock

__all__ = ["ErpFolder", "Found"]

_MOST_FILES = 500
_UNFINISHED = (".part", ".tmp", ".new", ".filepart")


class _Look(NamedTuple):
    size: int
    mtime_ns: int
    inode: int


class Found(NamedTuple):
    """A file; ``wrong`` says why it was not even read."""

    name: str
    raw: bytes
    wrong: str = ""


class ErpFolder:
    """See the module. What begins with a dot, or ends in ``.part``, ``.tmp``, ``.new`` or
    ``.filepart``, is left alone. All raise OSError.
    """

    def __init__(self, root: Path, *, settle_s: float, most_bytes: int, clock: Clock) -> None:
        self.root = root
        self._settle_s = settle_s
        self._most_bytes = most_bytes
        self._clock = clock
        self._seen: dict[str, tuple[_Look, float]] = {}

    def look(self) -> list[str]:
        """The names of files that were the same ``settle_s`` ago, in their order."""
        inbox = self._made("inbox")
        there = {
            one.name: one
            for one in inbox.iterdir()
            if not one.name.startswith(".")
            and not one.name.endswith(_UNFINISHED)
            and (one.is_symlink() or not one.is_dir())
        }
        now_s = self._clock.steady_s()
        seen: dict[str, tuple[_Look, float]] = {}
        ripe = []
        for name in sorted(there):
            state = there[name].lstat()
            look = _Look(state.st_size, state.st_mtime_ns, state.st_ino)
            before, since_s = self._seen.get(name, (look, now_s))
            seen[name] = (look, since_s if before == look else now_s)
            if now_s - seen[name][1] >= self._settle_s:
                ripe.append(name)
        self._seen = seen
        return ripe[:_MOST_FILES]

    def read(self, name: str) -> Found:
        """What is in a file of ``inbox``."""
        path = self.root / "inbox" / name
        if path.is_symlink() or not path.is_file():
            return Found(name, b"", "this is no plain file")
        if path.stat().st_size > self._most_bytes:
            return Found(name, b"", f"the file is larger than {self._most_bytes >> 20} MiB")
        return Found(name, path.read_bytes())

    def done(self, name: str, number: int) -> None:
        """It is in the books."""
        self._move(name, "done", str(number))

    def failed(self, found: Found, number: int | None, why: str) -> None:
        """It is not; the reason is there before the file is."""
        mark = hashlib.sha256(found.raw).hexdigest()[:12] if number is None else str(number)
        told = self._made("failed") / f"{mark}-{found.name}.why.txt"
        files.replace(told, f"{why}\n".encode())
        self._move(found.name, "failed", mark)

    def lay(self, name: str, content: bytes) -> None:
        """A file in ``outbox``, whole or not there at all; again, it is the same one."""
        files.replace(self._made("outbox") / name, content)

    def _move(self, name: str, to: str, mark: str) -> None:
        target = self._made(to)
        (self.root / "inbox" / name).rename(target / f"{mark}-{name}")
        files.sync_folder(target)
        files.sync_folder(self.root / "inbox")
        self._seen.pop(name, None)

    def _made(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
