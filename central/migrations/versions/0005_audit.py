"""What people changed by command, kept for good; and append-only tables that REPLACE and a
replica's session cannot change either.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = {
    "movement": ("seq = NEW.seq", "id = NEW.id"),
    "observation": (
        "log_id = NEW.log_id",
        "edge = NEW.edge AND epoch = NEW.epoch AND seq = NEW.seq",
    ),
    "block": ("no = NEW.no",),
    "audit": ("id = NEW.id",),
}
"""Append-only tables, and what makes two of their rows one."""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def downgrade() -> None:
    op.drop_table("audit")  # and its triggers
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in KEYS:
        if table == "audit":
            continue
        if not postgresql:
            op.execute(f"DROP TRIGGER {table}_no_replace")
            continue
        for guard in ("change", "truncate"):
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_no_{guard}")


def _guard_sqlite() -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )
    for table, keys in KEYS.items():
        # REPLACE fires delete triggers only where the session asks for recursive ones.
        same = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {key})" for key in keys)  # noqa: S608
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {same} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for table in KEYS:
        for guard in ("change", "truncate"):
            # Otherwise session_replication_role = replica passes them by.
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{guard}")
