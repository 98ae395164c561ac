"""The tables of edges and devices. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from central.schema.ground import metadata

__all__ = ["device", "edge_presence"]

edge_presence = Table(
    "edge_presence",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("version", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
)
device = Table(
    "device",
    metadata,
    Column("edge", Text, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("read_point", Text, nullable=False),
    Column("driver", Text, nullable=False, server_default=""),
    Column("model", Text, nullable=False, server_default=""),
    Column("description", Text, nullable=False, server_default="{}"),
    Column("state", Text, nullable=False, server_default="unknown"),
    Column("cause", Text, nullable=False, server_default=""),
    Column("hint", Text, nullable=False, server_default=""),
    Column("counters", Text, nullable=False, server_default="{}"),
    Column("health_us", BigInteger),
    Column("state_us", BigInteger),
    Column("last_us", BigInteger),
)
