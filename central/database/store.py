"""The central database: one writer at a time, many readers, on SQLite or PostgreSQL.

Every write is one transaction and all writes go one after another, so that sequence numbers are
dense, cursors never miss a row that commits late, and no two decisions about the same stock can
race. A lone central's writes go through one thread, and a lock keeps any other central away;
the writes of several workers that share a PostgreSQL database take turns by a lock that each
transaction holds. Readers see what is committed and never wait.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO, TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.pool import NullPool

from central.database import statistics
from central.database.checkpoints import Checkpoints
from central.database.kept import Kept

__all__ = [
    "Database",
    "DatabaseInUse",
    "SchemaMismatch",
    "blames_the_row",
    "migration_config",
    "passes_by",
]

T = TypeVar("T")
_READERS = 4
CENTRAL_LOCK = 0x7461_6C6C_7970
"""Key of the PostgreSQL advisory lock that the writing central holds ("tallyp"): a lone one for
itself, workers that share the database together.
"""
WRITE_LOCK = CENTRAL_LOCK + 1
"""The same of the lock that each transaction of a worker holds."""
CHANGED = "tallyport"
_NOTIFY = f"SELECT pg_notify('{CHANGED}', '') WHERE txid_current_if_assigned() IS NOT NULL"
"""Of a transaction that changed something: who looked in vain and told so would wake himself."""
"""The channel on which PostgreSQL tells of every worker's commit."""
_STILL_THERE = (
    "SET lock_timeout = '30s'",
    # A worker that is frozen in a transaction must not hold up the others for ever.
    "SET idle_in_transaction_session_timeout = '10s'",
)
_LET_GO_S = 3
"""How long a lock may outlive the process that held it."""

_LIMIT_EXCEEDED = "54"
_READ_ONLY = "25006"
_OF_THE_ROW = ("22", "23", "54", "P0")
"""PostgreSQL's classes of errors about data, constraints and limits, and what triggers raise."""


def blames_the_row(error: DBAPIError) -> bool:
    """Whether what is stored is at fault: a value or a row that the database will never take.

    Only then may something be set aside. A table that is gone or a right that is missing would
    refuse everything that comes, and nothing of it is to blame.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    overflows = "integer overflow" in str(error.orig)  # SQLite's only word for a sum too large
    return overflows or state[:2] in _OF_THE_ROW or isinstance(error, DataError | IntegrityError)


class SchemaMismatch(RuntimeError):
    """The schema is not one that this release knows; the text says what to do."""


class DatabaseInUse(RuntimeError):
    """Another central writes to this database already."""


def passes_by(error: DBAPIError) -> bool:
    """Whether the same work may succeed later: the connection, the disk, a lock, a restart.

    Anything else (a value that a column does not take, a broken constraint) would fail again.
    The driver's classes are right but for two: PostgreSQL's limits do not move, and a server
    that only reads (a standby, before it takes over) will write again. SQLite's plain ERROR is
    what it says of a statement that it cannot carry out: a sum too large, a table that is gone.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    if state.startswith(_LIMIT_EXCEEDED):
        return False
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False
    operational = isinstance(error, OperationalError | InterfaceError)
    return error.connection_invalidated or operational or state == _READ_ONLY


class Database:
    """The one road to the tables. ``url`` is a SQLAlchemy URL: ``sqlite:///FILE`` or
    ``postgresql+psycopg://...``.

    Nothing is opened before the first use. The first write takes a lock that lives as long as
    the writer does; a second central gets ``DatabaseInUse``, unless both are ``shared``, which
    only PostgreSQL can be. Reading needs no lock, so that checks may run beside a live central.
    """

    def __init__(self, url: str, *, shared: bool = False) -> None:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if shared and backend != "postgresql":
            raise ValueError("only a PostgreSQL database can be shared by several workers")
        if backend == "sqlite":
            self._writing, self._reading = _sqlite_engines(parsed)
            self._checkpoints: Checkpoints | None = Checkpoints(str(parsed.database))
        elif backend == "postgresql":
            self._writing, self._reading = _postgres_engines(parsed, shared=shared)
            self._checkpoints = None
        else:
            raise ValueError(
                f"the database must be sqlite or postgresql, not {backend}: mend database.url"
            )
        self.backend = backend
        self._at_hand = Kept(self._reading, _READERS + 1)
        self._shared = shared
        self._beside = create_engine(self._writing.url, pool_size=1) if shared else self._writing
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

    async def beside(self, work: Callable[[Connection], T]) -> T:
        """A write that nothing is decided over and that no decision of others touches, which
        need not wait for its turn among several workers.
        """
        if not self._shared:
            return await self.write(work)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._beside_now, work)

    def _beside_now(self, work: Callable[[Connection], T]) -> T:
        with self._beside.begin() as connection:
            return work(connection)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a reader's thread on one consistent, read-only snapshot."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, work)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """As ``read``, in the calling thread: for commands, and for indexed look-ups."""
        return self._at_hand.run(work)

    def close(self) -> None:
        """Wait for what is under way and close every connection."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        if self._checkpoints is not None:
            self._checkpoints.close()
        self._at_hand.close()
        for engine in (self._reading, self._beside, self._writing):
            engine.dispose()

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """One write transaction in the calling thread: only for the writer's own thread, and
        for commands that have the database to themselves.
        """
        with self._writing.begin() as connection:
            result = work(connection)
            if self._shared:
                connection.exec_driver_sql(_NOTIFY)  # heard after the commit
            driver: Any = connection.connection.dbapi_connection
        if self._checkpoints is not None:
            self._checkpoints.written(driver.total_changes)
        return result

    def _migrate(self, to: str) -> None:
        if not self._shared:
            self._migrate_with(self._writing, to)
        elif self.read_now(_revision) != migrated_to():
            # Workers that run hold the lock together: alone is who gets it for itself.
            alone = create_engine(self._writing.url, poolclass=NullPool)
            event.listen(alone, "connect", functools.partial(_claim, shared=False))
            self._migrate_with(alone, to)

    @staticmethod
    def _migrate_with(engine: Engine, to: str) -> None:
        with engine.begin() as connection:
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
            if place(wanted) > place(now):
                statistics.refresh(connection)


def migrated_to() -> str:
    """The newest revision that this release knows."""
    head = ScriptDirectory.from_config(migration_config(None)).get_current_head()
    assert head is not None
    return head


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def migration_config(connection: Connection | None) -> Config:
    """Alembic's configuration over the migrations that ship inside the package."""
    config = Config()
    folder = Path(__file__).parent.with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _sqlite_engines(url: URL) -> tuple[Engine, Engine]:
    if not url.database or url.database == ":memory:":
        raise ValueError("SQLite needs a file: readers and the writer have their own connections")
    Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    writing = create_engine(url, pool_size=1, max_overflow=0)
    reading = create_engine(url, pool_size=_READERS, max_overflow=64, isolation_level="AUTOCOMMIT")
    claim = _FileClaim(Path(f"{url.database}.lock").expanduser())
    event.listen(writing, "connect", functools.partial(_open_sqlite, read_only=False))
    event.listen(writing, "connect", claim.take)  # last: a file that cannot be opened holds none
    event.listen(writing, "close", claim.leave)
    event.listen(reading, "connect", functools.partial(_open_sqlite, read_only=True))
    # IMMEDIATE: a writer that starts as a reader can fail half-way when another writes.
    event.listen(writing, "begin", _begin_writing)
    return writing, reading


class _FileClaim:
    """That this process writes to an SQLite database, for as long as it is connected. A file of
    its own: SQLite's locks are given up when anybody in the process closes the database's file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def take(self, connection: sqlite3.Connection, _record: object) -> None:
        """Raises ``DatabaseInUse``."""
        self._file = self._path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.leave()
            connection.close()
            raise DatabaseInUse(
                f"another central writes to this database ({self._path} is locked): stop that "
                "one first, or give this one a data_dir of its own"
            ) from error

    def leave(self, *_connection: object) -> None:
        """The connection is closed."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _open_sqlite(connection: sqlite3.Connection, _record: object, *, read_only: bool) -> None:
    connection.isolation_level = None  # the transactions are begun by us, see above
    for pragma in (
        "busy_timeout=30000",
        "journal_mode=WAL",
        "synchronous=FULL",
        f"cache_size={-4096 if read_only else -65536}",  # KiB
        "wal_autocheckpoint=16000",  # pages; sooner, and beside us, ``checkpoints`` does it
        "foreign_keys=ON",
        # REPLACE deletes silently unless delete triggers fire for it too.
        "recursive_triggers=ON",
        f"query_only={'ON' if read_only else 'OFF'}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres_engines(url: URL, *, shared: bool) -> tuple[Engine, Engine]:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    writing = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    reading = create_engine(
        url,
        pool_size=_READERS,
        max_overflow=16,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",  # ``Kept`` begins and ends transactions
    )
    event.listen(writing, "connect", functools.partial(_claim, shared=shared))
    if shared:
        event.listen(writing, "begin", _take_turns)
    return writing, reading


def _claim(connection: psycopg.Connection[Any], _record: object, *, shared: bool) -> None:
    """A lone central may have just ended: its lock is waited for a moment."""
    try:
        connection.execute(f"SET lock_timeout = '{_LET_GO_S}s'")
        kind = "_shared" if shared else ""
        connection.execute(f"SELECT pg_advisory_lock{kind}(%s)", (CENTRAL_LOCK,))
        connection.execute("RESET lock_timeout")
        for statement in _STILL_THERE if shared else ():
            connection.execute(statement)
        connection.commit()
    except psycopg.errors.LockNotAvailable as error:
        connection.close()
        raise DatabaseInUse(
            "another central is connected to this PostgreSQL database and writes to it: stop "
            "that one first, or give this one a database of its own in database.url; several "
            "share one only if each has [worker] shared = true, and none runs while one migrates"
        ) from error


def _take_turns(connection: Connection) -> None:
    """First in the transaction: what follows sees all that was committed before."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
