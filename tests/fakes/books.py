"""Migrated databases without a row in them: made once for a process, copied for every test."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from pathlib import Path

from benchmarks.servers.postgres import fresh_database
from central.database.store import Database


def sqlite_books(file: Path) -> str:
    """Put such a database at ``file``; gives its URL."""
    file.write_bytes(_sqlite())
    return f"sqlite:///{file}"


@functools.cache
def _sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "central.sqlite"
        with contextlib.closing(Database(f"sqlite:///{file}")) as database:
            database.migrate()
        assert [one.name for one in Path(folder).glob("*-wal")] == []  # all of it is in the file
        return file.read_bytes()


@functools.cache
def postgres_books(server: str) -> str:
    """The name of such a database on the server, for ``fresh_database`` to copy."""
    with contextlib.closing(Database(fresh_database(server, "books"))) as database:
        database.migrate()
    return "books"
