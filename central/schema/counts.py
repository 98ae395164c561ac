"""The tables of cycle counts. Part of ``central.schema``, which is what everybody imports."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, false

from central.schema.ground import ID, metadata

count_task = Table(
    "count_task",
    metadata,
    Column("id", Text, primary_key=True),
    Column("location", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_count_task_state", "state", "id"),
)
# What people found, in the order in which it was told; never changed but for ``void``.
count_entry = Table(
    "count_entry",
    metadata,
    Column("no", ID, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("task", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("void", Boolean, nullable=False, server_default=false()),
    Index("ix_count_entry_task", "task", "no"),
)
count_decision = Table(
    "count_decision",
    metadata,
    Column("task", Text, primary_key=True),
    Column("line", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
# The lines of counts that were approved: the history of each account, and the accuracy figure.
count_result = Table(
    "count_result",
    metadata,
    Column("task", Text, primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("lot", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("movement", Text),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_count_result_at", "at_us"),
    Index("ix_count_result_sku", "sku", "at_us"),
    Index("ix_count_result_location", "location", "at_us"),
)
count_schedule = Table(
    "count_schedule",
    metadata,
    Column("id", Text, primary_key=True),
    Column("location", Text, nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_count_schedule_next", "next_us"),
)
