"""The tables of announced goods, and of later evidence of goods that had moved. Part of
``central.schema``, which is what everybody imports.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Table, Text

from central.schema.ground import ID, metadata

# What people announced; the newest row of a document holds.
document = Table(
    "document",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("valid_from_log", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("source", Text, nullable=False, server_default=""),
    Column("destination", Text, nullable=False, server_default=""),
    Index("ix_document_document", "document", "id"),
    Index("ix_document_status", "status"),
    Index("ix_document_from", "valid_from_log"),
)
# What a pass or a scan meant for a document's lines.
document_note = Table(
    "document_note",
    metadata,
    Column("id", Text, primary_key=True),
    Column("document", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("read_point", Text, nullable=False),
    Column("event_us", BigInteger, nullable=False),
    Column("log_id", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("height", BigInteger, nullable=False, server_default="0"),
    Index("ix_document_note_document", "document"),
    Index("ix_document_note_event", "event_id"),
    Index("ix_document_note_height", "height"),
)
# What another kind of sensor said of a movement later on. It moves nothing, but tells where tags
# are, behind movement ``after_seq``.
witness = Table(
    "witness",
    metadata,
    Column("no", ID, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("movement_id", Text, nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("log_id", BigInteger, nullable=False),
    Column("record_us", BigInteger, nullable=False),
    Column("event_us", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("read_point", Text, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("causes", Text, nullable=False),
    Column("epcs", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Index("ix_witness_movement", "movement_id"),
)
