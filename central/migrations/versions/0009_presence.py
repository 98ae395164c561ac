"""Zones: which tags are there, what happened, and how long they may be silent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "read_point",
        sa.Column("gone_after_s", sa.Float(), nullable=False, server_default="60"),
    )
    op.create_table(
        "presence",
        sa.Column("read_point", sa.Text(), primary_key=True),
        sa.Column("epc", sa.Text(), primary_key=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("arrived_us", sa.BigInteger(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
    )
    op.create_index("ix_presence_epc", "presence", ["epc"])
    op.create_index("ix_presence_place", "presence", ["place"])
    op.create_table(
        "presence_event",
        sa.Column("no", _ID, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False, unique=True),
        sa.Column("read_point", sa.Text(), nullable=False),
        sa.Column("epc", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("event_us", sa.BigInteger(), nullable=False),
        sa.Column("decided_us", sa.BigInteger(), nullable=False),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reads", sa.BigInteger(), nullable=False),
        sa.Column("causes", sa.Text(), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_presence_event_epc", "presence_event", ["epc", "no"])
    op.create_index("ix_presence_event_place", "presence_event", ["place", "no"])


def downgrade() -> None:
    op.drop_table("presence_event")
    op.drop_table("presence")
    op.drop_column("read_point", "gone_after_s")
