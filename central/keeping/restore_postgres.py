"""PostgreSQL: a backup is put into a database of its own, which then takes the other's name.

Both renames are one transaction. The role needs the right to make databases (CREATEDB) and to
own the one that is replaced. Rights and settings of the database itself (``GRANT CONNECT``,
``ALTER DATABASE ... SET``) stay with the old one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from central.database import grants, statistics
from central.database.store import Database
from central.keeping.backup_files import BackupFailed
from central.keeping.postgres_programs import plain, run_program

__all__ = ["Place", "place_for"]

_IN_USE = "the database is in use: stop central (and whatever else has it open) first"
_LET_GO_S = 5.0
"""How long sessions that are ending may take to end."""
_OURS = "tallyport: a restore under way"
_LONGEST = 63
"""Bytes of a name; database names that are not ASCII are cut a little shorter than need be."""


class Place:
    """A fresh database that is to hold a copy, beside the one whose name it is to take."""

    def __init__(self, session: psycopg.Connection, url: URL, stamp: str) -> None:
        self._session = session
        self._url = url
        self._name = url.database or ""
        self._kept = _named(self._name, f"_before_{stamp}")
        self._new = _named(self._name, "_restoring")
        self.taken = self._there(self._name)
        """Whether there is a database of that name already."""

    @property
    def fresh(self) -> str:
        """The URL of the fresh one."""
        return self._url.set(database=self._new).render_as_string(hide_password=False)

    def fill(self, source: Path) -> None:
        """Make the fresh database and put the copy in it."""
        if self.taken:
            self._await_solitude()
        self.drop()
        if self._there(self._new):
            raise BackupFailed(
                f"there is a database {self._new} that no restore of ours left: rename it or "
                "drop it, its name is needed"
            )
        self._do("CREATE DATABASE {} TEMPLATE template0" + self._order(), self._new)
        self._do(f"COMMENT ON DATABASE {{}} IS '{_OURS}'", self._new)
        run_program(
            "pg_restore", self._url.set(database=self._new), "--single-transaction",
            "--exit-on-error", "--no-owner", "--no-acl", str(source),
        )  # fmt: skip

    def take(self, roles: Sequence[str]) -> list[str]:
        """Give the roles their rights, with those that have some in the old one, and exchange
        the names; sentences about both.
        """
        database = Database(self.fresh)
        try:
            with_rights = {*roles, *self._holders()}
            said = database.write_now(lambda conn: grants.give_again(conn, with_rights))
            database.write_now(statistics.refresh)  # a dump has none
        finally:
            database.close()
        with self._session.transaction():
            if self.taken:
                self._do("ALTER DATABASE {} RENAME TO {}", self._name, self._kept)
            self._do("COMMENT ON DATABASE {} IS NULL", self._new)
            self._do("ALTER DATABASE {} RENAME TO {}", self._new, self._name)
        if self.taken:
            said.insert(0, f"the books of before are in the database {self._kept}")
        return said

    def drop(self) -> None:
        """Remove the fresh one, if it is there and not in place."""
        if self._there(self._new, _OURS):
            self._do("DROP DATABASE {} WITH (FORCE)", self._new)

    def _holders(self) -> Sequence[str]:
        if not self.taken:
            return ()
        database = Database(self._url.render_as_string(hide_password=False))
        try:
            return database.read_now(grants.holders)
        finally:
            database.close()

    def _await_solitude(self) -> None:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename IS NOT NULL"
        deadline = time.monotonic() + _LET_GO_S
        while self._session.execute(others, (self._name,)).fetchone() != (0,):
            if time.monotonic() > deadline:
                raise BackupFailed(_IN_USE)
            self._session.execute("SELECT pg_sleep(0.1)")

    def _order(self) -> str:
        """The encoding and sorting of the one that is replaced."""
        found = self._session.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database "
            "WHERE datname = %s",
            (self._name,),
        ).fetchone()
        if found is None:
            return " ENCODING 'UTF8'"
        words = zip((" ENCODING ", " LC_COLLATE ", " LC_CTYPE "), found, strict=True)
        return "".join(word + sql.Literal(value).as_string(self._session) for word, value in words)

    def _there(self, name: str, comment: str | None = None) -> bool:
        row = self._session.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            (name,),
        ).fetchone()
        return row is not None and comment in (None, row[0])

    def _do(self, statement: str, *names: str) -> None:
        self._session.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextlib.contextmanager
def place_for(url: URL, stamp: str) -> Iterator[Place]:
    """A place for a copy; what was not exchanged by the end is gone. Raises ``BackupFailed``."""
    # A database cannot be renamed by who is in it.
    around = "template1" if url.database == "postgres" else "postgres"
    try:
        with psycopg.connect(plain(url.set(database=around)), autocommit=True) as session:
            place = Place(session, url, stamp)
            try:
                yield place
            finally:
                place.drop()
    except psycopg.errors.ObjectInUse as error:
        raise BackupFailed(_IN_USE) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise BackupFailed(
            f"{error}: restore as the owner of the database, with the right to make others "
            "(ALTER ROLE ... CREATEDB)"
        ) from error
    except psycopg.Error as error:
        raise BackupFailed(f"PostgreSQL: {error}") from error


def _named(name: str, ending: str) -> str:
    return name.encode()[: _LONGEST - len(ending)].decode(errors="ignore") + ending
