"""The table of domain events. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from central.schema_ground import ID, metadata

domain_event = Table(
    "domain_event",
    metadata,
    Column("seq", ID, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
