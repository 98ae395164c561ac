"""The tables of what was changed, and the chain over it. Part of ``central.schema``, which is what
everybody imports.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from central.schema.ground import ID, metadata

__all__ = ["audit", "audit_block"]

audit = Table(
    "audit",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Index("ix_audit_action", "action", "id"),
)

# Entries of the audit, hashed over those before: central.audit.chain.
audit_block = Table(
    "audit_block",
    metadata,
    Column("no", ID, primary_key=True, autoincrement=True),
    Column("last_id", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
