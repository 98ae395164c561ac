"""Append-only by privilege: what the role that central runs as may do on PostgreSQL.

Triggers stop a mistake; a role without the privilege stops whoever has central's password. The
tables belong to another role, which only migrates. SQLite has no roles: there the file's own
permissions are all there is.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from central import schema

__all__ = ["APPEND_ONLY", "apply", "statements"]

APPEND_ONLY = ("movement", "block", "observation")
"""Tables that are added to and never changed."""


def statements(role: str) -> list[str]:
    """The SQL that gives ``role`` what central needs and no more; repeatable.

    Raises ValueError for a name that is not a plain one.
    """
    if not role.isidentifier():
        raise ValueError(f"{role!r} is no plain role name: letters, digits and _")
    mutable = sorted(set(schema.metadata.tables) - set(APPEND_ONLY))
    return [
        f'GRANT USAGE ON SCHEMA public TO "{role}"',
        f'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{role}"',
        f'GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO "{role}"',
        f'GRANT UPDATE, DELETE ON {", ".join(mutable)} TO "{role}"',
        f'REVOKE INSERT ON alembic_version FROM "{role}"',
        f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"',
    ]


def apply(conn: Connection, role: str) -> None:
    """Run the statements. Raises ValueError on SQLite, which has no roles."""
    if conn.dialect.name != "postgresql":
        raise ValueError("only PostgreSQL has roles: on SQLite protect the file itself")
    for statement in statements(role):
        conn.execute(text(statement))
