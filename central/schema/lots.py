"""The tables of lots and single pieces. Part of ``central.schema``, which everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from central.schema.ground import metadata

__all__ = ["lot", "serial_place"]

# Dates are ISO 8601 text without a time: a day where the goods lie.
lot = Table(
    "lot",
    metadata,
    Column("sku", Text, ForeignKey("item.sku"), primary_key=True),
    Column("lot", Text, primary_key=True),
    Column("expires_on", Text),
    Column("made_on", Text),
    Column("supplier_lot", Text, nullable=False, server_default=""),
    Column("status", Text, nullable=False, server_default="active"),
    Column("created_us", BigInteger, nullable=False),
    Index("ix_lot_expires", "expires_on", "sku", "lot"),
)
serial_place = Table(
    "serial_place",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("lot", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Index("ix_serial_place_location", "location", "sku", "serial"),
)
