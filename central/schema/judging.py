"""The tables of judging: how far it came, what it remembers, what it found and what people said
of that. Part of ``central.schema``, which is what everybody imports.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from central.schema.ground import ID, metadata

# Work is cut by edge and by read point; whoever holds a partition does its work. A row changes
# hands by its epoch. ``position`` is the last log entry that was judged for it.
partition = Table(
    "partition",
    metadata,
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("worker", Text, nullable=False, server_default=""),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Column("position", BigInteger, nullable=False, server_default="0"),
)
worker = Table(
    "worker",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)
memory = Table(
    "memory",
    metadata,
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("state", LargeBinary, nullable=False),
)
# In which order several workers judged, as far as it can matter: for these partitions (a bit
# each), these log entries were judged over the ledger as it stood at ``ledger_from``, and what
# they came to is on it up to ``ledger_upto``.
stretch = Table(
    "stretch",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("partitions", BigInteger, nullable=False),
    Column("after_log", BigInteger, nullable=False),
    Column("upto_log", BigInteger, nullable=False),
    Column("ledger_from", BigInteger, nullable=False),
    Column("ledger_upto", BigInteger, nullable=False),
)
cursor = Table(
    "cursor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("state", LargeBinary),
)
review = Table(
    "review",
    metadata,
    Column("id", Text, primary_key=True),
    Column("opened_us", BigInteger, nullable=False),
    Column("event_us", BigInteger, nullable=False),
    Column("read_point", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("causes", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="open"),
    Column("resolved_us", BigInteger),
    Column("resolution", Text),
    Column("hypotheses", Text, nullable=False, server_default="[]"),
    Column("log_id", BigInteger, nullable=False, server_default="0"),
    Column("escalated_us", BigInteger),
    Column("resolution_id", Text),
    Index("ix_review_resolution", "resolution_id", unique=True),
    Index("ix_review_status", "status", "opened_us"),
    Index("ix_review_log", "log_id"),
)
portal_pass = Table(
    "portal_pass",
    metadata,
    Column("id", Text, primary_key=True),
    Column("read_point", Text, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("causes", Text, nullable=False),
    Column("log_id", BigInteger, nullable=False, server_default="0"),
    Index("ix_portal_pass_closed", "closed_us"),
)
# Why log entry ``log_id`` was judged as it was, and by which versions.
trace = Table(
    "trace",
    metadata,
    Column("log_id", BigInteger, primary_key=True, autoincrement=False),
    Column("app", Text, nullable=False),
    Column("reconciler", Integer, nullable=False),
    Column("context", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
# What went by and moved nothing: the newest of each read point.
left_alone = Table(
    "left_alone",
    metadata,
    Column("id", Text, primary_key=True),
    Column("read_point", Text, nullable=False),
    Column("closed_us", BigInteger, nullable=False),
    Column("log_id", BigInteger, nullable=False),
    Column("app", Text, nullable=False),
    Column("reconciler", Integer, nullable=False),
    Column("context", BigInteger, nullable=False),
    Column("epcs", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_left_alone_point", "read_point", "closed_us"),
)
# What people said of what judging asked about: food for the next calibration.
label = Table(
    "label",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("review", Text, nullable=False),
    Column("pass", Text, nullable=False, server_default=""),
    Column("at_us", BigInteger, nullable=False),
    Column("read_point", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("truth", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("features", Text, nullable=False, server_default="{}"),
    Column("model", Text, nullable=False, server_default=""),
    Index("ix_label_review", "review"),
    Index("ix_label_pass", "pass"),
)
