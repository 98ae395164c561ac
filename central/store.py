"""The central database: one writer, many readers, on SQLite or PostgreSQL.

Every write is one transaction and all writes go one after another through one thread, so
that sequence numbers are dense, cursors never miss a row that commits late, and no two
decisions about the same stock can race. Readers see what is committed and never wait.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

__all__ = ["Database", "DatabaseInUse", "SchemaMismatch", "migration_config", "passes_by"]

T = TypeVar("T")
_READERS = 4
CENTRAL_LOCK = 0x7461_6C6C_7970
"""Key of the PostgreSQL advisory lock that the writing central holds ("tallyp")."""

_LIMIT_EXCEEDED = "54"
_READ_ONLY = "25006"


class SchemaMismatch(RuntimeError):
    """The schema is not one that this release knows; the text says what to do."""


class DatabaseInUse(RuntimeError):
    """Another central writes to this database already."""


def passes_by(error: DBAPIError) -> bool:
    """Whether the same work may succeed later: the connection, the disk, a lock, a restart.

    Anything else (a value that a column does not take, a broken constraint) would fail again.
    The driver's classes are right but for two: PostgreSQL's limits do not move, and a server
    that only reads (a standby, before it takes over) will write again.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    if state.startswith(_LIMIT_EXCEEDED):
        return False
    operational = isinstance(error, OperationalError | InterfaceError)
    return error.connection_invalidated or operational or state == _READ_ONLY


class Database:
    """The one road to the tables. ``url`` is a SQLAlchemy URL: ``sqlite:///FILE`` or
    ``postgresql+psycopg://...``.

    Nothing is opened before the first use. On PostgreSQL the first write takes an advisory
    lock that lives as long as the writer's connection; a second central gets
    ``DatabaseInUse``. Reading needs no lock, so that checks may run beside a live central.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            self._writing, self._reading = _sqlite_engines(parsed)
        elif backend == "postgresql":
            self._writing, self._reading = _postgres_engines(parsed)
        else:
            raise ValueError(
                f"the database must be sqlite or postgresql, not {backend}: mend database.url"
            )
        self.backend = backend
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="database-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="database-reader")

    def migrate(self, to: str = "head") -> None:
        """Bring the schema to the newest version, or to revision ``to``, up or down. Blocks.

        One transaction: it happens as a whole or not at all. Going down drops what the newer
        revision added; ``base`` drops everything. Raises ``DatabaseInUse``, and
        ``SchemaMismatch`` for a database that a newer release made, or an unknown ``to``.
        """
        self._writer.submit(self._migrate, to).result()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in the writer's thread, in a transaction of its own.

        Its result comes back after the commit; whatever it raises is raised here after the
        rollback. A caller that is cancelled does not stop work that has begun.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self.write_now, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a reader's thread on one consistent, read-only snapshot."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """As ``read``, in the calling thread: for commands, and for indexed look-ups."""
        with self._reading.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """Wait for what is under way and close every connection."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._reading.dispose()
        self._writing.dispose()

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """One write transaction in the calling thread: only for the writer's own thread, and
        for commands that have the database to themselves.
        """
        with self._writing.begin() as connection:
            return work(connection)

    def _migrate(self, to: str) -> None:
        with self._writing.begin() as connection:
            config = migration_config(connection)
            known = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
            now = MigrationContext.configure(connection).get_current_revision()
            if now is not None and now not in known:
                raise SchemaMismatch(
                    f"a newer release made this database (revision {now}, this one knows up to "
                    f"{known[0]}): run that release, or restore a backup of before"
                )
            wanted = {"head": known[0], "base": None}.get(to, to)
            if wanted is not None and wanted not in known:
                raise SchemaMismatch(
                    f"there is no revision {to}; known: base, {', '.join(reversed(known))}"
                )
            place = [None, *reversed(known)].index
            move = command.upgrade if place(wanted) >= place(now) else command.downgrade
            move(config, wanted or "base")


def migration_config(connection: Connection) -> Config:
    """Alembic's configuration over the migrations that ship inside the package."""
    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _sqlite_engines(url: URL) -> tuple[Engine, Engine]:
    if not url.database or url.database == ":memory:":
        raise ValueError("SQLite needs a file: readers and the writer have their own connections")
    Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    writing = create_engine(url, pool_size=1, max_overflow=0)
    reading = create_engine(url, pool_size=_READERS, max_overflow=64)
    event.listen(writing, "connect", functools.partial(_open_sqlite, read_only=False))
    event.listen(reading, "connect", functools.partial(_open_sqlite, read_only=True))
    # IMMEDIATE: a writer that starts as a reader can fail half-way when another writes.
    event.listen(writing, "begin", functools.partial(_begin_sqlite, statement="BEGIN IMMEDIATE"))
    event.listen(reading, "begin", functools.partial(_begin_sqlite, statement="BEGIN"))
    return writing, reading


def _open_sqlite(connection: sqlite3.Connection, _record: object, *, read_only: bool) -> None:
    connection.isolation_level = None  # the transactions are begun by us, see above
    for pragma in (
        "busy_timeout=30000",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        # REPLACE deletes silently unless delete triggers fire for it too.
        "recursive_triggers=ON",
        f"query_only={'ON' if read_only else 'OFF'}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection, *, statement: str) -> None:
    connection.exec_driver_sql(statement)


def _postgres_engines(url: URL) -> tuple[Engine, Engine]:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    writing = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    reading = create_engine(
        url,
        pool_size=_READERS,
        max_overflow=16,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )
    event.listen(writing, "connect", _claim_postgres)
    return writing, reading


def _claim_postgres(connection: psycopg.Connection[tuple[bool]], _record: object) -> None:
    with connection.cursor() as cursor:
        row = cursor.execute("SELECT pg_try_advisory_lock(%s)", (CENTRAL_LOCK,)).fetchone()
    connection.commit()
    if row is None or not row[0]:
        connection.close()
        raise DatabaseInUse(
            "another central is connected to this PostgreSQL database and writes to it: stop "
            "that one first, or give this one a database of its own in database.url"
        )
