"""What other companies' programs sent and were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0039"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erp_message",
        sa.Column("no", _ID, primary_key=True, autoincrement=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("connection", "direction", "key", "document", "origin", "sha256")
        ),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("mapped", sa.Text(), nullable=False, server_default=""),
        sa.Column("subject", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("faults", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
    )
    op.create_index(
        "ix_erp_message_key", "erp_message", ["connection", "direction", "key"], unique=True
    )
    op.create_index("ix_erp_message_state", "erp_message", ["state", "no"])
    op.create_table(
        "erp_order",
        sa.Column("connection", sa.Text(), primary_key=True),
        sa.Column("order_id", sa.Text(), primary_key=True),
        sa.Column("version", sa.BigInteger()),
        sa.Column("message", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("erp_order")
    op.drop_table("erp_message")
