"""What went by and moved nothing: the newest passes of each read point, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "left_alone",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("read_point", sa.Text(), nullable=False),
        sa.Column("closed_us", sa.BigInteger(), nullable=False),
        sa.Column("log_id", sa.BigInteger(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("reconciler", sa.Integer(), nullable=False),
        sa.Column("context", sa.BigInteger(), nullable=False),
        sa.Column("epcs", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_left_alone_point", "left_alone", ["read_point", "closed_us"])


def downgrade() -> None:
    op.drop_table("left_alone")
