"""Connections that stay at hand between transactions.

To take one from SQLAlchemy's pool, to begin, to end and to give it back costs more than an indexed
look-up does. So SQLAlchemy begins once for all: the database's own transactions are begun and
ended behind its back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from central.database.prepared import as_told

__all__ = ["Kept"]

T = TypeVar("T")

_BEGIN = {
    "sqlite": "BEGIN",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}


class Kept:
    """At most ``most`` connections of an engine that are not in use. Any thread may use it; at a
    time each connection has one transaction, which only reads. The engine's isolation level is
    ``AUTOCOMMIT``: it must leave transactions alone.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._idle: deque[Connection] = deque()
        self._begin = _BEGIN[engine.dialect.name]

    def run(self, work: Callable[[Connection], T]) -> T:
        """``work`` in a transaction of its own. A connection whose transaction failed is not used
        again, nor one that broke while nobody used it: the server was started anew.
        """
        connection = self._ready()
        try:
            result = work(connection)
            _do(connection, "commit")
        except BaseException:
            _drop(connection)
            raise
        if len(self._idle) < self._most:
            self._idle.append(connection)
        else:
            _drop(connection)
        return result

    def _ready(self) -> Connection:
        """A connection in a transaction: one that is at hand, or another."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._started(self._opened())
            try:
                return self._started(connection)
            except Exception:  # noqa: BLE001, S112 (it broke unused: a new one will say what is wrong)
                continue

    def _started(self, connection: Connection) -> Connection:
        try:
            _do(connection, "execute", self._begin)
        except BaseException:
            _drop(connection)
            raise
        return connection

    def _opened(self) -> Connection:
        """One in a transaction for SQLAlchemy and in none for the database."""
        connection = self._engine.connect()
        connection.begin()
        return connection

    def close(self) -> None:
        """Give all of them up; from now on none is kept."""
        self._most = 0
        while self._idle:
            _drop(self._idle.pop())


def _driver(connection: Connection) -> Any:  # noqa: ANN401 (sqlite3's or psycopg's)
    return connection.connection.dbapi_connection


def _drop(connection: Connection) -> None:
    """Close it: what was begun behind the pool's back must not go back to it."""
    connection.invalidate()
    connection.close()


def _do(connection: Connection, what: str, *words: str) -> None:
    """Past SQLAlchemy; raises what it would have raised."""
    try:
        getattr(_driver(connection), what)(*words)
    except Exception as error:
        raise as_told(error, " ".join(words) or what, connection) from error
