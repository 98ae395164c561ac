"""Files that are the old one or the new one after a power cut, never half of either."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["replace", "sync", "sync_folder"]


def replace(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Give ``path`` this content, durably; ``mode`` is there before the content is, and whoever
    owned the old file owns the new one.

    Written beside it, synced, renamed, and the name synced. Raises OSError, and the old file
    stands.
    """
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)  # one that a cut left, perhaps with another mode
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        if os.geteuid() == 0 and path.exists():
            os.fchown(handle, path.stat().st_uid, path.stat().st_gid)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync(path: Path) -> None:
    """Have the disk keep what was written to a file, whoever wrote it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder (POSIX needs it after create, rename, unlink)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
