"""The style that tutorials use for hot stock, as the baseline: every reservation is a transaction
of its own that locks the item's row, looks, and writes.

It stands in tables of its own beside ours in the same database, and talks to the engine without
any library in between. SQLite has no row to lock: there a transaction that means to write locks
the database.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import make_url

_TABLES = (
    "CREATE TABLE lock_stock (sku TEXT PRIMARY KEY, on_hand BIGINT NOT NULL, "
    "reserved BIGINT NOT NULL)",
    "CREATE TABLE lock_reservation (id TEXT PRIMARY KEY, sku TEXT NOT NULL, "
    "quantity BIGINT NOT NULL)",
)
_STOCK = "INSERT INTO lock_stock VALUES (?, ?, 0)"
_LOOK = "SELECT on_hand, reserved FROM lock_stock WHERE sku = ?"
_TAKE = "UPDATE lock_stock SET reserved = reserved + ? WHERE sku = ?"
_NOTE = "INSERT INTO lock_reservation VALUES (?, ?, ?)"
_GIVEN = "SELECT count(*), (SELECT sum(reserved) FROM lock_stock WHERE sku = ?) FROM lock_reservation WHERE sku = ?"  # noqa: E501


class LockStyle:
    """Books of one item, and many connections that want some of it."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        self._where = (
            parsed.database or ""
            if self._sqlite
            else parsed.set(drivername="postgresql").render_as_string(False)
        )
        self._begin = "BEGIN IMMEDIATE" if self._sqlite else "BEGIN"
        self._look = _LOOK if self._sqlite else f"{_LOOK} FOR UPDATE"

    def prepare(self) -> None:
        """Make the tables."""
        with closing(self._connected()) as connection:
            for statement in _TABLES:
                connection.execute(statement)

    def burst(self, sku: str, units: int, requests: int, connections: int) -> tuple[float, int]:
        """Ask for single units of ``units``, so often. Requests per second, and how many were
        given. Raises ``RuntimeError`` where that is not what the books say.
        """
        with closing(self._connected()) as connection:
            connection.execute(self._said(_STOCK), (sku, units))
            numbers = itertools.count()
            took_s = _together(connections, lambda: self._client(sku, numbers, requests))
            given, reserved = connection.execute(self._said(_GIVEN), (sku, sku)).fetchone()
        if given != reserved or given > units:
            raise RuntimeError(f"{given} of {units} were given and {reserved} are reserved")
        return requests / took_s, int(given)

    def _client(self, sku: str, numbers: Iterator[int], requests: int) -> None:
        with closing(self._connected()) as connection:
            for number in numbers:
                if number >= requests:
                    return
                self._reserve(connection, sku, f"{sku}-{number}")

    def _reserve(self, connection: Any, sku: str, name: str) -> None:  # noqa: ANN401
        connection.execute(self._begin)
        on_hand, reserved = connection.execute(self._said(self._look), (sku,)).fetchone()
        if on_hand - reserved >= 1:
            connection.execute(self._said(_TAKE), (1, sku))
            connection.execute(self._said(_NOTE), (name, sku, 1))
        connection.execute("COMMIT")

    def _connected(self) -> Any:  # noqa: ANN401 (of two libraries)
        if not self._sqlite:
            return psycopg.connect(self._where, autocommit=True)
        connection = sqlite3.connect(self._where, isolation_level=None, timeout=60)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _said(self, statement: str) -> str:
        return statement if self._sqlite else statement.replace("?", "%s")


def _together(clients: int, work: Callable[[], None]) -> float:
    """Seconds that so many took at once."""
    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return time.perf_counter() - began
