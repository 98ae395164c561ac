"""The tables of outbound orders. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from central.schema.ground import metadata

__all__ = ["carton", "outbound_line", "outbound_order", "pick", "pick_task", "shipment"]

outbound_order = Table(
    "outbound_order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer", Text, nullable=False),
    Column("ship_to", Text, nullable=False),
    Column("warehouse", Text, ForeignKey("location.code"), nullable=False),
    Column("ship_from", Text, ForeignKey("location.code"), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_us", BigInteger),
    Column("partial", Boolean, nullable=False, server_default=false()),
    Column("reference", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("wave", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False, server_default=""),
    Column("substitution", Text, nullable=False, server_default="none"),
    Column("created_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Index("ix_outbound_order_state", "state", "id"),
    Index("ix_outbound_order_due", "state", "due_us"),
    Index("ix_outbound_order_wave", "wave"),
)
# ``seen`` is what of ``shipped`` portals and scans told of by themselves; at ``left_us`` the last
# of it left.
outbound_line = Table(
    "outbound_line",
    metadata,
    Column("order_id", Text, ForeignKey("outbound_order.id"), primary_key=True),
    Column("line", Text, primary_key=True),
    Column("sku", Text, ForeignKey("item.sku"), nullable=False),
    Column("lot", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("picked", BigInteger, nullable=False, server_default="0"),
    Column("packed", BigInteger, nullable=False, server_default="0"),
    Column("shipped", BigInteger, nullable=False, server_default="0"),
    Column("seen", BigInteger, nullable=False, server_default="0"),
    Column("left_us", BigInteger),
    Column("substitution", Text, nullable=False, server_default=""),
    # Units of a line that are on others, which name it in ``substituted_for``.
    Column("substituted", BigInteger, nullable=False, server_default="0"),
    Column("substituted_for", Text, nullable=False, server_default=""),
)
pick_task = Table(
    "pick_task",
    metadata,
    Column("id", Text, primary_key=True),
    Column("wave", Text, nullable=False),
    Column("assigned_to", Text, nullable=False, server_default=""),
    Column("created_us", BigInteger, nullable=False),
)
pick = Table(
    "pick",
    metadata,
    Column("id", Text, primary_key=True),
    Column("task", Text, ForeignKey("pick_task.id"), nullable=False),
    Column("order_id", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("picked", BigInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("done_by", Text, nullable=False, server_default=""),
    Column("done_us", BigInteger),
    Column("substituted_for", Text, nullable=False, server_default=""),
    Index("ix_pick_task", "task", "state"),
    Index("ix_pick_order", "order_id", "state"),
    Index("ix_pick_done", "done_us"),
)
carton = Table(
    "carton",
    metadata,
    Column("sscc", Text, primary_key=True),
    Column("command", Text, nullable=False, unique=True),
    Column("order_id", Text, ForeignKey("outbound_order.id"), nullable=False),
    Column("shipment", Text, nullable=False, server_default=""),
    Column("contents", Text, nullable=False),
    Column("packed_us", BigInteger, nullable=False),
    Index("ix_carton_order", "order_id"),
)
# Also what a carrier is told: ``state`` says how far it has come with that.
shipment = Table(
    "shipment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, ForeignKey("outbound_order.id"), nullable=False),
    Column("carrier", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tracking", Text, nullable=False, server_default=""),
    Column("lines", Text, nullable=False),
    Column("shipped_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Index("ix_shipment_order", "order_id"),
    Index("ix_shipment_carrier", "carrier", "state", "id"),
)
