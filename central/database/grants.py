"""Append-only by privilege: what the role that central runs as may do on PostgreSQL.

Triggers stop a mistake; a role without the privilege stops whoever has central's password. The
tables belong to another role, which only migrates. SQLite has no roles: there the file's own
permissions are all there is.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, inspect, text

from central import schema

__all__ = ["APPEND_ONLY", "apply", "give_again", "holders", "renew", "statements"]

APPEND_ONLY = ("movement", "block", "observation", "audit", "witness", "audit_block")
"""Tables that are added to and never changed."""
_HOLDERS = text(
    "SELECT DISTINCT r.rolname FROM pg_class c, aclexplode(c.relacl) a "
    "JOIN pg_roles r ON r.oid = a.grantee WHERE c.oid = to_regclass('movement') "
    "AND a.privilege_type = 'INSERT' AND a.grantee <> c.relowner ORDER BY 1"
)

_OWNED = text(
    "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('movement')"
)


def statements(role: str, tables: Collection[str] = tuple(schema.metadata.tables)) -> list[str]:
    """The SQL that gives ``role`` what central needs of ``tables`` and no more; repeatable.

    Raises ValueError for a name that is not a plain one.
    """
    if not role.isidentifier():
        raise ValueError(f"{role!r} is no plain role name: letters, digits and _")
    mutable = sorted({*schema.metadata.tables} & {*tables} - {*APPEND_ONLY})
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
    for statement in statements(role, inspect(conn).get_table_names()):
        conn.execute(text(statement))


def holders(conn: Connection) -> tuple[str, ...]:
    """The roles that may add to the ledger, without the tables' owner; none on SQLite."""
    if conn.dialect.name != "postgresql":
        return ()
    return tuple(conn.execute(_HOLDERS).scalars())


def give_again(conn: Connection, roles: Collection[str]) -> list[str]:
    """Apply the statements for each role; a sentence for each that could not be given any."""
    known = set(
        conn.execute(text("SELECT rolname FROM pg_roles WHERE rolname <> current_user")).scalars()
    )
    missed = []
    for role in sorted(roles):
        if role not in known or not role.isidentifier():
            missed.append(
                f"role {role} could not be given its rights again: make it, then say "
                f"`tallyport central roles {role} --apply`"
            )
        else:
            apply(conn, role)
    return missed


def renew(conn: Connection) -> list[str]:
    """Give every role its rights again, after a migration made tables; sentences as
    ``give_again``. Does nothing for who does not own the tables.
    """
    if conn.dialect.name != "postgresql" or not conn.execute(_OWNED).scalar():
        return []
    return give_again(conn, holders(conn))
