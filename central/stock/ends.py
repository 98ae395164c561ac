"""Whether the items and places that movements name are there.

SQLite holds every row against its foreign keys, and can be asked for those that do not fit.
PostgreSQL has a trigger instead (migration 0050), which sees nothing where somebody switched it
off: there the whole ledger is looked through.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ["check"]

_MOST_TOLD = 100
_LACKING = " UNION ALL ".join(
    f"SELECT '{what}' AS what, m.{column} AS name, min(m.seq) AS first, count(*) AS rows "  # noqa: S608
    f"FROM movement m WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.{key} = m.{column}) "
    f"GROUP BY m.{column}"
    for column, what, table, key in (
        ("sku", "item", "item", "sku"),
        ("source", "source", "location", "code"),
        ("destination", "destination", "location", "code"),
    )
)
_QUERY = text(f"{_LACKING} ORDER BY first, what LIMIT {_MOST_TOLD}")


def check(conn: Connection) -> list[str]:
    """A sentence for each item and place that is not there though movements name it, at most 100;
    none on SQLite, which tells so itself.
    """
    if conn.dialect.name != "postgresql":
        return []
    return [
        f"{row.what} {row.name} is not there, though the ledger names it ({row.rows} times, first "
        f"in movement {row.first}): put it back, or restore a backup"
        for row in conn.execute(_QUERY)
    ]
