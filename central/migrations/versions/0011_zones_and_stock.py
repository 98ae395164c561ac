"""Zones may move stock; whom a zone's tags were heard by, and since when a device is as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_BEFORE = sa.text("origin IN ('portal', 'shelf', 'scan', 'review')")
_SENSED = sa.text("origin IN ('portal', 'shelf', 'scan', 'zone', 'review')")


def upgrade() -> None:
    op.add_column(
        "read_point",
        sa.Column("moves_stock", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for table in ("presence", "presence_event"):
        op.add_column(table, sa.Column("reader", sa.Text(), nullable=False, server_default=""))
    op.add_column("device", sa.Column("state_us", sa.BigInteger()))
    _index(_SENSED)


def downgrade() -> None:
    _index(_BEFORE)
    op.drop_column("device", "state_us")
    for table in ("presence_event", "presence"):
        op.drop_column(table, "reader")
    op.drop_column("read_point", "moves_stock")


def _index(where: sa.TextClause) -> None:
    op.drop_index("ix_movement_sensed", "movement")
    op.create_index(
        "ix_movement_sensed",
        "movement",
        ["sku", "event_us"],
        sqlite_where=where,
        postgresql_where=where,
    )
