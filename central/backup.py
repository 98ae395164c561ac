"""Copies of the database, made while central runs, and put back.

SQLite is copied page by page through its online backup interface; PostgreSQL by its own
``pg_dump`` and ``pg_restore``. A copy is checked before it is called one: hash chain, balances,
tags. Its manifest (``<copy>.json``) says how far it goes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psycopg
from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.engine import URL

from central.stock import chain
from central.stock.projection import check_balances, check_tags
from central.store import CENTRAL_LOCK, Database

__all__ = ["BackupFailed", "Manifest", "backup", "restore"]


_LET_GO_S = 5


class BackupFailed(Exception):
    """A copy could not be made, or is not whole; the text says why and what to do."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """How far a copy goes: the ledger's head, the observation log, every living edge's
    watermark.
    """

    engine: str
    block: int
    ledger_seq: int
    hash: str
    log_id: int
    watermarks: dict[str, int]

    def said(self) -> str:
        """In a sentence."""
        edges = ", ".join(f"{edge} up to {upto}" for edge, upto in sorted(self.watermarks.items()))
        return (
            f"the ledger up to number {self.ledger_seq} (block {self.block}, {self.hash[:12]}...), "
            f"{self.log_id} observations" + (f"; {edges}" if edges else "")
        )


def backup(url: str, target: Path) -> str:
    """Copy the database at ``url`` to ``target``; a sentence about what it holds.

    Raises ``BackupFailed`` and OSError; a file that was there stays until the copy is whole.
    """
    parsed = make_url(url)
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    if parsed.get_backend_name() == "sqlite":
        _copy_sqlite(_file_of(parsed), fresh)
        manifest = _checked(f"sqlite:///{fresh.absolute()}", "the copy")
        for rest in ("-wal", "-shm"):
            fresh.with_name(fresh.name + rest).unlink(missing_ok=True)
    else:
        manifest = _checked(url, "the database", lambda conn: _dump(conn, parsed, fresh))
    _sync(fresh)
    fresh.replace(target)
    target.with_name(target.name + ".json").write_bytes(msgspec.json.encode(manifest) + b"\n")
    return f"{target}: {manifest.said()}"


def restore(source: Path, url: str, *, force: bool = False) -> str:
    """Put a copy in the place of the database at ``url``; a sentence about what it holds.

    Raises ``BackupFailed``, also where a ledger stands there and ``force`` was not given, and
    while central runs there.
    """
    with _nobody_else(url):
        return _restore(source, url, force=force)


def _restore(source: Path, url: str, *, force: bool) -> str:
    parsed = make_url(url)
    if not source.exists():
        raise BackupFailed(f"there is no backup {source}")
    if not force and _holds_a_ledger(url):
        raise BackupFailed(
            "there is a ledger in the database already: make a backup of it first, then say "
            "--force to put the older one in its place"
        )
    if parsed.get_backend_name() == "sqlite":
        target = _file_of(parsed)
        fresh = target.with_name(target.name + ".restoring")
        shutil.copyfile(source, fresh)
        manifest = _checked(f"sqlite:///{fresh.absolute()}", str(source))
        for rest in ("-wal", "-shm"):
            fresh.with_name(fresh.name + rest).unlink(missing_ok=True)
            target.with_name(target.name + rest).unlink(missing_ok=True)
        _sync(fresh)
        fresh.replace(target)
    else:
        _run("pg_restore", parsed, "--clean", "--if-exists", "--single-transaction",
             "--no-owner", str(source))  # fmt: skip
        manifest = _checked(url, str(source))
    return f"restored: {manifest.said()}"


@contextlib.contextmanager
def _nobody_else(url: str) -> Iterator[None]:
    """A central that went on would acknowledge rows into a file that is gone."""
    stop = "the database is in use: stop central (and whatever else has it open) first"
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = _file_of(parsed)
        if file.exists() and _is_open_elsewhere(file):
            raise BackupFailed(stop)
        yield
        return
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        # A central that has just ended may hold its lock for a moment more.
        connection.execute(f"SET lock_timeout = '{_LET_GO_S}s'")
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (CENTRAL_LOCK,))
        except psycopg.errors.LockNotAvailable as error:
            raise BackupFailed(stop) from error
        yield


def _is_open_elsewhere(file: Path) -> bool:
    """SQLite leaves WAL only for who is alone; what stood in the log is then in the file."""
    with contextlib.closing(sqlite3.connect(file, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:  # a damaged file is no reason not to restore
            return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False


def _copy_sqlite(file: Path, target: Path) -> None:
    if not file.exists():
        raise BackupFailed(f"there is no database {file}")
    with (
        contextlib.closing(sqlite3.connect(file)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def _dump(conn: Connection, url: URL, target: Path) -> None:
    """Dump exactly what this transaction sees: central writes on, and the manifest must not
    speak of another moment than the copy.
    """
    snapshot = conn.execute(text("SELECT pg_export_snapshot()")).scalar_one()
    _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={target}")


def _checked(url: str, what: str, then: Callable[[Connection], None] = lambda _: None) -> Manifest:
    """The manifest of a database that was found whole; ``then`` sees the same snapshot."""
    database = Database(url)

    def work(conn: Connection) -> Manifest:
        faults = [*chain.verify(conn), *check_balances(conn), *check_tags(conn)]
        if faults:
            raise BackupFailed(f"{what} is not whole: {faults[0]}")
        head = chain.head(conn)
        log_id = conn.execute(text("SELECT coalesce(max(log_id), 0) FROM observation"))
        streams = conn.execute(
            text("SELECT edge, upto_seq FROM edge_stream WHERE fenced = false ORDER BY edge")
        )
        manifest = Manifest(
            engine=conn.dialect.name,
            block=head.no,
            ledger_seq=head.last_seq,
            hash=head.hash,
            log_id=int(log_id.scalar_one()),
            watermarks={row.edge: row.upto_seq for row in streams},
        )
        then(conn)
        return manifest

    try:
        return database.read_now(work)
    finally:
        database.close()


def _holds_a_ledger(url: str) -> bool:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not _file_of(parsed).exists():
        return False
    database = Database(url)

    def work(conn: Connection) -> bool:
        if "movement" not in inspect(conn).get_table_names():
            return False
        return conn.execute(text("SELECT 1 FROM movement LIMIT 1")).scalar() is not None

    try:
        return database.read_now(work)
    finally:
        database.close()


def _run(program: str, url: URL, *arguments: str) -> None:
    """One of PostgreSQL's own programs on the database; the password goes by environment."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(f"{program} is not installed here: apt-get install postgresql-client")
    plain = url.set(drivername="postgresql", password=None)
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = url.password
    done = subprocess.run(  # noqa: S603 (found on the path, our own arguments)
        [found, f"--dbname={plain.render_as_string()}", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise BackupFailed(f"{program}: {done.stderr.strip() or done.returncode}")


def _file_of(url: URL) -> Path:
    return Path(url.database or "")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
