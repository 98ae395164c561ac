"""The tables of labels. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from central.schema.ground import metadata

__all__ = ["label_job", "label_number"]

# Numbers given away for labels, each once: serials of a GTIN's or GRAI's tags, SSCCs. ``place`` is
# the label's within the command that asked for it.
label_number = Table(
    "label_number",
    metadata,
    Column("command", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("given_us", BigInteger, nullable=False),
    Column("given_by", Text, nullable=False),
    Index("ix_label_number_scope", "scope", "number", unique=True),
)
label_job = Table(
    "label_job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("printer", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("form", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("bindings", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Index("ix_label_job_state", "state", "next_us"),
)
