"""SQLite: a backup is put into a file beside the database, which then takes its name."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy.engine import URL

from central.keeping.backup import forget_log
from central.keeping.backup_files import BackupFailed
from gateway.files import sync, sync_folder

__all__ = ["Place", "place_for"]


class Place:
    """A fresh file that is to hold a copy, beside the one whose name it is to take."""

    def __init__(self, target: Path, stamp: str) -> None:
        self._target = target
        self._kept = target.with_name(f"{target.name}.before-{stamp}")
        self._fresh = target.with_name(target.name + ".restoring")
        self.taken = target.exists()
        """Whether there is a database of that name already."""

    @property
    def fresh(self) -> str:
        """The URL of the fresh one."""
        return f"sqlite:///{self._fresh.absolute()}"

    def fill(self, source: Path) -> None:
        """Put the copy in the fresh file."""
        if self.taken and _is_open_elsewhere(self._target):
            raise BackupFailed("the database is in use: stop central (and what else has it) first")
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self.drop()
        shutil.copyfile(source, self._fresh)

    def take(self, _roles: Sequence[str]) -> list[str]:
        """Exchange the files; a sentence about the old one. SQLite has no roles."""
        forget_log(self._fresh)
        sync(self._fresh)
        if self.taken:
            self._keep_the_old()
        self._fresh.replace(self._target)
        sync_folder(self._target.parent)
        return [f"the books of before are in {self._kept}"] if self.taken else []

    def drop(self) -> None:
        """Remove the fresh one, if it is there and not in place."""
        self._fresh.unlink(missing_ok=True)
        forget_log(self._fresh)

    def _keep_the_old(self) -> None:
        """Give the old file a second name, so that at no moment there is none at the first."""
        try:
            os.link(self._target, self._kept)
        except OSError:  # a file system without links
            shutil.copyfile(self._target, self._kept)
            sync(self._kept)
        for rest in ("-wal", "-shm"):  # of a damaged one: a sound one's are in the file by now
            log = self._target.with_name(self._target.name + rest)
            if log.exists():
                log.replace(self._kept.with_name(self._kept.name + rest))
        sync_folder(self._target.parent)


@contextlib.contextmanager
def place_for(url: URL, stamp: str) -> Iterator[Place]:
    """A place for a copy; what was not exchanged by the end is gone."""
    place = Place(Path(url.database or ""), stamp)
    try:
        yield place
    finally:
        place.drop()


def _is_open_elsewhere(file: Path) -> bool:
    """SQLite leaves WAL only for who is alone; what stood in the log is then in the file."""
    with contextlib.closing(sqlite3.connect(file, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:  # a damaged file is no reason not to restore
            return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False
