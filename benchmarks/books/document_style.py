"""The style that tutorials and many systems use, as the baseline: every move is a transaction of
its own that writes a ledger row, two balances by key, and an outbox row.

It stands in tables of its own beside ours in the same database, with the same balances in them,
and talks to the engine without any library in between.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import psycopg
from sqlalchemy import make_url

from central.stock.model import Movement

TABLES = (
    "CREATE TABLE style_ledger (id TEXT PRIMARY KEY, sku TEXT NOT NULL, quantity BIGINT NOT NULL, "
    "source TEXT NOT NULL, destination TEXT NOT NULL, at TEXT NOT NULL)",
    "CREATE TABLE style_outbox (id TEXT PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE style_balance (sku TEXT NOT NULL, location TEXT NOT NULL, "
    "quantity BIGINT NOT NULL, PRIMARY KEY (sku, location))",
    "INSERT INTO style_balance SELECT sku, location, sum(on_hand) FROM balance "
    "GROUP BY sku, location",
    "CREATE TABLE style_commit (number BIGINT NOT NULL)",
    "INSERT INTO style_commit VALUES (0)",
)
_LEDGER = "INSERT INTO style_ledger VALUES (?, ?, ?, ?, ?, ?)"
_BALANCE = (
    "INSERT INTO style_balance VALUES (?, ?, ?) ON CONFLICT (sku, location) "
    "DO UPDATE SET quantity = style_balance.quantity + excluded.quantity"
)
_COMMIT = "UPDATE style_commit SET number = number + 1"
_OUTBOX = "INSERT INTO style_outbox VALUES (?, ?)"


class DocumentStyle:
    """One connection that moves one thing at a time, durably."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._connection: Any
        if parsed.get_backend_name() == "sqlite":
            self._connection = sqlite3.connect(parsed.database or "", isolation_level=None)
            self._connection.execute("PRAGMA synchronous=FULL")
            self._mark = "?"
        else:
            plain = parsed.set(drivername="postgresql")
            self._connection = psycopg.connect(plain.render_as_string(False), autocommit=True)
            self._mark = "%s"

    def prepare(self) -> None:
        """Make the tables, with the balances of ours."""
        for statement in TABLES:
            self._connection.execute(statement)

    def move(self, one: Movement) -> None:
        """One movement, one transaction."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN")
            at = one.event_time.isoformat()
            ledger = (one.id, one.sku, one.quantity, one.source, one.destination, at)
            cursor.execute(self._said(_LEDGER), ledger)
            # In the order of the places, so that two connections never wait for each other.
            ends = ((one.source, -one.quantity), (one.destination, one.quantity))
            for place, change in sorted(ends):
                cursor.execute(self._said(_BALANCE), (one.sku, place, change))
            cursor.execute(self._said(_OUTBOX), (one.id, f'{{"moved": "{one.id}"}}'))
            cursor.execute("COMMIT")

    def commit(self) -> None:
        """The smallest transaction there is: one number, durably."""
        with closing(self._connection.cursor()) as cursor:
            for statement in ("BEGIN", _COMMIT, "COMMIT"):
                cursor.execute(statement)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _said(self, statement: str) -> str:
        return statement.replace("?", self._mark)
