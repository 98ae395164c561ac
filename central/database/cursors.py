"""How far those came who follow a log: a place by name, moved in the transaction of what followed
from what was read.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from central import schema

__all__ = ["Place", "forget", "move", "place"]

_cursor = schema.cursor.c


class Place(NamedTuple):
    """The last row that was read, and what its reader remembers besides."""

    position: int
    state: bytes | None


def place(conn: Connection, name: str) -> Place | None:
    """Where a reader stands; ``None`` before its first move."""
    query = select(_cursor.position, _cursor.state).where(_cursor.name == name)
    row = conn.execute(query).one_or_none()
    return None if row is None else Place(*row)


def move(conn: Connection, name: str, position: int, state: bytes | None = None) -> None:
    """Stand here from now on."""
    now = {"position": position, "state": state}
    made = sqlite if conn.dialect.name == "sqlite" else postgresql
    row = made.insert(schema.cursor).values(name=name, **now)
    conn.execute(row.on_conflict_do_update(index_elements=["name"], set_=now))


def forget(conn: Connection, name: str) -> None:
    """Begin from the first row."""
    conn.execute(delete(schema.cursor).where(_cursor.name == name))
