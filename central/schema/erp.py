"""The tables of ERP connections. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from central.schema.ground import ID, metadata

# What came, byte for byte, before anything was made of it; and what was told, and what became of
# both. ``key`` tells a repeat.
erp_message = Table(
    "erp_message",
    metadata,
    Column("no", ID, primary_key=True, autoincrement=True),
    Column("connection", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("mapped", Text, nullable=False, server_default=""),
    Column("subject", Text, nullable=False, server_default=""),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("faults", Text, nullable=False, server_default="[]"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("at_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Index("ix_erp_message_key", "connection", "direction", "key", unique=True),
    Index("ix_erp_message_state", "state", "no"),
)
# Which connection an order came by, and in which version.
erp_order = Table(
    "erp_order",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("order_id", Text, primary_key=True),
    Column("version", BigInteger),
    Column("message", BigInteger, nullable=False),
)
