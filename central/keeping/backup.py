"""Copies of the database, made while central runs.

SQLite is copied page by page through its online backup interface; PostgreSQL by its own
``pg_dump``. A copy is checked before it is called one: hash chain, balances, tags. Its manifest
(``<copy>.json``) says how far it goes, and comes last.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, make_url, text
from sqlalchemy.engine import URL

from central.attachments.folder import Folder
from central.database import grants
from central.database.store import Database
from central.keeping.backup_attachments import complete, folder_of, let_go, listed, named
from central.keeping.backup_files import BackupFailed, Incomplete, Reach, keep
from central.keeping.postgres_programs import run_program
from central.keeping.soundness import ledger_faults
from central.stock import chain
from gateway.terminal.progress import Went, nobody

__all__ = ["BackupFailed", "Incomplete", "backup", "checked", "forget_log"]


def backup(url: str, target: Path, attachments: Path | None = None, *, went: Went = nobody) -> str:
    """Copy the database at ``url`` to ``target``, and the files that it names from the folder
    ``attachments``; a sentence about what the backup holds. ``went`` is told how far its proof is.

    Raises ``BackupFailed`` and OSError; a backup that was there stays until the new one is
    whole. Where files are missing the backup is made, and ``Incomplete`` says which.
    """
    parsed = make_url(url)
    fresh = target.with_name(target.name + ".new")
    fresh.unlink(missing_ok=True)
    roles: tuple[str, ...] = ()
    wanted: dict[str, str] = {}
    if parsed.get_backend_name() == "sqlite":
        _copy_sqlite(Path(parsed.database or ""), fresh)
        url_of_copy = f"sqlite:///{fresh.absolute()}"
        reach = checked(url_of_copy, "the copy", lambda c: wanted.update(named(c)), went)
        forget_log(fresh)
    else:

        def dump(conn: Connection) -> None:
            nonlocal roles
            roles = grants.holders(conn)
            wanted.update(named(conn))
            _dump(conn, parsed, fresh)

        reach = checked(url, "the database", dump, went)
    folder = folder_of(target)
    source = folder if attachments is None else Folder(attachments)
    _, missing = complete(wanted, folder, source)
    keep(fresh, target, reach, roles)
    let_go(wanted, folder)
    said = f"{target}: {reach.said()}"
    if missing:
        raise Incomplete(
            f"{said}. The backup is made, but it lacks {listed(missing)}. Attach them again, or "
            "remove them"
        )
    return f"{said}; {len(wanted)} attached files" if wanted else said


def checked(
    url: str,
    what: str,
    then: Callable[[Connection], None] = lambda _: None,
    went: Went = nobody,
) -> Reach:
    """How far a database goes that was found whole; ``then`` sees the same snapshot.

    Raises ``BackupFailed`` with the first fault, of ``what``.
    """
    database = Database(url)

    def work(conn: Connection) -> Reach:
        faults = ledger_faults(conn, went)
        if faults:
            raise BackupFailed(f"{what} is not whole: {faults[0]}")
        reach = _reach(conn)
        then(conn)
        return reach

    try:
        return database.read_now(work)
    finally:
        database.close()


def forget_log(file: Path) -> None:
    """Remove the write-ahead log of a SQLite file that is closed and has all in it."""
    for rest in ("-wal", "-shm"):
        file.with_name(file.name + rest).unlink(missing_ok=True)


def _reach(conn: Connection) -> Reach:
    head = chain.head(conn)
    log_id = conn.execute(text("SELECT coalesce(max(log_id), 0) FROM observation"))
    streams = conn.execute(
        text("SELECT edge, upto_seq FROM edge_stream WHERE fenced = false ORDER BY edge")
    )
    return Reach(
        engine=conn.dialect.name,
        block=head.no,
        ledger_seq=head.last_seq,
        hash=head.hash,
        log_id=int(log_id.scalar_one()),
        watermarks={row.edge: row.upto_seq for row in streams},
    )


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
    run_program("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={target}")
