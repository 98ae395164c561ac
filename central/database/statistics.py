"""What the database's planner knows of large tables: how many rows they have, and of what kind.

PostgreSQL looks by itself, a minute after much has changed at the earliest; SQLite never does. In
between, a question may be answered the way that is right for a handful of rows. So it is told to
look after what brings many rows at once (an import, a migration, a restore), and every night.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

__all__ = ["MANY", "refresh"]

MANY = 1_000
"""Rows of a table that is worth it, and of an import after which it is. What is known of a small
one would mislead as soon as it grows.
"""
_SAMPLE = 1_000
"""Rows that SQLite looks at of each index."""


def refresh(conn: Connection) -> list[str]:
    """Look at every large table; their names. Where the role does not own the tables, PostgreSQL
    passes over them.
    """
    quoted = conn.dialect.identifier_preparer.quote
    names = [quoted(name) for name in sorted(inspect(conn).get_table_names())]
    large = [name for name in names if _is_large(conn, name)]
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql(f"PRAGMA analysis_limit={_SAMPLE}")
    for name in large:
        conn.exec_driver_sql(f"ANALYZE {name}")
    return large


def _is_large(conn: Connection, name: str) -> bool:
    one = text(f"SELECT 1 FROM {name} LIMIT 1 OFFSET {MANY - 1}")  # noqa: S608 (the database's own)
    return conn.execute(one).first() is not None
