"""The tables of zones: which tags are there, and what happened. Part of ``central.schema``, which
is what everybody imports.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Table, Text

from central.schema.ground import ID, metadata

presence = Table(
    "presence",
    metadata,
    Column("read_point", Text, primary_key=True),
    Column("epc", Text, primary_key=True),
    Column("place", Text, nullable=False),
    Column("arrived_us", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("reader", Text, nullable=False, server_default=""),
    Index("ix_presence_epc", "epc"),
    Index("ix_presence_place", "place"),
)
presence_event = Table(
    "presence_event",
    metadata,
    Column("no", ID, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("read_point", Text, nullable=False),
    Column("epc", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("was", Text, nullable=False),
    Column("event_us", BigInteger, nullable=False),
    Column("decided_us", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("reads", BigInteger, nullable=False),
    Column("causes", Text, nullable=False),
    Column("log_id", BigInteger, nullable=False),
    Column("reader", Text, nullable=False, server_default=""),
    Index("ix_presence_event_epc", "epc", "no"),
    Index("ix_presence_event_place", "place", "no"),
)
