"""How an item's stock is tracked, its lots with their dates, and where each single piece lies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("item", sa.Column("tracking", sa.Text(), nullable=False, server_default="none"))
    op.create_table(
        "lot",
        sa.Column("sku", sa.Text(), sa.ForeignKey("item.sku"), primary_key=True),
        sa.Column("lot", sa.Text(), primary_key=True),
        sa.Column("expires_on", sa.Text()),
        sa.Column("made_on", sa.Text()),
        sa.Column("supplier_lot", sa.Text(), nullable=False, server_default=""),
        sa.Column("status", sa.Text(), nullable=False, server_default="active"),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_lot_expires", "lot", ["expires_on", "sku", "lot"])
    op.create_table(
        "serial_place",
        sa.Column("sku", sa.Text(), primary_key=True),
        sa.Column("serial", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("lot", "location", "status")),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_serial_place_location", "serial_place", ["location", "sku", "serial"])


def downgrade() -> None:
    op.drop_table("serial_place")
    op.drop_table("lot")
    op.drop_column("item", "tracking")
