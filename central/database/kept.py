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


class Kept:
    """At most ``most`` connections of an engine whose connections do not break while nobody uses
    them: SQLite's. Any thread may use it; at a time each connection has one transaction.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine = engine
        self._most = most
        self._idle: deque[Connection] = deque()

    def run(self, work: Callable[[Connection], T]) -> T:
        """``work`` in a transaction of its own. What raised goes back to the pool, which sees to
        it that nothing is left of it.
        """
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._begun()
        try:
            _do(connection, "execute", "BEGIN")
            result = work(connection)
            _do(connection, "commit")
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < self._most:
            self._idle.append(connection)
        else:
            connection.close()
        return result

    def _begun(self) -> Connection:
        """Another one, in a transaction for SQLAlchemy and in none for the database."""
        connection = self._engine.connect()
        connection.begin()
        _do(connection, "commit")
        return connection

    def close(self) -> None:
        """Give all of them back; from now on none is kept."""
        self._most = 0
        while self._idle:
            self._idle.pop().close()


def _do(connection: Connection, what: str, *words: str) -> None:
    """Past SQLAlchemy; raises what it would have raised."""
    driver: Any = connection.connection.dbapi_connection
    try:
        getattr(driver, what)(*words)
    except Exception as error:
        raise as_told(error, " ".join(words) or what, connection) from error
