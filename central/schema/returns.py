"""The tables of returns. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from central.schema.ground import metadata

__all__ = ["customer_return", "return_inspection"]

# What is expected of one that is authorised is an inbound order of the same id.
customer_return = Table(
    "customer_return",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_customer_return_order", "order_id"),
    Index("ix_customer_return_status", "status", "id"),
)
# What was found when goods were looked at; ``movement`` is empty where they stayed as they were.
return_inspection = Table(
    "return_inspection",
    metadata,
    Column("id", Text, primary_key=True),
    Column("return_id", Text, nullable=False),
    Column("line", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("movement", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Index("ix_return_inspection_return", "return_id"),
)
