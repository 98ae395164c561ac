"""The table of attachments. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from central.schema.ground import metadata

# What belongs to what; the files themselves lie in a folder, by ``sha256``.
attachment = Table(
    "attachment",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("added_us", BigInteger, nullable=False),
    Column("added_by", Text, nullable=False),
    Index("ix_attachment_sha256", "sha256"),
)
