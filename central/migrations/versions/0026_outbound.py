"""Outbound orders, their picks, cartons and shipments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _orders()
    _picks()
    _leaving()


def _orders() -> None:
    op.create_table(
        "outbound_order",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("ship_to", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), sa.ForeignKey("location.code"), nullable=False),
        sa.Column("ship_from", sa.Text(), sa.ForeignKey("location.code"), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_us", sa.BigInteger()),
        sa.Column("partial", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("reference", sa.Text(), nullable=False, server_default=""),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wave", sa.Text(), nullable=False, server_default=""),
        sa.Column("actor", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_outbound_order_state", "outbound_order", ["state", "id"])
    op.create_index("ix_outbound_order_wave", "outbound_order", ["wave"])
    op.create_table(
        "outbound_line",
        sa.Column("order_id", sa.Text(), sa.ForeignKey("outbound_order.id"), primary_key=True),
        sa.Column("line", sa.Text(), primary_key=True),
        sa.Column("sku", sa.Text(), sa.ForeignKey("item.sku"), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("picked", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("packed", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("shipped", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("seen", sa.BigInteger(), nullable=False, server_default="0"),
    )


def _picks() -> None:
    op.create_table(
        "pick_task",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("wave", sa.Text(), nullable=False),
        sa.Column("assigned_to", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "pick",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("task", sa.Text(), sa.ForeignKey("pick_task.id"), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("picked", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("done_by", sa.Text(), nullable=False, server_default=""),
    )
    op.create_index("ix_pick_task", "pick", ["task", "state"])
    op.create_index("ix_pick_order", "pick", ["order_id", "state"])


def _leaving() -> None:
    op.create_table(
        "carton",
        sa.Column("sscc", sa.Text(), primary_key=True),
        sa.Column("command", sa.Text(), nullable=False, unique=True),
        sa.Column("order_id", sa.Text(), sa.ForeignKey("outbound_order.id"), nullable=False),
        sa.Column("shipment", sa.Text(), nullable=False, server_default=""),
        sa.Column("contents", sa.Text(), nullable=False),
        sa.Column("packed_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_carton_order", "carton", ["order_id"])
    op.create_table(
        "shipment",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("order_id", sa.Text(), sa.ForeignKey("outbound_order.id"), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tracking", sa.Text(), nullable=False, server_default=""),
        sa.Column("label", sa.Text(), nullable=False, server_default=""),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("shipped_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_shipment_order", "shipment", ["order_id"])
    op.create_index("ix_shipment_state", "shipment", ["state", "id"])


def downgrade() -> None:
    for table in ("shipment", "carton", "pick", "pick_task", "outbound_line", "outbound_order"):
        op.drop_table(table)
