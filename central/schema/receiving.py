"""The tables of inbound orders and of receiving. Part of ``central.schema``, which is what
everybody imports.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from central.schema.ground import metadata

inbound_order = Table(
    "inbound_order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("source", Text, nullable=False, server_default="supplier"),
    Column("status", Text, nullable=False),
    Column("expected_us", BigInteger),
    Column("body", Text, nullable=False),
    Index("ix_inbound_order_status", "status", "id"),
    Index("ix_inbound_order_expected", "status", "expected_us"),
    Index("ix_inbound_order_reference", "reference"),
)
# A place and a time at which an order's goods are taken in.
receiving_session = Table(
    "receiving_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("aside", Text),
    Column("status", Text, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("closed_us", BigInteger),
    Index("ix_receiving_session_order", "order_id"),
    Index("ix_receiving_session_place", "location", "status"),
)
# What people had in hand, with what was answered; ``asked`` tells a repeat from another command.
receipt = Table(
    "receipt",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Index("ix_receipt_order", "order_id"),
    Index("ix_receipt_session", "session"),
)
# What became of it: units of a line, or (``line`` empty) units that were set aside.
receipt_take = Table(
    "receipt_take",
    metadata,
    Column("receipt", Text, primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("order_id", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
    Column("posted", BigInteger, nullable=False),
    Column("aside", BigInteger, nullable=False),
    Index("ix_receipt_take_order", "order_id"),
)
# Pieces that a person had in hand, each once for an order.
receipt_piece = Table(
    "receipt_piece",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("receipt", Text, nullable=False),
)
inbound_discrepancy = Table(
    "inbound_discrepancy",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
# What subscribers were told of an order's goods so far.
goods_told = Table(
    "goods_told",
    metadata,
    Column("order_id", Text, primary_key=True),
    Column("line", Text, primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("damaged", BigInteger, nullable=False),
)
