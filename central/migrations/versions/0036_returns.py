"""Returns of customers, and what their inspection found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_return",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_customer_return_order", "customer_return", ["order_id"])
    op.create_index("ix_customer_return_status", "customer_return", ["status", "id"])
    op.create_table(
        "return_inspection",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("return_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
    )
    op.create_index("ix_return_inspection_return", "return_inspection", ["return_id"])


def downgrade() -> None:
    op.drop_table("return_inspection")
    op.drop_table("customer_return")
