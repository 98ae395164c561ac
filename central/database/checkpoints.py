"""SQLite's log comes into the database's file beside who writes, and not within his commits.

SQLite does it in whichever commit finds the log long enough, and all who wait for that commit wait
for thousands of pages and two syncs more. A checkpoint that is ``PASSIVE`` keeps nobody from
writing or reading, see "Checkpointing" in SQLite's "Write-Ahead Logging": so another thread can.
What it cannot keep up with SQLite still does by itself, at ``wal_autocheckpoint`` pages.
"""

from __future__ import annotations

import logging
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

__all__ = ["Checkpoints"]

_log = logging.getLogger(__name__)
_ROWS = 4_000
"""Rows changed from one to the next: in groups each takes one page to three, of 4 KiB."""


class Checkpoints:
    """Of one database's ``file``, which nobody else writes to. ``written`` is for one thread."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._rows = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database-checkpoints")
        self._running: Future[None] | None = None

    def written(self, rows: int) -> None:
        """Somebody committed; his connection has changed so many ``rows`` since it was opened."""
        if rows < self._rows:
            self._rows = 0  # another connection
        if rows - self._rows < _ROWS or (self._running and not self._running.done()):
            return
        self._rows = rows
        try:
            self._running = self._thread.submit(self._checkpoint)
        except (RuntimeError, MemoryError) as error:  # no thread, where there is no memory
            self._told(error)

    def close(self) -> None:
        """Wait for the one that runs."""
        self._thread.shutdown(wait=True)

    def _checkpoint(self) -> None:
        try:
            with closing(sqlite3.connect(self._file)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except (sqlite3.Error, MemoryError) as error:
            self._told(error)

    def _told(self, error: Exception) -> None:
        """Nothing is lost by it: what is committed stands in the log."""
        _log.warning(
            "the log of %s was not brought into the file: %r; a commit will do it",
            self._file, error,
        )  # fmt: skip
